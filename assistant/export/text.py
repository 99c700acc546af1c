"""Text of others made fit to be shown: signs that mislead or break are made visible; dates and names in words. Pure."""

from __future__ import annotations

import html
import re
from datetime import date
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from assistant.freshness import age_in_words
from assistant.models import Citation, Retrieved

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Control characters, halves of surrogate pairs and what is no character; and the signs that turn the order of what follows
# round (U+202A-202E, U+2066-2069), with which "12" can be made to read "21". Letters that are written from the right stay.
_MISLEADING = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile("[\x0b\x0c\u2028\u2029]")


def visible(text: str) -> str:
    """Return ``text`` with a "�" for each character that shows nothing or makes others read backwards."""
    return _MISLEADING.sub("\ufffd", _SPACES.sub(" ", text))


def esc(value: object) -> str:
    """Return ``value`` as inert HTML text, safe inside a double-quoted attribute too."""
    return html.escape("" if value is None else visible(str(value)), quote=True)


def one_line(text: str) -> str:
    """Return ``text`` with every run of white space as one space, none at the ends."""
    return " ".join(visible(text).split())


def day(iso: str | None) -> str:
    """Return ``2023-06-12`` as ``12 Jun 2023``; anything else as it is, "" for None."""
    if not iso:
        return ""
    parts = iso[:10].split("-")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts) and 1 <= int(parts[1]) <= 12:
        return f"{int(parts[2])} {MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return iso


def age(iso: str | None, today: date | None) -> str:
    """Return how old a day is ("5 months old"); "" without ``today``, and for what is no day or lies ahead."""
    if today is None or not iso:
        return ""
    try:
        days = (today - date.fromisoformat(iso[:10])).days
    except ValueError:
        return ""
    return "" if days < 0 else "today" if days == 0 else f"{age_in_words(days)} old"


def file_name(path: str) -> str:
    """Return the last part of a path or URL of any system."""
    try:
        name = PurePosixPath(urlsplit(path).path if "://" in path else path.replace("\\", "/")).name
    except ValueError:  # "http://[x": no address, but somebody's name for a file
        name = ""
    return name or path


def title_of(item: Citation | Retrieved) -> str:
    """Return a source's title, or its file name where it has none."""
    return item.title or file_name(item.path)


def meta_line(publisher: str | None, published: str | None, kind: str | None, page: int | None = None) -> str:
    """Return ``Publisher · 12 Jun 2023 · note · p. 3`` without what is not known. Not escaped."""
    parts = [publisher or "", day(published), kind or "", f"p. {page}" if page else ""]
    return " · ".join(part for part in parts if part)


def stem(text: str, otherwise: str = "answer") -> str:
    """Return a file name without its ending from the words of ``text``: letters a-z, digits and "-", at most 60."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:60].strip("-") or otherwise


__all__ = ["MONTHS", "age", "day", "esc", "file_name", "meta_line", "one_line", "stem", "title_of", "visible"]
