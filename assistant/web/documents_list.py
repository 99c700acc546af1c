"""The list of documents: what is searched, sorted and narrowed, a page at a time, and each document's state in words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.web.places import UPLOADED, Places
from assistant.web.text import day, document_path, esc, file_name
from vectorstore.records import SourceInfo

PAGE = 50  # documents at once
_MOST = 100  # publishers in the menu: those with the most documents; what is searched for finds the others
LONGEST = 200  # characters of what is searched for
State = Literal["ready", "words", "reading", "failed"]
STATES: Mapping[State, str] = {
    "ready": "Ready",
    "words": "Answers by words, waiting for its vectors",
    "reading": "Waiting to be read",
    "failed": "Failed",
}
SHORT: Mapping[State, str] = {"ready": "Ready", "words": "By words", "reading": "Waiting", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Status:
    """How far a document has come: a state, what that means, and what there is to do ("" for nothing)."""

    state: State
    text: str
    what_to_do: str = ""


def status(source: SourceInfo, *, ingesting: bool, places: Places | None = None) -> Status:
    """Return a document's state in plain words; ``ingesting``: whether anything is being read in just now."""
    older = " The version before still answers." if source.version else ""
    if source.error or source.state == "failed":
        said = source.error or "It could not be read."
        mend = "Upload it mended under the same name." if source.path.startswith(UPLOADED) else "Then read it again."
        return Status("failed", (places.told(source, said) if places else said) + older, mend)
    if source.state in ("seen", "read"):
        if source.version:
            return Status("ready", "It answers, and is being read again." if ingesting else "It answers.")
        if ingesting:
            return Status("reading", "It is about to be read.")
        if source.path.startswith(UPLOADED):
            return Status("failed", "Its upload was cut short before it was read.", "Upload it again, or remove it.")
        return Status("reading", "An ingest ended before it came to this.", "Read it again, or run the ingest again.")
    if source.state in ("chunked", "embedded"):
        return Status("words", "Its words are found already; its vectors are being made.")
    return Status("ready", "It answers.")


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: the filters, the order, and which page (from 1)."""

    needle: str = ""
    state: str = ""
    kind: str = ""
    publisher: str = ""
    collection: str = ""
    sort: str = "published"
    descending: bool = True
    page: int = 1


_Key = Callable[[SourceInfo], tuple[bool, str | int]]


def _text(value: str | None) -> tuple[bool, str]:
    return bool(value), (value or "").casefold()


# name -> (label, key, whether the largest come first at a first click)
COLUMNS: Mapping[str, tuple[str, _Key, bool]] = {
    "title": ("Title", lambda s: _text(title_of(s)), False),
    "publisher": ("Publisher", lambda s: _text(s.metadata.publisher), False),
    "kind": ("Kind", lambda s: _text(s.metadata.kind), False),
    "published": ("Published", lambda s: _text(s.metadata.published), True),
    "added": ("Added", lambda s: _text(s.ingested_at), True),
    "pages": ("Pages", lambda s: (bool(s.pages), s.pages), True),
    "chunks": ("Chunks", lambda s: (bool(s.chunks), s.chunks), True),
    "collection": ("Collection", lambda s: _text(s.collection), False),
}


def read_view(query: Mapping[str, str]) -> View:
    """Return the view that a query asks for; what makes no sense is as if it were not there."""
    sort = query.get("sort", "")
    number = query.get("page", "")
    view = View(
        needle=query.get("q", "")[:LONGEST],
        state=query.get("state", "") if query.get("state") in STATES else "",
        kind=query.get("kind", "")[:LONGEST],
        publisher=query.get("publisher", "")[:LONGEST],
        collection=query.get("collection", "")[:LONGEST],
        page=int(number) if re.fullmatch(r"[1-9][0-9]{0,5}", number) else 1,
    )
    if sort not in COLUMNS:
        return view
    return replace(view, sort=sort, descending=query.get("order") == "down")


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list. ``matching``: how many there are in all; ``pending``: how many of the base will change by themselves."""

    view: View
    rows: tuple[tuple[SourceInfo, Status], ...]
    matching: int
    total: int
    pages: int
    pending: int


def listed(sources: Sequence[SourceInfo], view: View, places: Places, *, ingesting: bool) -> Listed:
    """Return the page of ``sources`` that ``view`` asks for; the last one where it asks for a later one."""
    words = view.needle.casefold().split()
    found: list[tuple[SourceInfo, Status]] = []
    pending = 0
    for source in sources:
        now = status(source, ingesting=ingesting, places=places)
        pending += now.state == "words" or (ingesting and now.state == "reading")
        meta = source.metadata
        if (
            (not view.state or now.state == view.state)
            and (not view.kind or meta.kind == view.kind)
            and (not view.publisher or meta.publisher == view.publisher)
            and (not view.collection or source.collection == view.collection)
            and (not words or _holds(source, now, places, words))
        ):
            found.append((source, now))
    key = COLUMNS[view.sort][1]
    found.sort(key=lambda one: title_of(one[0]).casefold())
    found.sort(key=lambda one: key(one[0])[1], reverse=view.descending)
    found.sort(key=lambda one: not key(one[0])[0])  # what has no value stands last, whichever way
    pages = max(1, -(-len(found) // PAGE))
    page = min(view.page, pages)
    part = tuple(found[(page - 1) * PAGE : page * PAGE])
    return Listed(replace(view, page=page), part, len(found), len(sources), pages, pending)


def _holds(source: SourceInfo, now: Status, places: Places, words: Sequence[str]) -> bool:
    meta = source.metadata
    values = (
        *(meta.title, meta.publisher, meta.published, meta.kind, meta.company, meta.ticker, meta.form, meta.fiscal_period),
        *(*meta.authors, source.collection, places.of(source), STATES[now.state]),
    )  # fmt: skip
    text = " ".join(value for value in values if value).casefold()
    return all(word in text for word in words)


def title_of(source: SourceInfo) -> str:
    """Return a document's title, or its file's name where it has none."""
    return source.metadata.title or file_name(source.path)


# HTML


def filters_html(sources: Sequence[SourceInfo], view: View, *, ingesting: bool) -> str:
    """Return the menus that narrow the list; each offers what is in."""
    kinds = sorted({s.metadata.kind for s in sources})
    counted = Counter(s.metadata.publisher for s in sources if s.metadata.publisher)
    publishers = sorted((name for name, _ in counted.most_common(_MOST)), key=str.casefold)
    collections = sorted({s.collection for s in sources}, key=str.casefold)
    states = {status(s, ingesting=ingesting).state for s in sources}
    menus = [
        _menu("state", "Any state", [(name, SHORT[name]) for name in STATES if name in states], view.state),
        _menu("kind", "Any kind", [(kind, kind) for kind in kinds], view.kind),
        _menu("publisher", "Any publisher", [(name, name) for name in publishers], view.publisher),
    ]
    if len(collections) > 1 or view.collection:
        menus.append(_menu("collection", "Any collection", [(name, name) for name in collections], view.collection))
    # On a phone there are no heads of columns to sort by.
    orders = [
        (name, f"{label}, {'newest' if name in _DAYS else 'most' if down else 'A to Z'} first")
        for name, (label, _, down) in COLUMNS.items()
    ]
    menus.append(_menu("sort", "", orders, view.sort, "t-only-narrow"))
    return "".join(menus)


_DAYS = frozenset({"published", "added"})


def _menu(name: str, every: str, options: Sequence[tuple[str, str]], chosen: str, kind: str = "") -> str:
    if chosen and chosen not in {value for value, _ in options}:
        options = [*options, (chosen, chosen)]  # of a filter whose last document has gone
    shown = ([("", every)] if every else []) + list(options)
    items = "".join(
        f'<option value="{esc(value)}"{" selected" if value == chosen else ""}>{esc(label)}</option>'
        for value, label in shown
    )
    label = "Sort by" if name == "sort" else f"Filter by {name}"
    return f'<select class="t-select {kind}" data-filter="{name}" aria-label="{label}">{items}</select>'


def rows_html(found: Listed, places: Places, *, writes: bool) -> str:
    """Return the table of one page with what leads to the others."""
    if not found.total:
        more = " Drop files here, or choose “Add documents”." if writes else ""
        return f'<p class="t-docs-empty">Nothing is in the base yet.{more}</p>'
    view = found.view
    narrowed = any((view.needle.strip(), view.state, view.kind, view.publisher, view.collection))
    count = f"{found.matching:,} of {found.total:,} documents." if narrowed else f"{found.total:,} documents."
    clear = ' <button type="button" class="t-link" data-clear>Show all</button>' if narrowed else ""
    waiting = f" {found.pending:,} on their way." if found.pending else ""
    head = (
        "".join(_head(name, view) for name in COLUMNS)
        + '<th scope="col">State</th><th scope="col"><span class="t-hidden">Actions</span></th>'
    )
    body = "".join(_row(source, now, places) for source, now in found.rows)
    table = (
        f'<div class="t-scroll"><table class="t-documents" aria-label="Documents"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    if not found.rows:
        table = '<p class="t-docs-empty">No document fits.</p>'
    return f'<p class="t-dim" data-pending="{found.pending}">{count}{waiting}{clear}</p>{table}{_pager(found)}'


def _head(name: str, view: View) -> str:
    label, _, down = COLUMNS[name]
    sorted_by = view.sort == name
    order = ("descending" if view.descending else "ascending") if sorted_by else "none"
    following = ("up" if view.descending else "down") if sorted_by else ("down" if down else "up")
    number = " t-docs-number" if name in ("pages", "chunks") else ""
    return (
        f'<th scope="col" class="t-c-{name}{number}" aria-sort="{order}"><button type="button" class="t-sort" data-sort="{name}" '
        f'data-order="{following}">{label}</button></th>'
    )


def _row(source: SourceInfo, now: Status, places: Places) -> str:
    meta = source.metadata
    name = title_of(source)
    title = esc(name)
    if source.chunks:
        href = esc(document_path(source.document_id, source.version))
        title = f'<a href="{href}" target="_blank" rel="noopener noreferrer">{title}</a>'
    about = " · ".join(part for part in (meta.company, meta.form, meta.fiscal_period) if part)
    more = f" ({len(source.warnings) - 1} more in its details)" if len(source.warnings) > 1 else ""
    notes = "".join(f'<p class="t-warn">{esc(places.told(source, text))}{more}</p>' for text in source.warnings[:1])
    why = f'<p class="t-error">{esc(now.text)} {esc(now.what_to_do)}</p>' if now.state == "failed" else ""
    state = f'<span class="t-state t-is-{now.state}" title="{esc(now.text)}">{SHORT[now.state]}</span>'
    cells = (
        ("title", "", f'{title}<span class="t-path">{esc(" · ".join(filter(None, (about, places.of(source)))))}</span>{why}{notes}'),
        ("publisher", "Publisher", esc(meta.publisher)),
        ("kind", "Kind", esc(meta.kind)),
        ("published", "Published", esc(day(meta.published))),
        ("added", "Added", f'<span title="{esc(source.ingested_at)}">{esc(day(source.ingested_at))}</span>'),
        ("pages", "Pages", f"{source.pages:,}" if source.pages else ""),
        ("chunks", "Chunks", f"{source.chunks:,}" if source.chunks else ""),
        ("collection", "Collection", esc(source.collection)),
        ("state", "State", state),
        ("actions", "", f'<button type="button" class="t-action" data-details="{esc(source.document_id)}" aria-label="Details of {esc(name)}">Details</button>'),
    )  # fmt: skip
    numbers = ("pages", "chunks")

    def labelled(label: str) -> str:
        return f' data-label="{label}"' if label else ""

    inner = "".join(
        f'<td class="t-c-{column}{" t-docs-number" if column in numbers else ""}"{labelled(label)}>{cell}</td>'
        for column, label, cell in cells
    )
    return f'<tr data-row="{esc(source.document_id)}">{inner}</tr>'


def _pager(found: Listed) -> str:
    if found.pages == 1:
        return ""
    page = found.view.page
    first, last = (page - 1) * PAGE + 1, min(page * PAGE, found.matching)

    def button(label: str, to: int, there: bool) -> str:
        return f'<button type="button" class="t-action" data-page="{to}"{"" if there else " disabled"}>{label}</button>'

    return (
        f'<nav class="t-pager" aria-label="Pages of the list">{button("First", 1, page > 1)}{button("Previous", page - 1, page > 1)}'
        f"<span>{first:,} to {last:,} of {found.matching:,}</span>"
        f"{button('Next', page + 1, page < found.pages)}{button('Last', found.pages, page < found.pages)}</nav>"
    )
