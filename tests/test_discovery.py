"""What there is to type is found without reading: when the extension is loaded, by `%milvus`, after a slip."""

import re

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections
from milvus_magics.errors import ParameterError
from milvus_magics.magics import MilvusMagics
from milvus_magics.magics.completion import suggest


def make_shell(**settings):
    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}, "MilvusMagics": settings}))


@pytest.fixture
def loaded():
    shell = make_shell(quiet=True)
    shell.run_line_magic("load_ext", "milvus_magics")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")
    connections.close_all()


def test_loading_says_where_to_go_next(capsys):
    """In one line, which names a magic that there is; and nothing where that is wanted."""
    shell = make_shell()
    shell.run_line_magic("load_ext", "milvus_magics")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert {f"%{name}" for name in re.findall(r"%(\w+)", said)} <= {f"%{name}" for name in MilvusMagics.magics["line"]}
    shell.run_line_magic("unload_ext", "milvus_magics")
    shell = make_shell(quiet=True)
    shell.run_line_magic("load_ext", "milvus_magics")
    assert capsys.readouterr().out == ""
    shell.run_line_magic("unload_ext", "milvus_magics")


def test_every_magic_is_listed_with_one_line(loaded):
    """Under one topic each, whether something is connected or not."""
    shown = loaded.run_line_magic("milvus", "")
    rows = shown.magics
    assert sorted(row.magic.removeprefix("%") for row in rows) == sorted(MilvusMagics.magics["line"])
    assert all(row.topic and row.does and "\n" not in row.does for row in rows)
    assert all(repr(shown).count(f" {row.magic} ") >= 1 for row in rows)
    assert "%milvus_connect" in shown.next_step
    with contract.serve("2.6.18") as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shown = loaded.run_line_magic("milvus", "")
        assert "%milvus_console" in shown.next_step
        assert shown.magics.to_dicts() == rows.to_dicts()


@pytest.mark.parametrize("topic", ["users", "many users", "many", "roles", "Privileges", "history"])
def test_help_shows_a_topic_with_examples(loaded, topic):
    rows = loaded.run_line_magic("milvus", f"help {topic}")
    assert rows
    assert all(topic.casefold() in row.topic for row in rows)
    assert all(row.magic in row.example for row in rows)
    assert ("topic" in rows.shown_columns()) is (len({row.topic for row in rows}) > 1)


@pytest.mark.parametrize("name", ["create_user", "%milvus_create_user", "milvus_create_user"])
def test_help_shows_a_magic(loaded, capsys, name):
    assert loaded.run_line_magic("milvus", f"help {name}") is None
    assert "--generate" in capsys.readouterr().out


def test_help_suggests(loaded):
    with pytest.raises(ParameterError, match=r"no such topic \(did you mean 'roles'\?\); there are: .*many users"):
        loaded.run_line_magic("milvus", "help rolls")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%milvus_delet_user bob", "did you mean %milvus_delete_user?"),
        ("%milvus_lst_users", "did you mean %milvus_list_users?"),
        ("%milvus_acess", "did you mean %milvus_access?"),
        ("%milvuss", ""),
        ("%milvus_help", "did you mean %milvus help?"),
        ("%milvus_lst", "%milvus_list_users?"),
        ("%milvus_users", "%milvus_list_users?"),
        ("%milvus_restor", "did you mean %milvus_restore_grants, %milvus_restore_role, %milvus_restore_user?"),
        ("x = %milvus_whomai", "did you mean %milvus_whoami?"),
    ],
)
def test_a_misspelled_magic_gets_a_suggestion(loaded, capsys, cell, says):
    loaded.run_cell(cell)
    said = capsys.readouterr()
    assert "not found" in said.out + said.err
    assert says in said.out
    assert said.out.count("%milvus lists all magics") == 1


def test_what_others_misspell_is_their_affair(loaded, capsys):
    for cell in ("%matplotlip", "1 / 0", "%%milvus_list_user\nbob", "%milvus_list_users", "milvus_delet_user"):
        loaded.run_cell(cell)
    assert "lists all magics" not in capsys.readouterr().out
    loaded.run_line_magic("unload_ext", "milvus_magics")
    loaded.run_cell("%milvus_delet_user bob")
    assert "lists all magics" not in capsys.readouterr().out
    loaded.run_line_magic("load_ext", "milvus_magics")


def test_completion_offers_what_the_server_has(loaded):
    """Its own groups among the privileges, from Milvus 2.5; and the users of this session."""
    for version, is_newer in (("2.3.5", False), ("2.6.18", True)):
        with contract.serve(version) as (server, address):
            server.groups = {"searching": {"Search"}} if is_newer else server.groups
            connections.connect(uri=f"http://{address}", user="root", password="Milvus")
            offered = suggest(loaded.magics_manager.registry["MilvusMagics"], "%milvus_grant_privilege reader ").words
            assert "Search" in offered
            assert {"searching", "CollectionReadOnly", "AddPrivilegesToGroup"} & {*offered} == (
                {"searching", "CollectionReadOnly"} if is_newer else set()
            )
            loaded.run_line_magic("milvus_create_user", "bob --generate")
            magics = loaded.magics_manager.registry["MilvusMagics"]
            offered = suggest(magics, "x = %milvus_").words
            assert {"%milvus_create_privilege_group", "%milvus_list_privilege_groups"} <= {*offered} or not is_newer
            assert not [name for name in offered if "group" in name and not is_newer]
            assert not [name for name in offered if "describe" in name], "only from 2.6.19"
            assert "%milvus_list_users" in offered
            assert suggest(magics, "%milvus_passwords ").words == ["bob"]
            connections.close_all()


def test_completion_offers_topics_and_only_what_fits(loaded):
    """What stands there is what `help` takes; where there are no names, options rather than Python's."""
    magics = loaded.magics_manager.registry["MilvusMagics"]
    assert suggest(magics, "%milvus ").words == ["help"]
    offered = suggest(magics, "%milvus help ").words
    assert {"users", "'many users'", "create_user"} <= {*offered}
    for word in offered:
        loaded.run_line_magic("milvus", f"help {word}")
    assert suggest(magics, "%milvus help us").words == ["users", "use"]
    assert suggest(magics, "%milvus_passwords ").words == ["--help", "--to", "--using"]
    assert suggest(magics, "%milvus_list_user --using ").words == [], "a value is wanted"
    assert "%milvus_describe_user" in suggest(magics, "%milvus_d").words, "nothing is connected"
