"""Looking for passwords in everything that an error leads to: what it says, and what the variables of frames hold."""

import argparse
import functools
import io
import re
import traceback
import types

import traitlets
from kernels import spellings

from milvus_magics.magics.line import Namespace
from milvus_magics.secret import DoubtfulText, Secret
from milvus_magics.session.connection_aliases import Connections
from milvus_magics.transport.connection import Connection

OURS = "/milvus_magics/"
MODES = ("Plain", "Verbose", "Minimal")  # Context is Verbose without the variables
# What nobody prints, and what leads to everything there is.
OPAQUE = (
    bool, float, types.NoneType, type, types.ModuleType, types.FrameType, types.TracebackType, types.CodeType,
    argparse.ArgumentParser, re.Pattern, traitlets.TraitType,
)  # fmt: skip
# Which show nobody what is inside, unless that is what they are asked for.
MASKED = (Secret, Namespace, DoubtfulText)
CONTAINERS = (dict, list, tuple, set, frozenset)  # whose `repr` shows nothing but that of their parts
LONG_LIVED = (traitlets.HasTraits, Connection, Connections)  # looked into once, by `in_value`
MAX_DEPTH = 40


class Hunt:
    """Looks for some passwords, in every spelling that `kernels.spellings` knows.

    Args:
        passwords: texts, each with a long part that no escaping changes.
        ignored: objects that hold them with good reason, such as the notebook's own names.
    """

    def __init__(self, passwords, ignored=()):
        hunted = [re.escape(spelling) for password in passwords for spelling in spellings(password)]
        self._hunted = re.compile(b"|".join(hunted))
        self._ignored = ignored

    def in_text(self, text):
        """Whether a text or bytes hold one."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        return self._hunted.search(data) is not None

    def in_error(self, error):
        """Where an error, or one behind it, holds one: in itself, or in our frames and those that they called."""
        found, walk = [], _Walk(self, self._ignored)
        for one in chain(error):
            name = type(one).__name__
            for what, value in {"text": str(one), "repr": repr(one), "args": one.args, "vars": vars(one),
                                "notes": getattr(one, "__notes__", ())}.items():  # fmt: skip
                found += walk.look(value, f"{name}.{what}")
            for frame, _ in traceback.walk_tb(from_ours(one.__traceback__)):
                for variable, value in frame.f_locals.items():
                    found += walk.look(value, f"{frame.f_code.co_name}: {variable}")
        return found

    def in_value(self, value, name):
        """Where a value holds one."""
        walk = _Walk(self, self._ignored)
        return [found for part, held in _parts(value) for found in walk.look(held, f"{name}{part}")]


class _Walk:
    """One walk through containers, attributes and closures; each object is looked at once."""

    def __init__(self, hunt, ignored):
        self._hunt = hunt
        self._seen = {id(value): value for value in ignored}  # kept, so that no other gets the same id

    def look(self, value, where, depth=0):
        if isinstance(value, OPAQUE) or id(value) in self._seen or depth > MAX_DEPTH:
            return []
        if isinstance(value, MASKED):
            return [f"repr of {where}"] if self._hunt.in_text(repr(value)) else []
        if isinstance(value, str | bytes | bytearray | memoryview | int):
            text = str(value) if isinstance(value, int) else value
            return [where] if self._hunt.in_text(text) else []
        self._seen[id(value)] = value
        found = [f"repr of {where}"] if type(value) not in CONTAINERS and self._hunt.in_text(_shown(value)) else []
        if isinstance(value, LONG_LIVED):
            return found
        for name, part in _parts(value):
            found += self.look(part, f"{where}{name}", depth + 1)
        return found


def _parts(value):
    """What a value holds, with names."""
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield ".key", key
            yield f"[{key!r:.20}]", item
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (("[]", item) for item in list(value))
    elif isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    elif isinstance(value, types.MethodType):
        yield from ((".self", value.__self__), (".func", value.__func__))
    elif isinstance(value, types.FunctionType):
        yield ".defaults", [value.__defaults__, value.__kwdefaults__]
        for cell in value.__closure__ or ():
            try:
                yield ".closure", cell.cell_contents
            except ValueError:  # not filled yet
                continue
    yield from ((f".{name}", part) for name, part in list(getattr(value, "__dict__", {}).items()))
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield f".{name}", getattr(value, name)


def _shown(value):
    if type(value).__repr__ is object.__repr__:
        return ""
    try:
        return repr(value)
    except Exception:  # somebody else's, or half made
        return ""


def chain(error):
    """An error and all those behind it."""
    todo, seen = [error], []
    while todo:
        one = todo.pop()
        if one is not None and one not in seen:
            seen.append(one)
            todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return seen


def from_ours(frames):
    """A traceback from our first frame on; what is before is the caller's."""
    while frames is not None and OURS not in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return frames


def printed(shell, error):
    """An error of the user's own that is raised from this one, as all kinds of tracebacks print them."""
    try:
        raise RuntimeError("an error of the user's own") from error
    except RuntimeError as exc:
        outer = exc
    for one in chain(outer):
        one.__traceback__ = from_ours(one.__traceback__)
    texts = []
    for mode in MODES:
        shell.InteractiveTB.set_mode(mode)
        texts.append(shell.InteractiveTB.text(type(outer), outer, outer.__traceback__))
    out = io.StringIO()
    traceback.TracebackException.from_exception(outer, capture_locals=True).print(file=out)
    return "\n".join([*texts, out.getvalue()])
