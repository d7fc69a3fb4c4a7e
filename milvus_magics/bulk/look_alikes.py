"""Names that eyes take for the same."""

from __future__ import annotations

import unicodedata

# Letters of other scripts and digits, by what they look like: capitals first, as some only do so as capitals.
_CAPITALS = str.maketrans("АВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abesijkmhopctxyabezhikmnoptyx")
_LETTERS = str.maketrans("аеорсухіјѕһοανικıΙl1|0", "aeopcyxijshoavikiiiiio")
_QUOTES = "'\"`´‘’“”„«»"


def plain_name(name: str) -> str:
    """A name without what eyes pass over.

    That is outer blanks and quotes, case, accents, invisible characters, look-alike letters and digits, and the length
    of dashes.
    """
    seen = []
    for character in unicodedata.normalize("NFKD", name):
        category = unicodedata.category(character)
        if category not in ("Cf", "Mn"):
            seen.append("-" if category == "Pd" else character)
    return "".join(seen).strip().strip(_QUOTES).strip().translate(_CAPITALS).casefold().translate(_LETTERS)
