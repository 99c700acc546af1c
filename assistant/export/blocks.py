"""What a paper is made of: a title, facts, and parts of blocks with footnotes. Frozen values that say nothing of a format.

Every text in here may come from a document, a question or a model: a writer shows it as characters and never as mark-up,
link or script. Functions that make a Paper need no escaping, and writers need not know what a paper is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "strong", "quiet", "doubt", "code"]
Kind = Literal["body", "note", "warning", "alert"]
Point = tuple[float, float, str]  # x, y, and the label of x


@dataclass(frozen=True, slots=True)
class Words:
    """A run of text. ``doubt``: a claim that is not supported; ``code``: a path or name that is read letter by letter."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line inside a paragraph."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Points at the Note of that ``key`` in the same Part; shown as its number."""

    key: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict on the words before it: ``words`` ("not supported by the cited source") and its ``reason``."""

    words: str
    reason: str = ""


Span = Words | Break | Ref | Mark
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` 1 heads a part, 2 a section in it, 3 what is below. The Paper's title stands above all of them."""

    spans: Spans
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``note``: how something was made; ``warning``: what to mind; ``alert``: why there is nothing."""

    spans: Spans
    kind: Kind = "body"


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[Spans, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are spans, so that each can carry its footnote. ``numbers``: columns (from 0) that are set flush right.

    A row may have fewer cells than the widest one.
    """

    rows: tuple[tuple[Spans, ...], ...]
    head: tuple[Spans, ...] = ()
    caption: str = ""
    numbers: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        return max((len(row) for row in (self.head, *self.rows)), default=0)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve, its points in the order of x; at least two."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one pair of axes, or bars from the left; ``unit`` as ``assistant.models.Metric.unit``."""

    title: str
    unit: str = ""
    lines: tuple[Line, ...] = ()
    bars: tuple[tuple[str, float], ...] = ()


Block = Heading | Paragraph | Bullets | Table | Plot


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: what it is, who says so, when, where; the verbatim ``quote``; and the ``place`` it was read from.

    ``key``: what a Ref names; ``text``: words of ours (the figures of a tool result); ``link``: an address of this server,
    relative, which only the HTML shows, and only where it has no scheme and no host.
    """

    key: str
    title: str
    detail: tuple[str, ...] = ()
    text: str = ""
    quote: str = ""
    place: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs together with its footnotes, which stand at its end: one turn, one catalyst."""

    blocks: tuple[Block, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """``facts``: lines under the title (when it was made, as of when); ``stem``: a file name without its ending."""

    title: str
    parts: tuple[Part, ...]
    facts: tuple[str, ...] = ()
    stem: str = "thesis"


def words(text: str, tone: Tone = "plain") -> Spans:
    """Return a text as spans."""
    return (Words(text, tone),) if text else ()


def refs(part: Part) -> Iterator[str]:
    """Yield the keys that a part's blocks point at, in the order of reading, as often as they do."""
    for block in part.blocks:
        for spans in _spans(block):
            for span in spans:
                if isinstance(span, Ref):
                    yield span.key


def _spans(block: Block) -> Iterator[Spans]:
    if isinstance(block, Heading | Paragraph):
        yield block.spans
    elif isinstance(block, Bullets):
        yield from block.items
    elif isinstance(block, Table):
        for row in (block.head, *block.rows):
            yield from row


def numbers(paper: Paper) -> tuple[Mapping[str, int], ...]:
    """Return, for each part, the number of each note by its key.

    Numbers run through the whole paper from 1: within a part in order of first use, then those that nothing points at. A
    key that has no note has no number: a writer shows it as ``[key]``.
    """
    out: list[Mapping[str, int]] = []
    last = 0
    for part in paper.parts:
        known = [note.key for note in part.notes]
        used = [key for key in refs(part) if key in set(known)]
        order = list(dict.fromkeys([*used, *known]))
        out.append({key: last + n for n, key in enumerate(order, start=1)})
        last += len(order)
    return tuple(out)


def ordered(part: Part, number: Mapping[str, int]) -> list[tuple[int, Note]]:
    """Return a part's notes with their numbers, the lowest first; of two notes with one key the first."""
    first: dict[str, Note] = {}
    for note in part.notes:
        first.setdefault(note.key, note)
    return sorted(((number[key], note) for key, note in first.items()), key=lambda pair: pair[0])


__all__ = [
    "Block", "Break", "Bullets", "Heading", "Line", "Mark", "Note", "Paper", "Paragraph", "Part", "Plot", "Point", "Ref", "Span", "Spans",
    "Table", "Tone", "Words", "numbers", "ordered", "refs", "words",
]  # fmt: skip
