"""One document in full: what is known of it and from where, its versions and chunks, and the form that says what it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.web.documents_list import STATES, Status, title_of
from assistant.web.places import Places
from assistant.web.text import day, document_path, esc
from vectorstore.records import KINDS, Chunk, Metadata, Origin, SourceInfo

MOST_CHUNKS = 300
_OPENING = 140  # characters of a chunk
LABELS = {
    "title": "Title", "publisher": "Publisher", "authors": "Authors", "published": "Published", "kind": "Kind", "company": "Company",
    "ticker": "Ticker", "form": "Form", "fiscal_period": "Period", "period_end": "Period ends", "report_date": "Report date", "url": "Address",
}  # fmt: skip
# The fields of the form, with the kind of input and a hint.
EDITED = {
    "title": ("text", ""), "publisher": ("text", ""), "authors": ("text", "several apart by ;"), "published": ("date", ""),
    "kind": ("kind", ""), "company": ("text", ""), "ticker": ("text", "such as BRK.B"), "form": ("text", "such as 10-K"),
    "fiscal_period": ("text", "such as FY2023 or Q3 2023"),
}  # fmt: skip
_ORIGINS = {
    "user": "given by you", "front_matter": "front matter", "text": "text", "embedded": "the file's properties", "file_name": "file name",
}  # fmt: skip
_LONGEST = {
    "title": 1000,
    "publisher": 200,
    "authors": 1000,
    "company": 200,
    "ticker": 20,
    "form": 40,
    "fiscal_period": 20,
}


@dataclass(frozen=True, slots=True)
class Detail:
    """What is shown of one document. ``versions``: vectorstore.store.StoredVersion; ``not_again``: why it cannot be read again."""

    source: SourceInfo
    status: Status
    versions: Sequence[Any]
    writes: bool
    not_again: str


def detail_html(found: Detail, places: Places) -> str:
    """Return the whole of one document."""
    source = found.source
    heading = f'<h2 id="document-title" tabindex="-1">{esc(title_of(source))}</h2>'
    return (
        f'<article class="t-detail" data-document="{esc(source.document_id)}"><header>{heading}'
        '<button type="button" class="t-icon" data-close aria-label="Close">✕</button></header>'
        f'{_state(found, places)}<p class="t-said" role="status" aria-live="polite"></p>{_actions(found)}'
        f"{_form(found) if found.writes and source.version else ''}{_facts(source)}{_place(source, places)}{_versions(found)}"
        f"{_chunks(source)}</article>"
    )


def _state(found: Detail, places: Places) -> str:
    now, source = found.status, found.source
    text = f"{now.text} {now.what_to_do}".strip()
    notes = "".join(f"<li>{esc(places.told(source, one))}</li>" for one in source.warnings)
    warnings = f'<ul class="t-warnings">{notes}</ul>' if notes else ""
    return (
        f'<p><span class="t-state t-is-{now.state}">{esc(STATES[now.state])}</span> '
        f'<span class="{"t-error" if now.state == "failed" else "t-dim"}">{esc(text)}</span></p>{warnings}'
    )


def _actions(found: Detail) -> str:
    source = found.source
    name = esc(source.document_id)
    buttons = ""
    if source.version:
        href = esc(document_path(source.document_id, source.version))
        buttons += f'<a class="t-action" href="{href}" target="_blank" rel="noopener noreferrer">Open the text</a>'
    if not found.writes:
        return f'<div class="t-actions">{buttons}</div>'
    if source.version:
        buttons += '<button type="button" class="t-action" data-edit aria-expanded="false" aria-controls="document-form">Edit</button>'
    closed = ' disabled aria-describedby="not-again"' if found.not_again else ""
    buttons += f'<button type="button" class="t-action" data-reingest="{name}"{closed}>Read again</button>'
    buttons += '<button type="button" class="t-action t-danger" data-remove aria-expanded="false" aria-controls="document-remove">Remove…</button>'
    why = f'<p class="t-dim" id="not-again">Cannot be read again: {esc(found.not_again)}</p>' if found.not_again else ""
    disk = (
        ""
        if source.path.startswith("upload:/")
        else " It goes out of the base only: nothing is deleted where it came from."
    )
    sure = (
        f'<div class="t-sure" id="document-remove" hidden><p>Remove “{esc(title_of(source))}” from the base? It answers no more; '
        f"old answers keep their quotes.{disk}</p>"
        f'<button type="button" class="t-action t-danger" data-really-remove="{name}">Remove</button>'
        '<button type="button" class="t-action" data-keep>Keep</button></div>'
    )
    return f'<div class="t-actions">{buttons}</div>{why}{sure}'


def _origin(origin: Origin | None, source: SourceInfo) -> str:
    if origin is None:
        return ""
    said = _ORIGINS.get(origin.source, origin.source)
    kind = " t-yours" if origin.source == "user" else ""
    if origin.start is not None and origin.end is not None and origin.end > origin.start and source.version:
        href = esc(document_path(source.document_id, source.version, origin.start, origin.end))
        said = f'<a href="{href}" target="_blank" rel="noopener noreferrer" title="Show where it stands">{said}</a>'
    return f'<span class="t-origin{kind}">{said}</span>'


def value_of(metadata: Metadata, name: str) -> str:
    """Return a field as text; "" for none."""
    value = getattr(metadata, name)
    return "; ".join(value) if isinstance(value, tuple) else value or ""


def _facts(source: SourceInfo) -> str:
    meta = source.metadata
    rows = []
    for name, label in LABELS.items():
        value, origin = value_of(meta, name), meta.origin(name)
        if not value and origin is None:
            continue
        shown = day(value) if name in ("published", "period_end", "report_date") else value
        rows.append((label, f"{esc(shown) or '<em>none</em>'} {_origin(origin, source)}"))
    rows += [(key, f"{esc(value)} {_origin(meta.origin(f'extra.{key}'), source)}") for key, value in meta.extra.items()]
    return _list("What is known of it", rows)


def _place(source: SourceInfo, places: Places) -> str:
    rows = [
        ("Place", esc(places.of(source))),
        (
            "Came in as",
            "an upload" if source.path.startswith("upload:/") else "an address" if "://" in source.path else "a file",
        ),
        ("Collection", esc(source.collection)),
        ("Type", esc(source.media_type)),
        ("Pages", f"{source.pages:,}" if source.pages else ""),
        ("Characters", f"{source.characters:,}" if source.characters else ""),
        ("Chunks", f"{source.chunks:,}" if source.chunks else ""),
        ("Added", f"{esc(day(source.ingested_at))}, {esc(source.ingested_at[11:16])} UTC"),
        ("Id", f"<code>{esc(source.document_id)}</code>"),
    ]
    return _list("In the base", [(label, value) for label, value in rows if value])


def _list(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    inner = "".join(f"<dt>{esc(label)}</dt><dd>{value}</dd>" for label, value in rows)
    return f'<section><h3>{heading}</h3><dl class="t-facts">{inner}</dl></section>' if inner else ""


def _versions(found: Detail) -> str:
    if not found.versions:
        return ""
    items = []
    for one in reversed(found.versions):
        name = f"<code>{esc(one.version[:12])}</code>"
        if one.pruned_at is None:
            href = esc(document_path(found.source.document_id, one.version))
            name = f'<a href="{href}" target="_blank" rel="noopener noreferrer">{name}</a>'
        end = "current" if one.version == found.source.version else f"replaced {esc(day(one.replaced_at))}"
        gone = f", text forgotten {esc(day(one.pruned_at))}" if one.pruned_at else ""
        items.append(f"<li>{name} came in {esc(day(one.stored_at))}, {end}{gone}</li>")
    return f'<section><h3>Versions</h3><ul class="t-docs-plain">{"".join(items)}</ul></section>'


def _chunks(source: SourceInfo) -> str:
    if not source.chunks:
        return ""
    return (
        f'<section><details class="t-chunks" data-chunks="{esc(source.document_id)}"><summary>Chunks ({source.chunks:,})</summary>'
        '<div class="t-chunk-list"><p class="t-dim">Loading…</p></div></details></section>'
    )


def chunks_html(source: SourceInfo, chunks: Sequence[Chunk]) -> str:
    """Return the chunks of a document, the first 300 of them, each opening its place in the text."""
    rows = []
    for number, chunk in enumerate(chunks[:MOST_CHUNKS], start=1):
        href = esc(document_path(source.document_id, chunk.version, chunk.start, chunk.end))
        words = " ".join(chunk.text.split())
        opening = words if len(words) <= _OPENING else words[:_OPENING].rsplit(" ", 1)[0] + " …"
        where = " · ".join(
            part
            for part in (
                f"p. {chunk.page}" if chunk.page else "",
                chunk.section,
                "" if chunk.role == "body" else chunk.role,
            )
            if part
        )
        rows.append(
            f'<li><a href="{href}" target="_blank" rel="noopener noreferrer">{number}</a> <span class="t-dim">{esc(where)} '
            f"({chunk.end - chunk.start:,} characters)</span><br>{esc(opening)}</li>"
        )
    more = f'<p class="t-dim">The first {MOST_CHUNKS} of {len(chunks):,}.</p>' if len(chunks) > MOST_CHUNKS else ""
    return f'{more}<ol class="t-docs-plain">{"".join(rows)}</ol>'


def _form(found: Detail) -> str:
    source = found.source
    fields = "".join(_field(name, *EDITED[name], found) for name in EDITED)
    return (
        f'<form class="t-amend" id="document-form" data-amend="{esc(source.document_id)}" hidden autocomplete="off">'
        f'<p class="t-dim">What you give wins over what was read, and stays when the document is read again. Empty means that there is none.</p>'
        f'<div class="t-docfields">{fields}</div><p class="t-error" role="alert" hidden></p>'
        '<div class="t-actions"><button type="submit" class="t-action t-primary">Save</button>'
        '<button type="button" class="t-action" data-cancel-edit>Cancel</button></div></form>'
    )


def _field(name: str, kind: str, hint: str, found: Detail) -> str:
    meta = found.source.metadata
    value, origin = value_of(meta, name), meta.origin(name)
    place = f"edit-{name}"
    told = _ORIGINS.get(origin.source, "") if origin else ""
    note = " · ".join(part for part in (hint, told) if part)
    described = f' aria-describedby="{place}-note"' if note else ""
    if kind == "kind":
        options = "".join(f"<option{' selected' if one == value else ''}>{one}</option>" for one in KINDS)
        control = f'<select id="{place}" name="{name}" class="t-select"{described}>{options}</select>'
    else:
        longest = f' maxlength="{_LONGEST[name]}"' if name in _LONGEST else ""
        control = f'<input id="{place}" name="{name}" type="{kind}" value="{esc(value)}"{longest}{described}>'
    back = ""
    if origin is not None and origin.source == "user" and not found.not_again:
        back = f'<label class="t-back"><input type="checkbox" name="back" value="{name}"> Take what the document says</label>'
    shown = f'<span class="t-dim" id="{place}-note">{esc(note)}</span>' if note else ""
    return f'<div class="t-docfield"><label for="{place}">{LABELS[name]}</label>{control}{shown}{back}</div>'
