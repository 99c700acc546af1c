"""The model's text, as it comes, into lines and sentences with the ids that they cite. Pure.

What the model writes is not trusted: images, links, addresses and mark-up are taken out and counted, and a marker
("[S1]") that it writes itself is no marker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from vectorstore.text import sentences

_ID = r"[cft][0-9a-f]{6,64}"
# What is meant as a citation: our ids, and what models make up in their place (numbers, [S1], [doc_3], 【4†source】).
_CITED = rf"(?:id\s*[:=]\s*)?(?:{_ID}|[ST]?\d{{1,3}}|\^\d+|(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{{3,64}})"
_GROUP = re.compile(
    rf"(?:\[\[?|【)\s*{_CITED}(?:\s*[,;|]\s*{_CITED})*(?:†[^】\]]*)?\s*(?:\]\]?|】)(?!\()|\(\s*{_ID}(?:\s*[,;|]\s*{_ID})*\s*\)",
    re.I,
)
_ONE = re.compile(_CITED, re.I)
# "3%. [id] Next" -> "3% [id]. Next": the sentence that it closes holds its citation; the length stays the same.
_BEHIND = re.compile(rf"([.!?…]+[\"'”’)*_]*)(\s*)((?:{_GROUP.pattern})(?:\s*(?:{_GROUP.pattern}))*)(?=\s|$)", re.I)
_IMAGE = re.compile(r"!\[([^\]]*)\](?:\([^)]*\)?|\[[^\]]*\])?")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)?")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$")
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>?")
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|javascript:|data:(?=\w+/))[^\s<>\"')\]]*", re.I)
_BARE_HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+[a-z]{2,24}(?:/[^\s<>\"')\]]*|\?[^\s<>\"')\]]*)", re.I)
_PRIVATE = re.compile(
    "[\ue000-\uf8ff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e01ef\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|`+|~~)(?=\S)(.+?)(?<=\S)\1")
_BULLET = re.compile(r"[ \t]*(?:[-*•+▪◦–]|\(?\d{1,2}[.)])[ \t]+(?=\S)")
_HEADING = re.compile(r"\s*#{1,6}\s+")
_BOLD_LINE = re.compile(r"\s*(?:\*\*|__)(?P<text>[^*_]+?):?\s*(?:\*\*|__):?\s*")
_RULE = re.compile(r"[\s|:*_=-]*[-*_=]{3,}[\s|:*_=-]*")
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S | re.I)
_THINKING_OPENS = re.compile(r"<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g)?)?)?)?)?)?)?)?\Z", re.I)
_NOT_FOUND = re.compile(r"\W{0,4}not found\W{0,3}:\W*", re.I)
_LONGEST_WAIT = 400  # characters that an open bracket may hold a sentence back

Kind = Literal["claim", "heading", "lacking"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence (or heading, or what the model says is lacking) of its text, clean; ``lead`` stands before it.

    ``lead``: "" for the first and for a sentence that goes on a paragraph, "\n\n" for a new one, "- " for an item.
    """

    kind: Kind
    text: str
    ids: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    text: str
    ids: tuple[str, ...] = ()
    unknown: int = 0
    removed: int = 0


def clean(raw: str, known: frozenset[str]) -> Cleaned:
    """Return a sentence without ids, links, images and mark-up; what was no id of ours, and what was taken out, counted."""
    removed = 0
    ids: list[str] = []
    unknown = 0

    def count(_: re.Match[str]) -> str:
        nonlocal removed
        removed += 1
        return ""

    def words(match: re.Match[str]) -> str:
        nonlocal removed
        removed += 1
        return match.group(1)

    def cite(match: re.Match[str]) -> str:
        nonlocal unknown
        for found in _ONE.findall(match.group()):
            name = re.sub(r"^id\s*[:=]\s*", "", found, flags=re.I).lower()
            if name in known:
                ids.append(name)
            else:
                unknown += 1
        return ""

    text = _PRIVATE.sub("", raw)
    if _DEFINITION.match(text):
        return Cleaned("", (), 0, 1)
    text = _IMAGE.sub(count, text)
    text = re.sub(rf"\s*(?:{_GROUP.pattern})", cite, text, flags=re.I)
    text = _LINK.sub(words, text)
    text = _TAG.sub(count, text)
    text = _ADDRESS.sub(count, text)
    text = _BARE_HOST.sub(count, text)
    for _ in range(3):  # emphasis inside emphasis
        text = _EMPHASIS.sub(r"\2", text)
    text = re.sub(r"!?\[\s*\]|\(\s*\)", "", text)
    # What is left of a bracket must not read as a marker or a link of ours.
    text = re.sub(r"\[([ST]\d+)\]", r"(\1)", text).replace("](", ") (")
    text = re.sub(r"\s+([.,;:!?])(?=\s|$)", r"\1", " ".join(text.split()))
    return Cleaned(text.strip(), tuple(dict.fromkeys(ids)), unknown, removed)


def visible(raw: str) -> str:
    """Return the text without what a reasoning model thinks aloud between <think> marks."""
    return _THINKING_OPENS.sub("", _THINKING.sub("", raw))


@dataclass
class Reader:
    """Takes the text piece by piece; ``feed`` returns the sentences that are complete, ``finish`` the rest.

    ``known``: the ids that may be cited; it may grow while a model searches.
    """

    limit: int = 20_000  # characters; what comes after is not read
    unknown: int = 0
    removed: int = 0
    full: bool = False
    _raw: str = ""
    _line: str = ""
    _taken: int = 0  # characters of the visible text that were read
    _first: bool = True  # nothing was given out yet
    _begun: bool = False  # a sentence of this line was given out
    _item: bool = False  # this line is an item of a list

    def feed(self, text: str, known: frozenset[str]) -> list[Piece]:
        """Add text; return what is complete."""
        room = self.limit - len(self._raw)
        if len(text) > room:
            text, self.full = text[: max(room, 0)], True
        self._raw += text
        seen = visible(self._raw)
        new, self._taken = seen[self._taken :], max(self._taken, len(seen))
        out: list[Piece] = []
        self._line += new
        while "\n" in self._line:
            line, self._line = self._line.split("\n", 1)
            out += self._end_line(line, known)
        return out + self._complete(known)

    def finish(self, known: frozenset[str], *, cut: bool = False) -> list[Piece]:
        """Return what is left; with ``cut`` the last, broken sentence is left out."""
        line, self._line = self._line, ""
        if cut:
            spans = sentences(_BEHIND.sub(r"\2\3\1", line))
            whole = bool(re.search(r"[.!?][\"'”’)]*\s*$", _GROUP.sub("", line)))
            line = line if whole else line[: spans[-1][0]] if spans else ""
        return self._end_line(line, known)

    def draft(self, known: frozenset[str]) -> str:
        """Return the words of the sentence that is being written, clean."""
        return clean(re.sub(r"!?\[[^\]]*$|https?:\S*$|<[^>]*$", "", self._line), known).text

    def _complete(self, known: frozenset[str]) -> list[Piece]:
        """Return the sentences of the unfinished line behind which another has begun."""
        if _NOT_FOUND.match(self._line) or _HEADING.match(self._line) or "|" in self._line[:2]:
            return []
        out: list[Piece] = []
        while True:
            line = _BEHIND.sub(r"\2\3\1", self._line)
            opened = max(line.rfind("["), line.rfind("【"), line.rfind("("))
            if opened >= 0 and not re.search(r"[\])】]", line[opened:]) and len(line) - opened < _LONGEST_WAIT:
                return out
            spans = sentences(line)
            if len(spans) < 2 or line[spans[1][0]] in "[(【":
                return out
            self._line = line[spans[1][0] :]
            out += self._pieces(line[: spans[1][0]], known)

    def _end_line(self, line: str, known: frozenset[str]) -> list[Piece]:
        rest, self._line = self._line, line
        out = self._complete(known)
        out += self._pieces(self._line, known)
        self._line = rest
        self._begun = self._item = False
        return out

    def _pieces(self, line: str, known: frozenset[str]) -> list[Piece]:
        if not line.strip() or line.strip().startswith("```") or _RULE.fullmatch(line):
            return []
        lacking = _NOT_FOUND.match(line) if not self._begun else None
        if lacking:
            return self._out([Piece("lacking", self._clean(line[lacking.end() :], known).text)])
        bold = _BOLD_LINE.fullmatch(line)
        heading = _HEADING.match(line)
        if not self._begun and (heading or bold):
            shown = self._clean(bold["text"] if bold else line[heading.end() :] if heading else line, known)
            return self._out([Piece("heading", shown.text.strip(" :*_"), shown.ids)])
        bullet = None if self._begun else _BULLET.match(line)
        if bullet:
            line, self._item = line[bullet.end() :], True
        if line.strip().startswith("|"):
            line = " – ".join(cell for c in line.strip().strip("|").split("|") if (cell := c.strip()))
        line = _BEHIND.sub(r"\2\3\1", line)
        out: list[Piece] = []
        for start, end in sentences(line):
            found = self._clean(line[start:end], known)
            if not re.search(r"\w", found.text):
                # A citation that stands alone belongs to the sentence before it.
                if found.ids and out:
                    out[-1] = replace(out[-1], ids=tuple(dict.fromkeys(out[-1].ids + found.ids)))
                continue
            lead = " " if self._begun or out else "- " if self._item else "\n\n"
            out.append(Piece("claim", found.text, found.ids, lead))
        return self._out(out)

    def _clean(self, text: str, known: frozenset[str]) -> Cleaned:
        found = clean(text, known)
        self.unknown += found.unknown
        self.removed += found.removed
        return found

    def _out(self, pieces: list[Piece]) -> list[Piece]:
        pieces = [p for p in pieces if p.text or p.kind == "lacking"]
        if pieces:
            self._first, self._begun = False, True
        return pieces


@dataclass(frozen=True, slots=True)
class Correction:
    """What the model makes of a sentence that failed: sentences in its place, or none where it takes it back."""

    pieces: tuple[Piece, ...] = ()
    withdrawn: bool = False


_NUMBERED = re.compile(r"^\W{0,3}(\d{1,3})\W{0,2}[:.)][\s*_]*(.*)$")


def corrections(raw: str, known: frozenset[str], reader: Reader) -> dict[int, Correction]:
    """Return the corrections of a repair by number (from 1). ``reader`` counts what is taken out."""
    found: dict[int, str] = {}
    last = 0
    for line in visible(raw)[: reader.limit].splitlines():
        numbered = _NUMBERED.match(line)
        if numbered:
            last = int(numbered[1])
            found[last] = numbered[2]
        elif last and line.strip():
            found[last] += " " + line.strip()
    out: dict[int, Correction] = {}
    for number, text in found.items():
        if re.match(r"\W*withdraw", text, re.I):
            out[number] = Correction(withdrawn=True)
            continue
        fresh = Reader(limit=reader.limit)
        pieces = [p for p in fresh.feed(text, known) + fresh.finish(known) if p.kind == "claim"]
        reader.unknown += fresh.unknown
        reader.removed += fresh.removed
        if pieces:
            out[number] = Correction(tuple(pieces))
    return out


__all__ = ["Cleaned", "Correction", "Piece", "Reader", "clean", "corrections", "field", "visible"]
