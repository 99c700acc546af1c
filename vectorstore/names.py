"""How the values of a filter are compared: without regard to case, and companies by the words of their name. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

from vectorstore.errors import SettingsError

_LEGAL = frozenset(
    """
    inc incorporated corp corporation co company companies ltd limited llc lp llp plc sa ag nv se ab asa oyj spa
    gmbh kg bv pty the and
    """.split()  # noqa: SIM905 - reads better
)
_APOSTROPHE = re.compile(r"['’`.]")
_OTHER = re.compile(r"[^\w]+|_+")


def fold(text: str) -> str:
    """Return ``text`` for comparison: case, accents' composition and runs of spaces aside."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_code(text: str) -> str:
    """Return a form or period for comparison: "10K" is "10-K", "FY 2022" is "FY2022"; "10-K/A" stays another form."""
    return re.sub(r"[\s\-–—_.]+", "", fold(text))


@lru_cache(maxsize=65_536)
def company_words(name: str) -> tuple[str, ...]:
    """Return the words that tell a company: no punctuation, accents, article or legal form at the end."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = [w for w in _OTHER.split(_APOSTROPHE.sub("", plain).replace("&", " ")) if w]
    kept = [word for word in words if word not in {"the", "and"}]
    while len(kept) > 1 and kept[-1] in _LEGAL:
        kept.pop()
    return tuple(kept or words)


def same_company(asked: str, named: str) -> bool:
    """Whether ``asked`` means the company ``named``: the same name, or its first words ("Nike" for "NIKE, Inc.")."""
    wanted = "".join(company_words(asked))
    if not wanted:
        return False
    joined = ""
    for word in company_words(named):
        joined += word
        if joined == wanted:
            return True
    return False


def day(name: str, value: str) -> str:
    """Return the ISO day of a date filter (a time of day is dropped: dates are inclusive). Raises SettingsError."""
    try:
        return date.fromisoformat(value.strip()[:10]).isoformat()
    except ValueError:
        raise SettingsError(f"{name} = {value!r} is not a date.", "Give it as YYYY-MM-DD.") from None
