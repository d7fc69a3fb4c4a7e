"""What a method answers instead of success: a status in the answer, or a gRPC error instead of one."""

# The older numbers, `error_code`, as far as they are used here.
UNEXPECTED, ILLEGAL_ARGUMENT, NO_COLLECTION = 1, 5, 4
CREATE_USER, UPDATE_USER, DELETE_USER = 29, 30, 31
CREATE_ROLE, DROP_ROLE, USER_AND_ROLE, GRANT, SELECT_GRANT = 35, 36, 37, 41, 42
CREATE_GROUP, DROP_GROUP, ALTER_GROUP = 58, 59, 61

# The newer ones, `code`.
QUOTA, NO_DATABASE, BAD_DATABASE_NAME, INVALID, WRONG_PASSWORD, NOT_PERMITTED, BAD_GROUP_NAME, NO_ALIAS, OTHER = (
    9, 800, 802, 1100, 1400, 1401, 1402, 1600, 65535,
)  # fmt: skip


class Refusal(Exception):
    """A status that isn't success.

    Attributes:
        payload: what else the answer holds.
        is_inner: not marked as the caller's mistake, whatever its code is.
    """

    def __init__(self, legacy, code, reason, detail="", is_inner=False, **payload):
        super().__init__(reason)
        self.status = {"error_code": legacy, "code": code, "reason": reason, "detail": detail}
        self.is_inner, self.payload = is_inner, payload


class Denied(Exception):
    """A gRPC error instead of an answer."""

    def __init__(self, code, words):
        super().__init__(words)
        self.code, self.words = code, words


def invalid(reason, limits="", legacy=ILLEGAL_ARGUMENT):
    """What is wrong in the form of a request: the same number and ending in all versions."""
    return Refusal(legacy, INVALID, f"{reason}: invalid parameter{limits}")


def no_database(name, is_inner=True):
    return Refusal(UNEXPECTED, NO_DATABASE, f"database not found[database={name}]", is_inner=is_inner)


def shown(value):
    """A value as it stands in many of Milvus's texts, where what writes them drops blanks at its end."""
    return value.rstrip(" ")
