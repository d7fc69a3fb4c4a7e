"""Where a magic's password comes from, and how a person confirms. One way for every magic."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from milvus_magics.errors import NOTHING_CHANGED, NOTHING_SENT, ChangeInterrupted, ConfirmationError, ParameterError
from milvus_magics.magics.line import NEW_SOURCES, SOURCES, UNASKED, ExpandedText, Namespace, cleanup_advice
from milvus_magics.secret import Secret
from milvus_magics.wording import name_text, shown_text

Answer = TypeVar("Answer")


def named_source(args: argparse.Namespace, user: str, new: str = "") -> Secret | None:
    """The password from the source that the line names; None where it names none.

    Args:
        args: the line's.
        user: whose it is, for the keyring.
        new: `new_` for the second password of magics that take two.

    Raises:
        ParameterError: two sources, or one that has nothing.
    """
    given = vars(args)
    env, var, keyring = given[f"{new}password_env"], given[f"{new}password_var"], given[f"{new}keyring"]
    if (env, var, keyring).count(None) < 2:
        what = f"the new password, not two: {NEW_SOURCES}" if new else f"the password, not two: {SOURCES}"
        raise ParameterError(f"give one source for {what}", outcome=NOTHING_SENT)
    return read_source(env, var, args.namespace) if keyring is None else Secret.from_keyring(keyring, user)


def read_source(env: str | None, var: str | None, namespace: Namespace) -> Secret | None:
    """What an environment variable or a Python name holds; None if neither is named."""
    if env is not None:
        return _from_environment(env)
    return None if var is None else _from_variable(var, namespace)


def _from_environment(name: str) -> Secret:
    """What an environment variable of the kernel holds."""
    secret = Secret.from_environment(name)
    if secret is None:
        _require_name(name, "one environment variable's name, like PW")
        problem = "of this kernel is not set, or empty"
        raise ParameterError(f"the environment variable {name!r} {problem}", outcome=NOTHING_SENT)
    return secret


def _from_variable(name: str, namespace: Namespace) -> Secret:
    """What a Python name of the notebook holds."""
    if not namespace.has(name):
        _require_name(name, "one Python name, like pw")
    if not isinstance(namespace.find(name), (str, Secret)):
        kind = type(namespace.find(name)).__name__
        raise ParameterError(f"the Python name {name!r} holds {kind}, not text or a Secret", outcome=NOTHING_SENT)
    secret = Secret(namespace.find(name))
    if not secret:
        raise ParameterError(f"the Python name {name!r} is empty", outcome=NOTHING_SENT)
    return secret


def _require_name(name: str, what: str) -> None:
    """Raise where a password may have been given in place of its source; then it is not repeated."""
    if isinstance(name, ExpandedText):
        problem = f"name the source of a password or token, {what}, not what it holds"
        raise ParameterError(f"{problem}: leave out the $ or the braces", outcome=NOTHING_SENT)
    if not name.isidentifier():
        raise ParameterError(f"the source of a password or token is {what}. {cleanup_advice()}", outcome=NOTHING_SENT)


def ask(label: str, sources: str = UNASKED) -> Secret:
    """Ask for a password, hidden.

    Args:
        label: what stands before the input.
        sources: the options that would do instead.

    Raises:
        ParameterError: nobody can be asked here, or the answer is empty.
    """
    secret = _get_answer(lambda: Secret.prompt(shown_text(label)))
    if not secret:
        unasked = f"a password is needed and nobody can be asked here: use {sources}"
        raise ParameterError(unasked if secret is None else "the password is empty", outcome=NOTHING_SENT)
    return secret


def ask_for_new(user: str, sources: str = UNASKED) -> Secret:
    """Ask for a new password, twice."""
    secret = ask(f"New password of {name_text(user)}: ", sources)
    if ask("Confirm password: ", sources) != secret:
        raise ParameterError("the two passwords are not the same", outcome=NOTHING_SENT)
    return secret


def confirm(what: str, name: str, yes: bool, *, what_is_typed: str = "name") -> None:
    """Have the name retyped, unless `--yes` was given.

    Args:
        what: what is going to happen, shown before.
        name: what has to be typed.
        yes: whether it was confirmed on the line.
        what_is_typed: what `name` is.

    Raises:
        ConfirmationError: it was not.
    """
    if yes:
        return
    what = "\n".join(map(shown_text, what.split("\n")))
    typed = _get_answer(lambda: input(f"{what}\nType {shown_text(name)} to confirm: "))
    if typed != name:
        unasked = f"{what} Nobody can be asked here: use --yes to skip the confirmation"
        problem = unasked if typed is None else f"the {what_is_typed} was not retyped as {name!r}"
        raise ConfirmationError(problem, outcome=NOTHING_CHANGED)


def _get_answer(question: Callable[[], Answer]) -> Answer | None:
    """Ask; None if nobody can be asked here."""
    # Imported late: only a notebook's prompt raises it.
    from IPython.core.error import StdinNotImplementedError

    try:
        return question()
    except (StdinNotImplementedError, EOFError):
        return None
    except KeyboardInterrupt:
        raise ChangeInterrupted("interrupted", outcome=NOTHING_SENT) from None
