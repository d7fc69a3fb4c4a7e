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
    assert "This will delete 'bob --yes'" in str(value(shell, "%gone {u}"))
    assert "This will delete 'bob --yes'" in str(value(shell, "%gone {u}"))


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
        with pytest.raises(ParameterError, match="another magic, %sometimes, has expanded this line.*nothing was sent"):
            value(shell, f"%sometimes %milvus_drop_user {typed}")
    assert shell.user_ns["ran"] == []
    assert server.passwords.keys() == {"root", "bob", STRANGE, CODE, "$u"}
    value(shell, "%sometimes %milvus_list_user bob")


WRAPPERS = """
from IPython.core.magic import no_var_expand, register_cell_magic, register_line_magic
ip = get_ipython()
@register_line_magic
def behind(line):
    return ip.run_line_magic("milvus_drop_user", line + " --dry-run")
@register_line_magic
def within(line):
    return ip.run_line_magic("milvus_drop_user", "--dry-run " + line + " --timeout 9")
@register_line_magic
def called(line):
    return ip.magics_manager.magics["line"]["milvus_drop_user"](line)
@register_line_magic
def timed(line):
    return ip.run_line_magic("timeit", "-n1 -r1 -q %milvus_drop_user " + line + " --dry-run")
@register_line_magic
def aliased(line):
    return ip.run_line_magic("show", line)
@register_cell_magic
def cells(line, cell):
    return ip.run_line_magic("milvus_drop_user", line)
@register_line_magic
def words(line):
    return [ip.run_line_magic("milvus_drop_user", word) for word in line.split()]
def literal():
    return ip.run_line_magic("milvus_list_user", "$u")
@register_line_magic
def who(line):
    return ip.run_line_magic("milvus_list_user", "{u}")
@register_line_magic
def who_else(line):
    return literal()
@register_cell_magic
def body(line, cell):
    ip.run_cell(cell).raise_error()
@register_line_magic
@no_var_expand
def plain(line):
    return ip.run_line_magic("milvus_list_user", line + " --timeout 9")
"""


@pytest.mark.parametrize("typed", ["$u", "{u}", "$v", "{v}", "{{v}}", "$$v", "bob $v", "{names[2]}", "$braced"])
@pytest.mark.parametrize("wrapper", ["%behind", "%within", "%called", "%timed", "%words", "%%cells"])
def test_what_a_magic_of_the_users_own_puts_together_is_refused(shell, server, wrapper, typed):
    """From an expanded line nobody can tell what was typed: a name would be code, or an option."""
    shell.user_ns["braced"] = "{v}"
    value(shell, WRAPPERS)
    name = wrapper.strip("%")
    with pytest.raises(ParameterError, match=f"%{name}, has expanded this line already.*@no_var_expand.*nothing was"):
        value(shell, f"{wrapper} {typed}\n" + "pass" * wrapper.startswith("%%"))
    assert shell.user_ns["ran"] == [], "a value is never code"
    assert server.passwords.keys() == {"root", "bob", STRANGE, CODE, "$u"}, "nor an option"


def test_what_such_a_magic_gives_to_an_alias_is_refused(shell, server):
    """The words are known there, but not those that were typed."""
    value(shell, WRAPPERS)
    with pytest.raises(ParameterError, match="%aliased, has expanded this line already"):
        value(shell, "%aliased $u")
    assert server.calls.count("SelectUser") == 0


def test_what_is_written_in_a_magic_a_function_or_a_body_is_as_it_was_typed(shell, server):
    """Whatever else was expanded around it."""
    value(shell, WRAPPERS)
    assert value(shell, "%who $v").name == STRANGE
    assert value(shell, "%who_else $v").name == STRANGE
    value(shell, "%%body $v\nfound = %milvus_list_user $u")
    assert shell.user_ns["found"].name == STRANGE
    assert value(shell, "%plain $u").name == STRANGE
    assert "This will delete bob" in str(value(shell, "%behind bob")), "where nothing was expanded, all is typed"
    assert shell.user_ns["ran"] == []
