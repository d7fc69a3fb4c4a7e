"""What Tab inserts is one word that means that very name: a server's name becomes neither code nor another word."""

import ast
from pathlib import Path

import contract
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter

from milvus_magics.magics import completion
from milvus_magics.magics.completion import quote
from milvus_magics.magics.line import Namespace, split
from milvus_magics.session import connections
from milvus_magics.wording import is_visible, printable

INJECTED = [
    "x'\n!echo code > ran #", "y?\n!echo code > ran #", "z\r!echo", "w\u2028import os", "v\x85import os",
    "u\x0bimport os", "t\u202egnp", "s\u200bs", "r\u3164", "q\u2800", "p\u034f", "o\ufe0f", "n\x1b[2J",
    "m\x00", "l\ud83d", "k\U000e0101",
]  # fmt: skip
STRANGE = [
    "a b", "a  b", "it's {me}", "$HOME", '"', "'", "'\"", "\\", "a\\", "a?", "a??", "?a", "a;", ";", "#", "a # b", "-x",
    "--yes", "--password", "!ls", "%run", "{1}", "{{", "}}", '"""', "'''", "it's '''", 'it\'s """', "=", "a=b", "x = 1",
    "", " ", " a ", "ª²€", "名", "e\u0301", "\\'", "\\\\'", "'$x", "'{1}", "~", "(", ")", "]", "a\\ b", "@x", ",x",
    "_p", "_pat",
]  # fmt: skip
MAGIC = "%milvus_list_user "


@pytest.fixture(scope="module")
def complete(shell):
    """What a cell becomes by Tab at its end, for each thing that is offered."""

    def cells(text):
        with provisionalcompleter():
            found = list(shell.Completer.completions(text, len(text)))
        return [text[: each.start] + each.text for each in found]

    return cells


def words(line):
    return [token.text for token in split(line, Namespace({}, None))]


def names_in(shell, cell):
    """The one value of the only statement that IPython makes of a cell, which must be a line magic of ours."""
    [statement] = ast.parse(shell.input_transformer_manager.transform_cell(cell)).body
    name, line = (ast.literal_eval(arg) for arg in statement.value.args)
    assert (ast.unparse(statement.value.func), name) == ("get_ipython().run_line_magic", "milvus_list_user")
    return words(line)


ANY = st.text(st.characters(exclude_categories=[]), max_size=12)


@settings(max_examples=800, deadline=None)
@given(name=ANY | st.lists(st.sampled_from([*STRANGE, *INJECTED]), max_size=4).map("".join))
def test_what_is_inserted_is_one_word_that_means_the_name(shell, name):
    """For every name there can be: it stands on the line, is seen, and is read back, by IPython and by us."""
    assert is_visible(quote(name))
    assert names_in(shell, MAGIC + quote(name)) == [name]
    assert names_in(shell, f"{MAGIC}{quote(name)} ") == [name], "also where the line goes on"


def test_every_character_can_be_inserted():
    """All of Unicode, in names of many characters: those that are seen, and those that are not."""
    for block in range(0, 0x110000, 0x400):
        for is_seen in (True, False):
            name = "".join(c for c in map(chr, range(block, block + 0x400)) if is_visible(c) is is_seen)
            assert is_visible(quote(name))
            assert words(quote(name)) == [name]


@pytest.fixture
def server():
    """A server whose users have all these names."""
    with contract.serving(contract.AnyNames("2.6.18")) as (server, address):
        server.passwords |= dict.fromkeys([*INJECTED[:14], *STRANGE], b"a-password")
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield server
        connections.close_all()


def test_tab_in_a_shell(shell, complete, server):
    """All names are offered, on one line, and mean what they are; also those that would be code."""
    offered = [names_in(shell, cell) for cell in complete(MAGIC) if not cell.startswith(f"{MAGIC}--")]
    assert sorted(offered) == sorted([name] for name in {*STRANGE, *INJECTED[:14], "root"})
    [cell] = complete(f"{MAGIC}'y")
    assert cell == MAGIC + "{'y?\\n!echo code > ran #'}"
    shell.run_cell(cell)
    assert not Path("ran").exists(), "no name is code"


BEGUN = ["'", '"', "'a", '"a', "a", "it", "'it", '"it', "x'a", '"a"', "'a '", "a\\ ", "'a  ", "$"]


@pytest.mark.parametrize("begun", BEGUN)
def test_what_was_begun_is_replaced_as_a_whole(shell, complete, server, begun):
    """With a quote or in the middle of a word, the line after Tab has one word, which is a name of the server."""
    found = completion.suggest(shell.magics_manager.registry["MilvusMagics"], MAGIC + begun)
    assert found.words or begun not in ("'", '"', "'a", '"a', "a", "it", "'it", "'a ")
    for word in found.words:
        cell = MAGIC + begun.removesuffix(found.fragment) + word
        [name] = names_in(shell, cell)
        assert name in server.passwords
        assert cell in complete(MAGIC + begun)


def test_printable_shows_what_cannot_be_seen():
    """Fillers, blanks, joiners and selectors are shown as escapes, so that no name looks like another one."""
    for unseen in "\u3164\u115f\u1160\uffa0\u2800\u034f\u17b4\u180b\ufe00\ufe0f\U000e0100\U000e01ef\u200d":
        shown = printable(f"ro{unseen}ot")
        assert shown == f"ro{ascii(unseen)[1:-1]}ot"
        assert printable(shown) == shown
    assert printable("Jürgen 名 é e\u0301 한국 🙂") == "Jürgen 名 é e\u0301 한국 🙂", "what is seen stays"
    assert printable("a\n b\t") == "a b"
