"""What a variable holds is expanded once, by whatever door a line comes: an alias, another magic, automagic, a call."""

import contract
import pytest

from milvus_magics.errors import ParameterError
from milvus_magics.session import connections

STRANGE = "bob --yes"  # from a file of names, say
CODE = "{ran.append(1)}"


@pytest.fixture
def server(shell):
    with contract.serving(contract.AnyNames("2.6.18")) as (server, address):
        server.passwords |= dict.fromkeys(("bob", STRANGE, CODE, "$u"), b"a-password")
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell.user_ns.update(u=STRANGE, v=CODE, ran=[], names=["bob", STRANGE, CODE], made=iter(["bob", STRANGE]))
        for alias, target in (("show", "milvus_list_user"), ("showagain", "show")):
            shell.run_line_magic("alias_magic", f"-l {alias} {target}")
        yield server
        connections.close_all()


def value(shell, cell):
    """The result of a cell; whatever it raises is raised."""
    done = shell.run_cell(cell)
    done.raise_error()
    return done.result


DOORS = [
    "%milvus_list_user {}", "%show {}", "%showagain {}", "milvus_list_user {}", "show {}", "x = %show {}\nx",
    "get_ipython().run_line_magic('show', '{}')", "get_ipython().run_line_magic('milvus_list_user', '{}')",
    "if True:\n    x = %show {}\nx", "def f():\n    return get_ipython().run_line_magic('show', '{}')\nf()",
    "%%capture\nx = %show {}", "%%time\nx = %show {}", "%time x = get_ipython().run_line_magic('show', '{}')",
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("typed", "name"), [("$u", STRANGE), ("{u}", STRANGE), ("$v", CODE), ("{v}", CODE), ('"$u"', STRANGE)]
)
def test_a_value_is_one_word_and_no_code(shell, server, door, typed, name):
    """The user of that very name is found; nothing in the name is an option, and nothing runs."""
    shell.user_ns["x"] = None
    shell.run_line_magic("automagic", "on")
    found = value(shell, door.replace("{}", typed)) or shell.user_ns["x"]
    assert found.name == name, "what a variable holds is one value"
    assert shell.user_ns["ran"] == [], "and never code"


@pytest.mark.parametrize("again", [1, 2])
def test_an_alias_has_the_names_of_the_function_that_uses_it(shell, server, again):
    """Local names come first, with an alias as without; also the second time, when IPython no longer expands."""
    cell = "def f(u, line):\n    x = %show {}\n    return x\n[f('bob', 1).name for _ in range(2)]"
    assert value(shell, cell.format("$u")) == ["bob", "bob"]
    assert value(shell, cell.format("{u}")) == ["bob", "bob"]
    with pytest.raises(ParameterError, match="the name 'magic_arg_s' is not defined in this notebook"):
        value(shell, "%show $magic_arg_s")


def test_parameters_of_an_alias_stay(shell, server):
    """What `%alias_magic` adds stands before what is typed, and values stay values."""
    shell.run_line_magic("alias_magic", "-l gone milvus_drop_user -p '--dry-run'")
    assert "would delete user 'bob --yes'" in str(value(shell, "%gone {u}"))
    assert "would delete user 'bob --yes'" in str(value(shell, "%gone {u}"))


def test_an_expression_is_worked_out_once(shell, server):
    """IPython has worked it out for the alias already, so the first time the line is refused, and says what to do."""
    with pytest.raises(ParameterError, match="run the cell again; nothing was sent"):
        value(shell, "%show {next(made)}")
    assert server.calls.count("SelectUser") == 0
    assert value(shell, "%show {next(made)}").name == STRANGE, "the second value is there, as nothing took it twice"


def test_another_magic_that_expands_is_named(shell, server):
    """What a magic that runs code has expanded already is not expanded again, nor taken for what was typed."""
    shell.register_magic_function(lambda line: shell.run_cell(line).raise_error(), "line", "sometimes")
    for typed in ("$u", "{u}", "$v"):
        with pytest.raises(ParameterError, match="another magic has expanded this line.*nothing was sent"):
            value(shell, f"%sometimes %milvus_drop_user {typed}")
    assert shell.user_ns["ran"] == []
    assert server.passwords.keys() == {"root", "bob", STRANGE, CODE, "$u"}
    value(shell, "%sometimes %milvus_list_user bob")
