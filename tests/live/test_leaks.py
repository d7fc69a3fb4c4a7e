"""The hunt: odd passwords go through every magic, form and function, right and wrong, and are nowhere afterwards."""

from pathlib import Path

import nbformat
import pytest
from kernels import DUMP, VERBOSE, assert_nowhere, kernel_at, new_password, one_line, root_of, root_password
from nbconvert import HTMLExporter, MarkdownExporter

from milvus_magics import embedded
from milvus_magics.client import users

ODD = "p:$x{y}\"z'\\ü€-"
ASK = "from milvus_magics import Secret\n{name} = Secret.prompt()"
FORM = """from milvus_magics import Secret
import milvus_magics
form = milvus_magics.{form}
{fill}
form._button.click()
print(form._status.value)
form.close()"""


@pytest.fixture(scope="module")
def server():
    with embedded.start() as server:
        yield server


@pytest.mark.parametrize("kind", ["ordinary", "odd"])
def test_every_way_of_a_password_leaves_no_trace(server, tmp_path, kind):
    """Prompts, Secrets in variables, forms, undo; success and failure; verbose tracebacks and debug logs."""
    first, second, third, wrong = (new_password() if kind == "ordinary" else ODD + new_password()[:8] for _ in range(4))
    home = tmp_path / "home"
    with root_of(server) as root, kernel_at(home, server) as kernel:
        cells = []

        def run(code, *answers):
            answer = kernel.run(code, *answers)
            cells.append((code, answer))
            return answer

        def done(code, *answers, says):
            answer = run(code, *answers)
            assert not answer.error, answer.text()
            assert says in answer.text(), answer.text()

        def fails(code, *answers, says):
            assert says in one_line(run(code, *answers))

        run("%config MilvusMagics.undo_minutes = 5")
        # by prompts
        fails("%milvus_create_user bob", first, wrong, says="not the same")
        done("%milvus_create_user bob --role public", first, first, says="created user 'bob'")
        fails("%milvus_create_user bob", second, second, says="exists already")
        fails("%milvus_update_password bob", wrong, second, second, says="is wrong; nothing was changed")
        done("%milvus_update_password bob", first, second, second, says="changed the password")
        fails("%milvus_reset_password bob", first, third, third, says="is wrong; nothing was changed")
        done("%milvus_reset_password bob", second, third, third, says="the old one is refused")
        fails("%milvus_reset_password bob", third, third, third, says="is the old one")
        fails("%milvus_delete_user bob", wrong, says="is wrong; nothing was changed")
        fails("%milvus_connect {os.environ['TEST_URI']} --user bob --alias bobs", wrong, says="refuses user 'bob'")
        done("%milvus_connect {os.environ['TEST_URI']} --user bob --alias bobs", third, says="user 'bob'")
        done("%milvus_reset_password --using bobs", third, first, first, says="goes on with the new one")
        fails("%milvus_connect localhost:1 --user bob --alias down", third, says="nothing listens")
        fails("%milvus_connect localhost:1 --token --alias down", f"bob:{third}", says="nothing listens")
        run(VERBOSE.format(magic="milvus_delete_user", line="bob"), wrong)
        run(VERBOSE.format(magic="milvus_update_password", line="bob --timeout 0.000001"), first, second, second)
        done("%milvus_delete_user bob", first, says="deleted user 'bob'")
        done("%milvus_restore_user bob", says="restored user 'bob'")
        # by Secrets
        for name, password in {"one": first, "two": second, "no": wrong}.items():
            run(ASK.format(name=name), password)
        done("%milvus_update_password bob --password-var one --new-password-var two", says="changed the password")
        fails("%milvus_delete_user bob --password-var no", says="is wrong")
        run("from milvus_magics import utility, connections, MilvusException\nimport os")
        fails("utility.create_user('bob', one)", says="exists already")
        fails("utility.delete_user('bob', no)", says="is wrong")
        fails("utility.update_password('bob', no, one)", says="is wrong")
        fails("connections.connect('x', 'bob', no, uri=os.environ['TEST_URI'])", says="refuses user 'bob'")
        fails("connections.connect('x', uri=f'http://bob:{no.reveal()}@[', timeout=1)", says="cannot be read")
        done("utility.reset_password('bob', two, one)\nutility.list_usernames()", says="'bob'")
        run("1 / (one == two)  # an error of the user's own, with our names around it")
        run("vars(connections), one, [two], {'no': no}, f'{one} {two!r}', str(no)")
        # by forms
        fill = "form._boxes['user'].value = 'bob'\nform._password.value = Secret.prompt().reveal()"
        done(FORM.format(form="DeleteUserForm()", fill=fill), wrong, says="is wrong")
        fill = (
            "form._boxes['user'].value = 'bob'\nform._old.value = Secret.prompt().reveal()\n"
            "new = Secret.prompt()\nfor field in form._new.fields: field.value = new.reveal()"
        )
        done(FORM.format(form="ResetPasswordForm()", fill=fill), first, second, says="the old one is refused")
        fill = "form._name.value = 'new'\nfor field in form._password.fields: field.value = two.reveal()"
        done(FORM.format(form="CreateUserForm()", fill=fill), says="created user")
        fill = "form._texts['user'].value = 'bob'\nform._secret.value = Secret.prompt().reveal()"
        done(FORM.format(form="ConnectForm('forms', uri=os.environ['TEST_URI'])", fill=fill), second, says="connected")
        # and what remains of it
        done("%milvus_audit --export audit.jsonl\n%milvus_audit", says="changes made or tried")
        done("%milvus_drop_user new --yes", says="deleted user")
        assert users.list_usernames(root, timeout=10) == ["bob", "root"]
        assert not run(DUMP).error
        arguments = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
        published = kernel.published
    notebook = as_notebook(cells)
    nbformat.write(notebook, home / "run.ipynb")
    for exporter, suffix in ((HTMLExporter(), "html"), (MarkdownExporter(), "md")):
        (home / f"run.{suffix}").write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    (home / "arguments").write_bytes(arguments)
    assert (home / "audit.jsonl").read_text().count("\n") > 10
    assert_nowhere((first, second, third, wrong, root_password(server)), home, published)


def as_notebook(cells):
    """The cells with what they answered, as a notebook would be saved."""
    notebook = nbformat.v4.new_notebook()
    for code, answer in cells:
        outputs = [
            nbformat.v4.output_from_msg(message)
            for message in answer.messages
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error")
        ]
        notebook.cells.append(nbformat.v4.new_code_cell(code, outputs=outputs))
    return notebook


@pytest.mark.parametrize("show", ["print({})", "raise ValueError({})", "_ = open('kept', 'w').write(repr({}))"])
def test_the_hunt_finds_an_odd_password_that_is_shown_on_purpose(server, tmp_path, show):
    """Printed, in an error of the user's own, and in a file: each is found."""
    password, home = ODD + new_password()[:8], tmp_path / "home"
    with kernel_at(home, server) as kernel:
        kernel.run(ASK.format(name="one"), password)
        kernel.run(show.format("one.reveal()"))
        published = kernel.published
    with pytest.raises(AssertionError, match="no password in"):
        assert_nowhere((password,), home, published)
