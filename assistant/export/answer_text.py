"""The text of an answer as blocks: its paragraphs, lists, headings and tables, with markers as footnotes. Pure.

Of an answer's Markdown only these and bold are mark-up; links, images and HTML stay the characters that they are. A claim
is the words of a source: nothing in it is mark-up, and a "[S1]" that a document holds is no marker.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from assistant.export.blocks import Block, Break, Bullets, Heading, Mark, Paragraph, Ref, Span, Spans, Table, Words
from assistant.models import Claim

VERDICTS = {
    "unsupported": "not supported by the cited source",
    "contradicted": "contradicted by the cited source",
    "unchecked": "not checked",
}
_INLINE = re.compile(r"\[([ST]\d+)\]|\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}\.)\s+")
_HEADING = re.compile(r"#{1,6}\s+")
_RULE = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*(?::?-{3,}:?\s*)?$")


def body(text: str, claims: Sequence[Claim], known: Collection[str], level: int = 2) -> list[Block]:
    """Return an answer's text. ``known``: markers that have a note, others stay words; ``level``: of its headings.

    ``claims``: ``claim.text == text[claim.start:claim.end]``; offsets are Unicode code points.
    """
    return _Reading(sorted(claims, key=lambda claim: claim.start), known, level).read(text)


class _Reading:
    def __init__(self, claims: Sequence[Claim], known: Collection[str], level: int) -> None:
        self.claims, self.known, self.level = claims, known, level
        self.out: list[Block] = []
        self.kind = ""
        self.lines: list[Spans] = []
        self.rows: list[tuple[Spans, ...]] = []
        self.ruled = 0  # rows of the table above its rule
        self.counted = False

    def read(self, text: str) -> list[Block]:
        offset, gap = 0, False
        for line in text.split("\n"):
            start, offset = offset, offset + len(line) + 1
            if not line.strip():
                gap = True
                continue
            quoted = self._within(start + len(line) - len(line.lstrip()))
            bullet = None if quoted else _BULLET.match(line)
            heading = None if quoted else _HEADING.match(line)
            row = not quoted and line.strip().startswith("|") and line.strip().endswith("|") and len(line.strip()) > 2
            new = "ul" if bullet else "h" if heading else "table" if row else "p"
            if new != self.kind or (gap and new != "ul"):  # items with lines between them are one list
                self._flush()
                self.kind = new
            gap = False
            if row:
                if not _RULE.match(line):
                    self.rows.append(self._row(line, start))
                elif len(self.rows) == 1:
                    self.ruled = 1
                continue
            cut = bullet.end() if bullet else heading.end() if heading else 0
            inner = self._line(line[cut:], start + cut)
            if heading:
                self.out.append(Heading(inner, self.level))
                self.kind = ""
                continue
            if bullet and not self.lines:
                self.counted = "." in bullet.group()
            self.lines.append(inner)
        self._flush()
        return self.out

    def _flush(self) -> None:
        if self.lines and self.kind == "ul":
            self.out.append(Bullets(tuple(self.lines), self.counted))
        elif self.lines:
            spans: list[Span] = []
            for n, line in enumerate(self.lines):
                spans += [Break(), *line] if n else line
            self.out.append(Paragraph(tuple(spans)))
        elif self.rows:
            self.out.append(Table(tuple(self.rows[self.ruled :]), self.rows[0] if self.ruled else ()))
        self.lines, self.rows, self.ruled, self.kind, self.counted = [], [], 0, "", False

    def _within(self, place: int) -> bool:
        return any(claim.start <= place < claim.end for claim in self.claims)

    def _row(self, line: str, start: int) -> tuple[Spans, ...]:
        bars = [at for at, sign in enumerate(line) if sign == "|" and not self._within(start + at)]
        cells: list[Spans] = []
        for low, high in pairwise(bars):
            cell = line[low + 1 : high]
            cells.append(self._line(cell.strip(), start + low + 1 + len(cell) - len(cell.lstrip())))
        return tuple(cells)

    def _line(self, text: str, start: int) -> Spans:
        end = start + len(text)
        out: list[Span] = []
        position = start
        for claim in self.claims:
            low, high = max(claim.start, position), min(claim.end, end)
            if low >= high:
                continue
            out += self._inline(text[position - start : low - start])
            told = text[low - start : high - start]
            if claim.verdict in VERDICTS:
                out += [Words(told, "doubt"), Mark(VERDICTS[claim.verdict], claim.reason)]
            else:
                out.append(Words(told))
            position = high
        out += self._inline(text[position - start :])
        return tuple(out)

    def _inline(self, text: str) -> list[Span]:
        out: list[Span] = []
        position = 0
        for match in _INLINE.finditer(text):
            marker, bold = match.group(1), match.group(2)
            if marker and marker not in self.known:
                continue
            out += [Words(text[position : match.start()]), Ref(marker) if marker else Words(bold, "strong")]
            position = match.end()
        out.append(Words(text[position:]))
        return [span for span in out if not (isinstance(span, Words) and not span.text)]


__all__ = ["VERDICTS", "body"]
