"""A cited span cut out of its document with what stands around it, and the answer's other spans of that document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.web.reading import Block, Mark, apart, blocks, body
from assistant.web.text import document_path, picture_path
from vectorstore.records import Document

MARGIN = 600  # characters of surrounding text shown on each side of a quote
NEAR = 8000  # characters within which another span of the answer is shown in the same excerpt
AROUND = 160  # characters in which the ends of another span's lines are looked for
MOST_SPANS = 20  # as many as an address carries


@dataclass(frozen=True, slots=True)
class Other:
    """Another span that the answer cites in the same version; ``key`` is its marker."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of the document that begins at ``start``."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A span in its surrounding text; ``before`` and ``after`` end at whole words or lines.

    ``pieces``: all that is shown, in order, of which one is before + quote + after. ``others`` are inside them.
    """

    before: str
    quote: str
    after: str
    start: int
    starts_document: bool
    ends_document: bool
    page: int | None
    label: str | None
    picture: str | None
    link: str
    faithful: bool
    pieces: tuple[Piece, ...] = ()
    others: tuple[Other, ...] = ()


def excerpt(
    document: Document, start: int, end: int, quote: str, *, others: Sequence[Other] = (), margin: int = MARGIN
) -> Excerpt:
    """Cut the surroundings of ``document.text[start:end]``; ``faithful``: the text there is still ``quote``.

    ``others`` far from it are left out of the text, not of the page's picture and the address.
    """
    text = document.text
    start = max(0, min(start, len(text)))
    end = max(start, min(end, len(text)))
    low, high = _low(text, start, margin), _high(text, end, margin)
    sound = [o for o in others if 0 <= o.start < o.end <= len(text)][: MOST_SPANS - 1]
    near = [o for o in sound if o.start < end + NEAR and o.end > start - NEAR]
    page = document.page_at(start)
    shown = next((p for p in document.pages if p.number == page), None)
    on_page = [] if shown is None else [(o.start, o.end) for o in sound if o.start < shown.end and o.end > shown.start]
    pdf = document.media_type == "application/pdf" and page is not None
    name, version = document.document_id, document.version
    return Excerpt(
        before=text[low:start],
        quote=text[start:end],
        after=text[end:high],
        start=start,
        starts_document=low == 0,
        ends_document=high == len(text),
        page=page,
        label=shown.label if shown is not None else None,
        picture=picture_path(name, version, page, start, end, on_page) if pdf and page else None,
        link=document_path(name, version, start, end, [(o.start, o.end) for o in sound]),
        faithful=text[start:end] == quote,
        pieces=_pieces(text, low, high, near),
        others=tuple(near),
    )


def _low(text: str, start: int, margin: int) -> int:
    low = max(0, start - margin)
    line = text.find("\n", low, min(start, low + margin // 4))
    if low > 0 and line >= 0:
        return line + 1
    while 0 < low < start and not text[low - 1].isspace():
        low += 1
    return low


def _high(text: str, end: int, margin: int) -> int:
    high = min(len(text), end + margin)
    line = text.rfind("\n", max(end, high - margin // 4), high)
    if high < len(text) and line >= 0:
        return line
    while end < high < len(text) and not text[high].isspace():
        high -= 1
    return high


def _pieces(text: str, low: int, high: int, others: Sequence[Other]) -> tuple[Piece, ...]:
    """Return the text from ``low`` to ``high`` and the lines of the others, joined where they touch."""
    spans = [(low, high)]
    for other in others:
        a = text.rfind("\n", max(0, other.start - AROUND), other.start) + 1 or other.start
        b = text.find("\n", other.end, other.end + AROUND)
        spans.append((a, b if b >= 0 else other.end))
    joined: list[tuple[int, int]] = []
    for a, b in sorted(spans):
        if joined and (a <= joined[-1][1] or not text[joined[-1][1] : a].strip()):
            joined[-1] = (joined[-1][0], max(joined[-1][1], b))
        else:
            joined.append((a, b))
    return tuple(Piece(a, text[a:b]) for a, b in joined)


def excerpt_html(shown: Excerpt, lead: Sequence[tuple[str, str]] = ()) -> str:
    """Return the text of an excerpt with its marks. ``lead``: marker -> HTML that stands before that other span."""
    before = dict(lead)
    marks = apart(
        (
            Mark(shown.start, shown.start + len(shown.quote)),
            *(Mark(o.start, o.end, strong=False, lead=before.get(o.key, "")) for o in shown.others),
        )
    )
    found: list[Block] = []
    for number, piece in enumerate(shown.pieces):
        new = blocks(piece.text, piece.start)
        found += [replace(new[0], gap=number > 0), *new[1:]] if new else []
    base = shown.pieces[0].start if shown.pieces else 0
    return body(_joined(shown.pieces), base, found, marks)


def _joined(pieces: Sequence[Piece]) -> str:
    # What lies between two pieces is never shown; spaces keep the offsets.
    out = ""
    for piece in pieces:
        out += " " * (piece.start - (pieces[0].start + len(out))) + piece.text
    return out


__all__ = ["MARGIN", "Excerpt", "Other", "Piece", "excerpt", "excerpt_html"]
