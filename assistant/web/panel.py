"""The side panel: an answer's sources as cards, the chosen one opened on its cited words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.models import Answer, Citation, Retrieved
from assistant.web.text import document_path, esc, meta_line, picture_path, title_of
from vectorstore.records import Document

MARGIN = 600  # characters of surrounding text shown on each side of a quote


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A span in its surrounding text; ``before`` and ``after`` end at whole words."""

    before: str
    quote: str
    after: str
    starts_document: bool
    ends_document: bool
    page: int | None
    picture: str | None
    link: str
    faithful: bool


def excerpt(document: Document, start: int, end: int, quote: str, *, margin: int = MARGIN) -> Excerpt:
    """Cut the surroundings of ``document.text[start:end]``; ``faithful``: the text there is still ``quote``."""
    text = document.text
    start = max(0, min(start, len(text)))
    end = max(start, min(end, len(text)))
    low, high = max(0, start - margin), min(len(text), end + margin)
    while 0 < low < start and not text[low - 1].isspace():
        low += 1
    while end < high < len(text) and not text[high].isspace():
        high -= 1
    page = document.page_at(start)
    pdf = document.media_type == "application/pdf" and page is not None
    return Excerpt(
        before=text[low:start],
        quote=text[start:end],
        after=text[end:high],
        starts_document=low == 0,
        ends_document=high == len(text),
        page=page,
        picture=picture_path(document.document_id, document.version, page, start, end) if pdf and page else None,
        link=document_path(document.document_id, document.version, start, end),
        faithful=text[start:end] == quote,
    )


def empty() -> str:
    """Return the panel before the first answer."""
    return (
        '<div class="t-panel-empty"><h2>Sources</h2><p>The sources of an answer appear here. Select one, or a marker '
        "such as <span class='t-marker'>S1</span> in the answer, to read the cited words in their place.</p></div>"
    )


def sources(answer: Answer, number: int, *, chosen: str = "", shown: Excerpt | None = None, problem: str = "") -> str:
    """Return the panel of an answer.

    ``chosen`` is a marker ("S1") or the index of a passage ("p3"), ``shown`` its text, ``problem`` why there is none.
    """
    cards = "".join(
        _card(
            key=c.marker,
            control=f'data-cite="{esc(c.marker)}"',
            badge=c.marker,
            title=title_of(c),
            line=meta_line(c.publisher, c.published, c.kind, c.page),
            teaser=c.quote,
            path=c.path,
            number=number,
            opened=_opened(c.marker, chosen, shown, problem),
        )
        for c in answer.citations
    )
    cited = {(c.document_id, c.version, c.start, c.end) for c in answer.citations}
    rest = [(i, p) for i, p in enumerate(answer.passages) if not _is_cited(p, answer.citations, cited)]
    count = len(answer.citations)
    head = f'<h2>Sources <span class="t-count">{count}</span></h2><p class="t-dim t-for">{esc(answer.question)}</p>'
    if not count:
        head += '<p class="t-dim">Nothing is cited in this answer.</p>'
    return f'<div class="t-panel" data-answer="{number}">{head}<div class="t-cards">{cards}</div>{_rest(rest, number, count, chosen, shown, problem)}</div>'


def _is_cited(passage: Retrieved, citations: Sequence[Citation], spans: set[tuple[str, str, int, int]]) -> bool:
    return (passage.document_id, passage.version, passage.start, passage.end) in spans or any(
        c.chunk_id == passage.chunk_id for c in citations
    )


def _rest(
    rest: Sequence[tuple[int, Retrieved]],
    number: int,
    cited: int,
    chosen: str,
    shown: Excerpt | None,
    problem: str,
) -> str:
    if not rest:
        return ""
    cards = "".join(
        _card(
            key=f"p{index}",
            control=f'data-passage="{index}"',
            badge="",
            title=title_of(p),
            line=meta_line(p.publisher, p.published, p.kind, p.page),
            teaser=p.text,
            path=p.path,
            number=number,
            opened=_opened(f"p{index}", chosen, shown, problem),
        )
        for index, p in rest
    )
    is_open = " open" if chosen.startswith("p") or not cited else ""
    return (
        f'<details class="t-rest"{is_open}><summary>Retrieved, not cited <span class="t-count">{len(rest)}</span></summary>'
        f'<div class="t-cards">{cards}</div></details>'
    )


def _opened(key: str, chosen: str, shown: Excerpt | None, problem: str) -> str:
    if key != chosen:
        return ""
    if shown is None:
        return f'<div class="t-excerpt"><p class="t-alert">{esc(problem)}</p></div>'
    lead = "" if shown.starts_document else "… "
    tail = "" if shown.ends_document else " …"
    note = (
        ""
        if shown.faithful
        else '<p class="t-alert">The stored text no longer reads as it was quoted; the marked words are what stands there.</p>'
    )
    picture = (
        f'<figure class="t-page"><img src="{esc(shown.picture)}" loading="lazy" alt="Page {shown.page} with the cited words '
        f'marked"><figcaption>Page {shown.page}</figcaption></figure>'
        if shown.picture
        else ""
    )
    return (
        f'<div class="t-excerpt">{note}<blockquote>{lead}{_lines(shown.before.lstrip())}<mark>{_lines(shown.quote)}</mark>'
        f"{_lines(shown.after.rstrip())}{tail}</blockquote>{picture}"
        f'<a class="t-open" href="{esc(shown.link)}" target="_blank" rel="noopener noreferrer">Open the document here</a></div>'
    )


def _lines(text: str) -> str:
    # Blank runs of a filing's layout say nothing in a narrow column.
    kept: list[str] = []
    for line in text.split("\n"):
        if line.strip() or (kept and kept[-1].strip()) or not kept:
            kept.append(line)
    return esc("\n".join(kept))


def _card(
    *, key: str, control: str, badge: str, title: str, line: str, teaser: str, path: str, number: int, opened: str
) -> str:
    state = " t-chosen" if opened else ""
    label = f'<span class="t-badge">{esc(badge)}</span>' if badge else ""
    short = "" if opened else f'<span class="t-teaser">{esc(" ".join(teaser.split())[:220])}</span>'
    return (
        f'<section class="t-card{state}" data-key="{esc(key)}"><button type="button" class="t-card-head" {control} '
        f'data-turn="{number}" aria-expanded="{"true" if opened else "false"}" title="{esc(path)}">{label}'
        f'<span class="t-card-text"><span class="t-title">{esc(title)}</span><span class="t-dim">{esc(line)}</span>{short}'
        f"</span></button>{opened}</section>"
    )
