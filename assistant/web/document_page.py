"""A stored document as an HTML page of its own: spans marked and scrolled to, an index beside it. Pure functions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from assistant.web.reading import Block, Mark, apart, blocks, body, cut, marked
from assistant.web.spans import Asked
from assistant.web.text import day, esc, file_name, picture_path
from vectorstore.records import Document, Page, Section

# Under its own policy the page can load nothing but its pictures, and runs only the scripts below.
POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PART = 6000  # characters of a part of a text without pages: what is out of sight is not laid out
MOST_SECTIONS = 80  # in the index
_WORDS = 60  # characters of a span in the index

# Light or dark as the page of the chat has it.
_THEME = "try{const t=localStorage.getItem('thesis-theme');if(t)document.documentElement.dataset.theme=t}catch{}"
_SCROLL = (
    "if(!location.hash||location.hash==='#cited')document.getElementById('cited')?.scrollIntoView({block:'center'});"
)


def document_page(document: Document, where: Asked | None = None, *, nonce: str) -> str:
    """Return the whole text, escaped, with the spans of the address marked where they are spans of it."""
    length = len(document.text)
    found = (where or Asked()).within(length)
    spans = sorted(found.all)
    marks = apart(
        [
            Mark(a, b, (a, b) == found.chosen, _anchor(n, (a, b) == found.chosen), _hop(n, spans, found.chosen))
            for n, (a, b) in enumerate(spans)
        ]
    )
    note = ""
    if found.wrong:
        note = '<p class="note">The address names a span that this version of the document does not have.</p>'
    title = document.metadata.title or file_name(document.path)
    sections = _sections(document)
    index = _index(document, spans, found.chosen, sections)
    head = f'<header class="head"><h1>{esc(title)}</h1>{_facts(document)}{note}</header>'
    shell = "shell" if index else "shell plain"
    return _frame(
        title,
        f'<header class="bar"><a href="../">Thesis</a><strong>{esc(title)}</strong>{_jumps(spans, found.chosen)}</header>'
        f'<div class="{shell}">{index}<main>{head}{_text(document, marks, sections)}</main></div>'
        f'<script nonce="{nonce}">{_SCROLL}</script>',
        nonce,
        f'<script nonce="{nonce}">{_THEME}</script>',
    )


def _anchor(number: int, chosen: bool) -> str:
    return "cited" if chosen else f"span-{number + 1}"


def _hop(number: int, spans: Sequence[tuple[int, int]], chosen: tuple[int, int] | None) -> str:
    """Return the links to the span before and after; "" where there is one span."""
    if len(spans) < 2:
        return ""

    def to(n: int, sign: str, name: str) -> str:
        n %= len(spans)
        return f'<a href="#{_anchor(n, spans[n] == chosen)}" aria-label="{name} cited words">{sign}</a>'

    return (
        f'<span class="hop">{to(number - 1, "↑", "Previous")} {number + 1}/{len(spans)} {to(number + 1, "↓", "Next")}'
        "</span>"
    )


def _jumps(spans: Sequence[tuple[int, int]], chosen: tuple[int, int] | None) -> str:
    if len(spans) < 2:
        return ""
    links = "".join(
        f'<a href="#{_anchor(n, span == chosen)}"{" class=here" if span == chosen else ""}>{n + 1}</a>'
        for n, span in enumerate(spans)
    )
    return f'<nav aria-label="Cited words">Cited {links}</nav>'


def _facts(document: Document) -> str:
    """Return what is known of the document, a line each; what is not known has none."""
    meta = document.metadata
    form = f"{meta.kind}, {meta.form}" if meta.form and meta.form != meta.kind else meta.kind
    company = f"{meta.company or ''}{f' ({meta.ticker})' if meta.ticker else ''}".strip()
    ends = f", ended {day(meta.period_end)}" if meta.period_end else ""
    known = {
        "Publisher": meta.publisher, "Published": day(meta.published) or "undated", "Kind": form, "Authors": ", ".join(meta.authors),
        "Company": company, "Period": f"{meta.fiscal_period}{ends}" if meta.fiscal_period else "",
        "Event": day(meta.report_date), "Pages": str(len(document.pages) or ""), "Collection": document.collection, "File": document.path,
        "Version": document.version[:12],
    }  # fmt: skip
    lines = [(name, esc(value)) for name, value in known.items() if value]
    if meta.url and meta.url != document.path:
        safe = meta.url.startswith(("https://", "http://"))
        link = f'<a href="{esc(meta.url)}" target="_blank" rel="noopener noreferrer">{esc(meta.url)}</a>'
        lines.append(("Address", link if safe else esc(meta.url)))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in lines)}</dl>"


# The index


def _sections(document: Document) -> list[Section]:
    """Return the headings for the index, as deep as ``MOST_SECTIONS`` of them allow."""
    deepest = max((s.level for s in document.sections), default=0)
    for level in range(deepest, 0, -1):
        shown = [s for s in document.sections if s.level <= level and s.title.strip()]
        if len(shown) <= MOST_SECTIONS:
            return shown
    return []


def _index(
    document: Document, spans: Sequence[tuple[int, int]], chosen: tuple[int, int] | None, sections: Sequence[Section]
) -> str:
    cited, heads, pages = _cited(document, spans, chosen), _heads(sections), _page_links(document, spans)
    if not heads and not pages and len(spans) < 2:
        return ""
    return f'<nav class="index" aria-label="In this document"><details><summary>In this document</summary>{cited}{heads}{pages}</details></nav>'


def _cited(document: Document, spans: Sequence[tuple[int, int]], chosen: tuple[int, int] | None) -> str:
    if not spans:
        return ""
    items = "".join(
        f'<li><a href="#{_anchor(n, (a, b) == chosen)}">{n + 1}. {_page_name(document, a)}“{esc(_short(document.text[a:b]))}”</a></li>'
        for n, (a, b) in enumerate(spans)
    )
    return f"<h2>Cited here</h2><ol>{items}</ol>"


def _page_name(document: Document, offset: int) -> str:
    number = document.page_at(offset)
    return f"p. {number}, " if number else ""


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _WORDS else f"{words[:_WORDS].rsplit(' ', 1)[0]} …"


def _heads(sections: Sequence[Section]) -> str:
    if not sections:
        return ""
    top = min(s.level for s in sections)
    items = "".join(
        f'<li{" class=deep" if s.level > top else ""}><a href="#s-{s.start}">{esc(_short(s.title))}</a></li>'
        for s in sections
    )
    return f"<h2>Sections</h2><ol>{items}</ol>"


def _page_links(document: Document, spans: Sequence[tuple[int, int]]) -> str:
    if len(document.pages) < 2:
        return ""
    here = {document.page_at(start) for start, _ in spans}
    links = "".join(
        f'<a href="#p-{page.number}"{" class=here" if page.number in here else ""}>{page.number}</a>'
        for page in document.pages
    )
    return f'<h2>Pages</h2><div class="pages">{links}</div>'


# The text


def _text(document: Document, marks: Sequence[Mark], sections: Sequence[Section]) -> str:
    text, length = document.text, len(document.text)
    starts = {page.start for page in document.pages} | {section.start for section in sections}
    found = cut(blocks(text), sorted(starts))
    heads = {s.start: s for s in sections}
    if not document.pages:
        return (
            "".join(_part(document, part, marks, heads, "part") for part in _parts(found)) or '<div class="text"></div>'
        )
    places = [block.start for block in found]
    out: list[str] = []
    first = bisect_left(places, document.pages[0].start)
    if first:
        out.append(_part(document, found[:first], marks, heads, "part"))
    ends = [*(page.start for page in document.pages[1:]), length + 1]
    for page, end in zip(document.pages, ends, strict=True):
        out.append(
            _page(document, page, found[bisect_left(places, page.start) : bisect_left(places, end)], marks, heads)
        )
    return "".join(out)


def _parts(found: Sequence[Block]) -> list[list[Block]]:
    parts: list[list[Block]] = []
    begin = 0
    for block in found:
        if not parts or (block.start - begin > PART and not block.row):
            parts.append([])
            begin = block.start
        parts[-1].append(block)
    return parts


def _page(
    document: Document, page: Page, found: Sequence[Block], marks: Sequence[Mark], heads: dict[int, Section]
) -> str:
    here = [m for m in marks if m.start < page.end and m.end > page.start]
    pdf = document.media_type == "application/pdf"
    spans = [(m.start, m.end) for m in here] or [(page.start, page.start)]
    # Relative to document/<id>: the last segment is replaced.
    source = picture_path(document.document_id, document.version, page.number, *spans[0], spans[1:]).removeprefix(
        "document/"
    )
    name = esc(page.label) if page.label and page.label != str(page.number) else ""
    link = f'<a href="{esc(source)}" target="_blank">Picture</a>' if pdf else ""
    label = f"Page {page.number}{f' (printed {name})' if name else ''}"
    figure = (
        f'<figure><a href="{esc(source)}" target="_blank"><img src="{esc(source)}" alt="Page {page.number} with the cited words '
        f'marked" loading="lazy"></a><figcaption>Page {page.number} as it was printed</figcaption></figure>'
        if pdf and here
        else ""
    )
    kind = "part page cited" if here else "part page"
    return f'<section class="{kind}" id="p-{page.number}"><h2><span>{label}</span>{link}</h2>{_inner(document, found, here, heads)}{figure}</section>'


def _part(
    document: Document, found: Sequence[Block], marks: Sequence[Mark], heads: dict[int, Section], kind: str
) -> str:
    if not found:
        return ""
    here = [m for m in marks if m.start < found[-1].end and m.end > found[0].start]
    return f'<section class="{kind}{" cited" if here else ""}">{_inner(document, found, here, heads)}</section>'


def _inner(document: Document, found: Sequence[Block], marks: Sequence[Mark], heads: dict[int, Section]) -> str:
    """Return the blocks, with the headings of the index as headings that it leads to."""
    out: list[str] = []
    run: list[Block] = []
    text, level = document.text, "h3" if document.pages else "h2"
    for block in found:
        head = heads.get(block.start)
        if head is None:
            run.append(block)
            continue
        out.append(body(text, 0, run, marks))
        run = []
        end = min(block.end, _end(text, head))
        out.append(f'<{level} id="s-{head.start}">{marked(text, 0, block.start, end, marks)}</{level}>')
        if text[end : block.end].strip():
            run = [replace(block, start=end, row=False)]
    out.append(body(text, 0, run, marks))
    return f'<div class="text">{"".join(out)}</div>'


def _end(text: str, head: Section) -> int:
    """Return where a heading ends that may be wrapped, or be put in other letters than its title."""
    words = re.compile(r"\s+".join(map(re.escape, head.title.split())), re.IGNORECASE)
    match = words.match(text, head.start)
    line = text.find("\n", head.start)
    return match.end() if match else line if line > head.start else len(text)


def missing_page(message: str, what_to_do: str, nonce: str) -> str:
    """Return the page for a document or an address that is not there."""
    return _frame(
        "Not found",
        f'<div class="shell plain"><main><header class="head"><h1>{esc(message)}</h1><p>{esc(what_to_do)}</p></header>'
        '<p><a href="../">Back to Thesis</a></p></main></div>',
        nonce,
    )


@cache
def _style() -> str:
    return (Path(__file__).parent / "assets" / "document_page.css").read_text(encoding="utf-8")


def _frame(title: str, content: str, nonce: str, script: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{esc(title)} · Thesis</title><style nonce="{nonce}">{_style()}</style>{script}</head><body>{content}</body></html>'
    )
