"""What a magic's line means: one value stays one value, and nothing that was typed comes back in an error."""

import os
import re
import traceback
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milvus_magics.errors import ParameterError
from milvus_magics.magics.arguments import Parser, connection_options, password_source
from milvus_magics.magics.line import CLEAR_HISTORY, Namespace, split
from milvus_magics.secret import Secret

MARKER = "hunterzwei"


def words(line, **names):
    """The texts of a line's words."""
    return [token.text for token in split(line, Namespace(names, None))]


def parser():
    """A parser with one of each kind: values, a flag, a list, an optional value, password sources."""
    made = Parser("milvus_thing", "Do a thing.")
    made.add_argument("name", nargs="?")
    made.add_argument("--dry-run", action="store_true")
    made.add_argument("--role", action="append", default=[])
    made.add_argument("--embedded", nargs="?", const="")
    password_source(made)
    connection_options(made)
    return made


def read(line, **names):
    """What the line means: everything that differs from an empty line, or `{"help": True}`."""
    read_from = parser()
    silent = vars(read_from.read([]))
    found = vars(read_from.read(split(line, Namespace(names, None))))
    return {name: value for name, value in found.items() if value != silent.get(name)}


def everything_about(exc):
    """The text of an error and of all that it carries."""
    shown = []
    while exc is not None:
        shown += [str(exc), repr(exc), repr(exc.args), *traceback.format_exception_only(exc)]
        exc = exc.__cause__ or exc.__context__
    return "\n".join(shown)


# --- splitting


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  \t ", []),
        ("bob", ["bob"]),
        ("a  b\tc", ["a", "b", "c"]),
        ("'bob smith'", ["bob smith"]),
        ('"bob smith"', ["bob smith"]),
        ("bo'b sm'ith", ["bob smith"]),
        ("'a\"b'", ['a"b']),
        ('"it\'s"', ["it's"]),
        ("''", [""]),
        ('""', [""]),
        ("a '' b", ["a", "", "b"]),
        (r"bob\ smith", ["bob smith"]),
        (r"it\'s", ["it's"]),
        (r'"a\"b"', ['a"b']),
        (r'"a\\b"', ["a\\b"]),
        (r"'a\b'", ["a\\b"]),
        (r"a\\b", ["a\\b"]),
        (r"C:\data", [r"C:\data"]),
        (r'"C:\data"', [r"C:\data"]),
        ("jürgen 名", ["jürgen", "名"]),
        ("# x", ["#", "x"]),
    ],
)
def test_splits_as_a_shell_does(line, expected):
    """Quotes and backslashes keep a word together, as in a shell; everything else is text."""
    assert words(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bob;", ["bob"]),
        ("bob ;", ["bob"]),
        ("bob; ", ["bob"]),
        (";", []),
        (r"bob\;", ["bob;"]),
        ("'bob;'", ["bob;"]),
        ('"bob;"', ["bob;"]),
        ("a;b", ["a;b"]),
    ],
)
def test_one_trailing_semicolon_is_the_notebooks(line, expected):
    """The `;` that silences a cell is not part of the last value; a quoted one is."""
    assert words(line) == expected


@pytest.mark.parametrize("line", ["'bob", '"bob', "it's", "a 'b\" c", '"{u}', '"a\\"'])
def test_unclosed_quote(line):
    """A quote without its partner says how a bare one is written."""
    with pytest.raises(ParameterError, match=r"a quote on the line is not closed.*backslash.*nothing was sent"):
        words(line, u="bob")


# --- expanding


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("$u", ["bob smith"]),
        ("x$u", ["xbob smith"]),
        ("$u-1", ["bob smith-1"]),
        ("$u$n", ["bob smith7"]),
        ("{u}", ["bob smith"]),
        ("a{u}b", ["abob smithb"]),
        ("{u} {n}", ["bob smith", "7"]),
        ('"$u {n}"', ["bob smith 7"]),
        ("'$u {n}'", ["$u {n}"]),
        ("{n + 1}", ["8"]),
        ("{ n }", ["7"]),
        ("{f}", ["1.5"]),
        ("{path}", [str(Path("a") / "b c")]),
        ("{'a b'}", ["a b"]),
        ('{"a b"}', ["a b"]),
        ('{"}"}', ["}"]),
        ("{'{'}", ["{"]),
        ("{ {'k': 'v w'}['k'] }", ["v w"]),
        ("{d['k k']}", ["v"]),
        ('"{d["k k"]}"', ["v"]),
        ("{[x for x in ('p q',)][0]}", ["p q"]),
        ("{f'{u}!'}", ["bob smith!"]),
        ("{u.upper() if n > 3 else ''}", ["BOB SMITH"]),
        ("{{u}}", ["{u}"]),
        ("{{", ["{"]),
        ("}}", ["}"]),
        ("}", ["}"]),
        ("a}b", ["a}b"]),
        (r"\{u}", ["{u}"]),
        (r"\$u", ["$u"]),
        (r'"\$u"', ["$u"]),
        ("cost$5", ["cost$5"]),
        ("$5", ["$5"]),
        ("$", ["$"]),
        ("a$", ["a$"]),
        ("$$u", ["$bob smith"]),
        ("$ u", ["$", "u"]),
        ("$größe", ["L"]),
    ],
)
def test_expands_names_and_expressions(line, expected):
    """`$name` and `{expression}` are replaced except in single quotes; nothing else is touched."""
    names = {"u": "bob smith", "n": 7, "f": 1.5, "path": Path("a") / "b c", "d": {"k k": "v"}, "größe": "L"}
    assert words(line, **names) == expected


def test_local_names_come_first():
    """Inside a function, its own names count before the notebook's."""
    namespace = Namespace({"u": "global", "g": "only global"}, {"u": "local"})
    assert [token.text for token in split("$u {u} $g {g}", namespace)] == [
        "local",
        "local",
        "only global",
        "only global",
    ]


@pytest.mark.parametrize("line", ["$nobody", "x$nobody", '"$nobody"', "bob $nobody"])
def test_undefined_name(line):
    """A name that is not defined is an error that names it, never text that is passed on."""
    with pytest.raises(ParameterError, match=r"the name 'nobody' is not defined in this notebook; nothing was sent"):
        words(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [("{nobody}", "NameError"), ("{1/0}", "ZeroDivisionError"), ("{d['x']}", "KeyError"), ("{u.x}", "AttributeError")],
)
def test_failing_expression(line, kind):
    """An expression that fails says how, without what it held."""
    with pytest.raises(ParameterError, match=f"^{kind} in an expression in braces; nothing was sent$") as caught:
        words(line, d={}, u="bob")
    assert caught.value.__context__ is None, "the failed expression's own error, which may hold a password, is not kept"


@pytest.mark.parametrize("line", ["{", "{u", "a{", '"{"', "{}", "{ }", "{u!r}", "{1 +}", "{x = 1}", "{'a}", "{\0}"])
def test_brace_that_opens_nothing(line):
    """A brace without an expression says how a bare one is written."""
    with pytest.raises(ParameterError, match=r"could not evaluate .* on the line.*nothing was sent"):
        words(line, u="bob")


@pytest.mark.parametrize("line", ["{" + "-" * 20_000 + "1}", "{" + "(" * 5_000 + "1" + ")" * 5_000 + "}"])
def test_expression_that_is_too_deep(line):
    """What Python's own parser gives up on is an error of ours as well."""
    with pytest.raises(ParameterError):
        words(line)


@pytest.mark.parametrize("value", [None, True, False, b"bob", ["bob"], ("bob",), {"a": 1}, object(), print, 1j])
def test_only_text_and_numbers_are_values(value):
    """Any other object is refused by its kind, not written as its repr."""
    for line in ("$u", "{u}", '"x $u"', "--using={u}"):
        with pytest.raises(ParameterError, match=f"is {type(value).__name__}, but text is needed; nothing was sent"):
            words(line, u=value)


def test_secret_is_no_value():
    """A Secret on the line would become its stars, so it is refused with the way to give it."""
    for line in ("$u", "{u}", "--using={u}"):
        with pytest.raises(ParameterError, match="is a Secret: give it with --password-var NAME; nothing was sent"):
            words(line, u=Secret(MARKER))


# --- parsing


@pytest.mark.parametrize(
    "value",
    ["bob --yes", "--yes", "-x", "--password=x", "-p", "--help", "-h", "--", "-", "", " ", "a=b", "--role=x", "\0",
     "\0000", "'", '"', "{u}", "$u", "\\", ";", "bob;", "a\nb", "--dry-run", "--embedded"],
)  # fmt: skip
def test_what_a_variable_holds_is_one_value(value):
    """No content of a variable becomes an option, a second value or no value, wherever it stands."""
    for line in ("{u}", "$u", '"{u}"', '"$u"', "''{u}"):
        assert read(line, u=value) == {"name": value}, "a variable is one value"
        assert read(f"--using {line}", u=value) == {"using": value}, "a variable is one value"
    for line in ("--using={u}", "--using=$u", '--using="{u}"'):
        assert read(line, u=value) == {"using": value}, "a variable is one value"
    assert read("--embedded {u}", u=value).get("embedded", "") == value
    assert read("--role {u} --role {u}", u=value) == {"role": [value, value]}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("'--dry-run'", "--dry-run"),
        ('"--dry-run"', "--dry-run"),
        (r"\--dry-run", r"\--dry-run"),
        ("'-x'", "-x"),
        ("''--help", "--help"),
        ("-", "-"),
        ("'-=bob'", "-=bob"),
        ("-=bob", "-=bob"),
        ("-- bob", "bob"),
        ("-- -x", "-x"),
        ("-- -a_b", "-a_b"),
        ("-- --a_b=c", "--a_b=c"),
        ("a=b", "a=b"),
    ],
)
def test_values_that_begin_with_a_hyphen(line, name):
    """In quotes or after `--` a value may look like an option, and stays as it was written."""
    assert read(line) == {"name": name}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--dry-run", {"dry_run": True}),
        ("--dry_run", {"dry_run": True}),
        ("bob --dry-run", {"name": "bob", "dry_run": True}),
        ("--dry-run bob", {"name": "bob", "dry_run": True}),
        ("--password-env PW", {"password_env": "PW"}),
        ("--password_env PW", {"password_env": "PW"}),
        ("--password-env=PW_X", {"password_env": "PW_X"}),
        ("--password_var=my_pw", {"password_var": "my_pw"}),
        ("--using=a=b", {"using": "a=b"}),
        ("--using ''", {"using": ""}),
        ("--using=''", {"using": ""}),
        ("--using=", {"using": ""}),
        ("--timeout -5", {"timeout": "-5"}),
        ("--timeout=-5", {"timeout": "-5"}),
        ("--role a --role b", {"role": ["a", "b"]}),
        ("--embedded", {"embedded": ""}),
        ("--embedded --timeout 5", {"embedded": "", "timeout": "5"}),
        ("--embedded my_dir", {"embedded": "my_dir"}),
        ("my_name", {"name": "my_name"}),
    ],
)
def test_reads_options(line, expected):
    """Options may stand anywhere and be spelled with `_`; values keep their own spelling."""
    assert read(line) == expected


@pytest.mark.parametrize("line", ["--help", "-h", "bob --help", "--using --help", "a b c --help", "--nonsense --help"])
def test_help_wins(line):
    """`--help` is answered whatever else the line holds."""
    assert read(line)["help"] is True


@pytest.mark.parametrize("line", ["--dry", "--dry-ru", "--us x", "--timeou 5", "--hel", "--password-e PW", "--rol x"])
def test_no_abbreviations(line):
    """An option is written out, so that a new one never changes what an old line means."""
    with pytest.raises(ParameterError, match=r"%milvus_thing: there is no option --.*; see %milvus_thing --help"):
        read(line)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--timeout", "argument --timeout: expected one argument"),
        ("--using --timeout 5", "argument --using: expected one argument"),
        ("--dry-run=yes", "argument --dry-run: takes no value"),
        ("a b", "too many values; one with blanks goes in quotes"),
        ("--nonsense", "there is no option --nonsense"),
        ("-x", "there is no option -x"),
    ],
)
def test_wrong_lines(line, says):
    """What is wrong is one line that names the magic and its help."""
    with pytest.raises(ParameterError) as caught:
        read(line)
    assert str(caught.value).startswith(f"%milvus_thing: {says}")
    assert str(caught.value).endswith("see %milvus_thing --help; nothing was sent")


# --- passwords on the line

TYPED = [
    "bob --password {}",
    "bob --password={}",
    "bob --password '{}'",
    "bob --password='{}'",
    'bob --password="{}"',
    "bob --PASSWORD={}",
    "bob --pass_word {}",
    "--pass {} bob",
    "--pwd={} bob",
    "bob -p {}",
    "bob -p={}",
    "bob -p{}",
    "bob -P {}",
    "bob --new-password={}",
    "bob --new_password {}",
    "bob --old_password {}",
    "bob --password:{}",
    "bob --password ${}",
    "bob --password pa${}",
    "bob --password 'x{}",
    'bob --password "x{}',
    "bob --password x{{{}",
    "bob --password {{{}}}",
    "bob --password {}; ",
    "bob {}",
    "bob '{}' x",
    "bob --dry-run={}",
    "bob --help={}",
    "bob -h{}",
    "bob --pasword={}",
    "bob --pasword {}",
]


@pytest.mark.parametrize("line", TYPED)
def test_password_that_was_typed_is_not_echoed(line):
    """However somebody puts a password on the line, the refusal doesn't repeat it."""
    with pytest.raises(ParameterError) as caught:
        read(line.format(MARKER))
    shown = everything_about(caught.value)
    assert MARKER not in shown, "an error never repeats what was typed: it might be a password"


@pytest.mark.parametrize("line", [line for line in TYPED if re.search(r"-(password|pass|pwd|p)[ =]['\"]?\{\}", line)])
def test_password_option_is_refused_with_the_ways_there_are(line):
    """An option for a password is refused with the sources there are, and what to do about the line."""
    with pytest.raises(ParameterError, match="a password is never typed on the line") as caught:
        read(line.format(MARKER))
    for part in (
        "password-env VAR",
        "password-var NAME",
        "keyring SERVICE",
        f"run `{CLEAR_HISTORY}`",
        "nothing was sent",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("line", [line.format(MARKER) for line in
    ("bob {}", "bob x --dry-run '{}'", "bob --pasword {}", "bob --pasword={}", "bob --dry-run {}",
     "--token {}", "--token {} --alias z", "--token '{}' --alias z", "--token={}", "--TOKEN $x{}", "bob --token {{{}}}",
     "bob --token:{}", "--new-password {}", "--new_password={} bob")]
)  # fmt: skip
def test_what_may_be_a_secret_comes_with_how_to_get_rid_of_it(line):
    """As a value too many, after an option that is misspelt, after `--token`, which takes none."""
    with pytest.raises(ParameterError) as caught:
        read(line)
    assert f"run `{CLEAR_HISTORY}`, restart the kernel, and change that" in str(caught.value)
    assert MARKER not in everything_about(caught.value), "an error never repeats what was typed: it might be a password"
    assert len(caught.value._render_traceback_()) == 1


# An undefined `$name`, and an option that doesn't exist, are named on purpose: so the marker is never put there here.
PIECES = st.one_of(
    st.sampled_from([MARKER, " ", "  ", "'", '"', "\\", "{", "}", "{{", "}}", "=", ";", "$ ", "$5", "bob", "{u}", "$u",
                     "-", " --", "--password ", "--password=", "-p ", "--using ", "--timeout=", "--role ", "--dry-run",
                     "--dry-run=", "--embedded ", "--password-env ", "--keyring=", " -- ", "--help ", "\0", "\n", "ü"]),
    st.text(max_size=3).filter(lambda text: "$" not in text),
)  # fmt: skip
NAMED_ON_PURPOSE = re.compile(rf"\$\w*{MARKER}|\$[^\W\d]|-[^\s=]*{MARKER}")


@settings(max_examples=600, deadline=None)
@given(pieces=st.lists(PIECES, max_size=12))
@example(pieces=["--password ", MARKER, "{"])
@example(pieces=["{", MARKER, "}"])
@example(pieces=["--timeout=", "{'", MARKER, "'.x}"])
def test_no_line_fails_otherwise_or_echoes(pieces):
    """Any line at all gives values, help or a ParameterError, and the error repeats no word of the line."""
    line = "".join(pieces)
    raised = None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            read(line, u="bob --yes")
        except ParameterError as exc:
            raised = exc
    assert MARKER not in "".join(str(one.message) for one in warned), "no warning repeats what was typed"
    if raised and not NAMED_ON_PURPOSE.search(line):
        assert MARKER not in everything_about(raised), "an error never repeats what was typed: it might be a password"


@settings(max_examples=300, deadline=None)
@given(value=st.text())
def test_any_text_can_be_given_in_a_variable(value):
    """Whatever text a variable holds arrives unchanged and alone."""
    assert read("{u} --using={u} --role $u", u=value) == {"name": value, "using": value, "role": [value]}


@settings(max_examples=300, deadline=None)
@given(value=st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"])))
def test_any_text_can_be_given_in_single_quotes(value):
    """Whatever stands in single quotes arrives unchanged and alone."""
    assert read(f"'{value}' --dry-run") == {"name": value, "dry_run": True}


def test_path_objects_are_text():
    """A path is what somebody would write there, whatever kind of path it is."""

    class Odd(os.PathLike):
        def __fspath__(self):
            return "odd path"

    assert words("{p} $p", p=Odd()) == ["odd path", "odd path"]
