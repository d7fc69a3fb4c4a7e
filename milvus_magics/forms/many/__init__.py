"""The forms for many users: create them, with passwords to download once, and delete them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from milvus_magics.bulk.password_file import write_passwords
from milvus_magics.bulk.plan import CREATE, DELETE
from milvus_magics.bulk.results import BulkPlan, BulkResult, UserRow
from milvus_magics.bulk.rows import generate_missing_passwords
from milvus_magics.forms.many.users_form import UsersForm
from milvus_magics.forms.many.words import CREATING, DELETING
from milvus_magics.wording import count_text

FILE_NAME = "passwords.csv"
ADVICE = "You can download them once. Until the kernel ends, %milvus_passwords --to FILE writes them, too."


class CreateUsersForm(UsersForm):
    """Create many users with roles; passwords that are not given are made up, and can be downloaded once."""

    OPERATION = CREATE
    TITLE = "Create many users"
    MAGIC = "%milvus_create_users SOURCE"
    VERB = CREATING
    HELP = (
        "A table with a heading; its columns are user, roles, password and description, and only user is needed. "
        "A list of names will do, too. Passwords that you leave out are made up."
    )
    PLACEHOLDER = "user,roles\nann,reader\nbob,"

    def _prepare(self, rows: Sequence[UserRow]) -> Sequence[UserRow]:
        return generate_missing_passwords(rows)

    def _notes(self, planned: BulkPlan) -> Iterable[str]:
        if count := sum(row.generated for row in planned.todo):
            yield f"{count_text(count, 'password')} will be made up. You can download them afterwards."

    def __init__(self, *args: Any, **options: Any) -> None:
        self._made_up, self._made_on = tuple[UserRow, ...](), ""
        super().__init__(*args, **options)

    def _offer_passwords(self, planned: BulkPlan, result: BulkResult) -> None:
        made_up, advice = tuple(row for row in planned.todo if row.user in result.passwords), ADVICE
        if made_up and self.download.is_offered:  # nobody has those of the run before
            if planned.server == self._made_on:
                made_up = (*(row for row in self._made_up if row.user not in result.passwords), *made_up)
            else:
                advice = f"{ADVICE} There are those for {self._made_on}, too."

        def make_file() -> bytes:
            stream = io.StringIO()
            write_passwords(stream, made_up)
            return stream.getvalue().encode()

        if made_up:
            self.download.offer(f"Download {count_text(len(made_up), 'password')}", FILE_NAME, make_file)
            self._made_up, self._made_on = made_up, planned.server
            self.advice.say(advice)

    def _withdraw_passwords(self) -> None:
        super()._withdraw_passwords()
        self._made_up = ()


class DeleteUsersForm(UsersForm):
    """Delete many users, each after checking the password that its row gives."""

    OPERATION = DELETE
    TITLE = "Delete many users"
    MAGIC = "%milvus_delete_users SOURCE"
    VERB = DELETING
    IS_DANGEROUS = True
    HELP = "A table with a heading and the columns user and password. Each password is checked first."
    PLACEHOLDER = "user,password"
