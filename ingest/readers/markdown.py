"""Markdown: the text verbatim, YAML front matter read safely, headings as sections."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from ingest.readers._model import Heading, Reading, clean, nest
from vectorstore.errors import ReadError

_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_ATX = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+")
_SETEXT = re.compile(r"[ ]{0,3}(=+|-{2,})[ \t]*$")
_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_LIMIT = 64 * 1024  # characters of front matter


class _Anchored(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Knows no anchors: they can grow a few bytes to gigabytes, and no note needs them."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise _Anchored(event.start_mark.line)
        return super().compose_node(parent, index)


def _value(value: object) -> str:
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "; ".join(_value(v) for v in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_value(v)}" for k, v in value.items())
    return "" if value is None else clean(str(value)).strip()


def _front_matter(text: str, name: str) -> tuple[Mapping[str, str], int]:
    """Return the front matter and the offset where the body starts; raises ReadError where it is malformed."""
    opening = _OPENING.match(text)
    if not opening:
        return MappingProxyType({}), 0
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        # "---" alone at the top of a text is a rule; with "key: value" under it the end was forgotten.
        if re.match(r"[A-Za-z_][\w -]*:(?:\s|$)", text[opening.end() : opening.end() + 200]):
            raise ReadError(
                f"{name}: the front matter that starts in line 1 has no end.", 'Close it with a line of "---".'
            )
        return MappingProxyType({}), 0
    block = text[opening.end() : closing.start()]
    if len(block) > _LIMIT:
        raise ReadError(f"{name}: the front matter is over {_LIMIT // 1024} KB.", "Move the text below it.")
    try:
        values = yaml.load(block, _Loader)  # noqa: S506 - a SafeLoader
        named = (
            {clean(str(k)).strip().lower(): _value(v) for k, v in values.items()} if isinstance(values, dict) else {}
        )
    except _Anchored as error:
        line = error.line + 2
        raise ReadError(
            f"{name}: line {line} of the front matter uses a YAML anchor or alias.", "Quote the value."
        ) from error
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 2}" if mark is not None else "a value"
        problem = getattr(error, "problem", None) or str(error)
        raise ReadError(
            f"{name}: {where} of the front matter is not valid YAML ({problem}).",
            "Mend that line (quote text with a colon).",
        ) from error
    end = closing.end() + 1 if closing.end() < len(text) else closing.end()
    if values is None:
        return MappingProxyType({}), end
    if not isinstance(values, dict):
        if opening.end() == closing.start() or not re.match(r"[A-Za-z_][\w -]*:", block.lstrip()):
            return MappingProxyType({}), 0  # a text between two rules
        raise ReadError(f"{name}: the front matter is no list of keys and values.", 'Write one "key: value" a line.')
    return MappingProxyType(named), end


def _closed(title: str) -> str:
    """Return the title without the "##" that may close it."""
    title = title.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else title


def _plain(title: str) -> str:
    title = title[:400]
    title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", title).strip()


def _headings(text: str, start: int) -> list[Heading]:
    found: list[Heading] = []
    fence = ""
    at = start
    previous, previous_at = "", start
    for line in text[start:].split("\n"):
        size = len(line) + 1
        opener = _FENCE.match(line)
        if fence:
            if opener and opener[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif opener:
            fence = opener[1]
        elif atx := _ATX.match(line):
            found.append(Heading(at, _plain(_closed(line[atx.end() :])), len(atx[1])))
            line = ""
        elif (
            (setext := _SETEXT.match(line))
            and previous.strip()
            and not previous.startswith(("    ", "|", "-", "*", ">"))
        ):
            found.append(Heading(previous_at, _plain(previous), 1 if setext[1][0] == "=" else 2))
        previous, previous_at = line, at
        at += size
    return found


def read_markdown(text: str, name: str) -> Reading:
    """Return the reading of Markdown; raises ReadError for malformed front matter, naming its line."""
    text = clean(text)
    front_matter, body = _front_matter(text, name)
    return Reading(
        text,
        "text/markdown",
        sections=nest(_headings(text, body), len(text)),
        front_matter=front_matter,
        front_matter_end=body,
    )
