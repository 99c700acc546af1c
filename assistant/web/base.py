"""What is in the base: the table of documents, the report of an upload, the page about it, example questions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.agent.providers import describe
from assistant.web.ports import Report
from assistant.web.text import day, document_path, esc, file_name
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings

SHOWN_ROWS = 500
UPLOADED = "upload:/"  # how the path of a document begins that came in through the page
COLUMNS = ("Title", "Publisher", "Date", "Kind", "Company", "Form", "Period", "Pages", "Chunks", "State")


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that the filters offer."""

    kinds: tuple[str, ...]
    publishers: tuple[str, ...]
    companies: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


def choices(sources: Sequence[SourceInfo]) -> Choices:
    """Return what can be filtered by, from the documents that can answer."""
    usable = [source for source in sources if source.chunks]
    return Choices(
        kinds=tuple(sorted({str(s.metadata.kind) for s in usable})),
        publishers=tuple(sorted({s.metadata.publisher for s in usable if s.metadata.publisher}, key=str.casefold)),
        companies=tuple(sorted({s.metadata.company for s in usable if s.metadata.company}, key=str.casefold)),
        collections=tuple(sorted({s.collection for s in usable})),
    )


def examples(sources: Sequence[SourceInfo], *, limit: int = 4) -> tuple[str, ...]:
    """Return questions that fit what is in, spread over publishers and kinds, newest first."""
    newest = sorted((s for s in sources if s.chunks), key=lambda s: s.metadata.published or "", reverse=True)
    seen: dict[tuple[str, str], int] = {}
    ranked: list[tuple[int, SourceInfo]] = []
    for source in newest:
        group = (source.metadata.publisher or "", source.metadata.kind)
        seen[group] = seen.get(group, 0) + 1
        ranked.append((seen[group], source))
    ranked.sort(key=lambda item: item[0])
    out: list[str] = []
    for _, source in ranked:
        text = _example(source, len(out))
        if text and text not in out:
            out.append(text)
        if len(out) == limit:
            break
    return tuple(out)


def _example(source: SourceInfo, place: int) -> str | None:
    meta = source.metadata
    if meta.company and meta.fiscal_period and meta.kind in {"filing", "transcript"}:
        return f"What did {meta.company} say about revenue in {meta.fiscal_period}?"
    if not meta.title or meta.kind == "filing":
        return None
    if place % 2:
        return f"What is the case for and against “{meta.title}”?"
    return f"What are the main points of “{meta.title}”?"


def table(sources: Sequence[SourceInfo], needle: str = "", *, changes: bool = True) -> str:
    """Return the documents as a table, newest first, those that hold every word of ``needle`` in their columns.

    ``changes``: whether the reader may take uploads out.
    """
    words = needle.casefold().split()
    kept = [s for s in sources if all(word in _haystack(s) for word in words)]
    kept.sort(key=lambda s: (s.metadata.published or "", s.metadata.title or s.path), reverse=True)
    if not sources:
        return f'<p class="t-dim">Nothing is in the base yet.{" Add files above." if changes else ""}</p>'
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    rows = "".join(_table_row(source, changes) for source in kept[:SHOWN_ROWS])
    count = f"{len(kept)} of {len(sources)}" if words else str(len(sources))
    more = f" The first {SHOWN_ROWS} are shown; narrow the search to see others." if len(kept) > SHOWN_ROWS else ""
    return (
        f'<p class="t-dim">{count} documents.{more}</p><div class="t-scroll"><table class="t-documents">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _haystack(source: SourceInfo) -> str:
    meta = source.metadata
    values = (meta.title, meta.publisher, meta.published, meta.kind, meta.company, meta.ticker, meta.form, source.path)
    return " ".join(str(value) for value in (*values, source.state) if value).casefold()


def _table_row(source: SourceInfo, changes: bool) -> str:
    meta = source.metadata
    title = esc(meta.title or file_name(source.path))
    if source.chunks:
        href = esc(document_path(source.document_id, source.version))
        title = f'<a href="{href}" target="_blank" rel="noopener noreferrer">{title}</a>'
    notes = "".join(f"<p>{esc(warning)}</p>" for warning in source.warnings)
    error = f'<p class="t-error">{esc(source.error)}</p>' if source.error else ""
    cells = (
        f'{title}<span class="t-path" title="{esc(source.path)}">{esc(file_name(source.path))}</span>{error}{notes}',
        esc(meta.publisher),
        f'<span class="t-nowrap">{esc(day(meta.published))}</span>',
        esc(meta.kind),
        esc(meta.company) + (f' <span class="t-dim">{esc(meta.ticker)}</span>' if meta.ticker else ""),
        esc(meta.form),
        f'<span class="t-nowrap">{esc(meta.fiscal_period)}</span>',
        str(source.pages or ""),
        str(source.chunks),
        f'<span class="t-state{" t-bad" if source.error else ""}">{esc(source.state)}</span>{_remove(source) if changes else ""}',
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _remove(source: SourceInfo) -> str:
    """Return the button that takes an upload out; what came in another way is not the page's to remove."""
    if not source.path.startswith(UPLOADED):
        return ""
    name = esc(file_name(source.path))
    return (
        f'<button type="button" class="t-action t-remove" data-remove="{esc(source.document_id)}" data-name="{name}" '
        f'aria-label="Remove {name}">Remove</button>'
    )


def upload_report(report: Report, names: Sequence[str]) -> str:
    """Return what an upload did, in words, and every file that did not go in with its reason."""
    refused = [(item.path, item.error) for item in report.failed] + [
        (item.path, item.reason) for item in report.skipped
    ]
    counts = [(report.added, "added"), (report.updated, "updated"), (report.unchanged, "unchanged")]
    counts += [(len(report.failed), "failed"), (len(report.skipped), "skipped")]
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    bad = {file_name(path) for path, _ in refused}
    remarks: dict[str, list[str]] = {}
    for remark in report.warnings:
        remarks.setdefault(file_name(remark.path), []).append(remark.text)
    items = "".join(
        f'<li class="t-good">{esc(name)}{"".join(f" · {esc(text)}" for text in remarks.get(name, ()))}</li>'
        for name in names
        if name not in bad
    )
    items += "".join(
        f'<li class="t-bad"><strong>{esc(file_name(path))}</strong>: {esc(why)}</li>' for path, why in refused
    )
    new = report.added + report.updated
    ready = f" {'It' if new == 1 else 'They'} can be asked about now." if new else ""
    return (
        f'<div class="t-report" role="status"><p><strong>{esc(said or "Nothing to do")}.</strong>{ready}</p>'
        f"<ul>{items}</ul></div>"
    )


def mode(settings: Settings) -> str:
    """Return how answers are made here, in words for the page."""
    described = describe(settings)
    if "problem" in described:
        return f"Verbatim sentences of the sources. The language model cannot be used: {described['problem']} {described['what_to_do']}".rstrip(
            "."
        )
    if described["mode"] == "model":
        return f"Written by {described['provider']}:{described['name']}; each sentence is checked against the sources"
    return "Verbatim sentences of the sources, without a language model"


def modes(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return how answers can be made here, as (words, value), the usual one first."""
    described = describe(settings)
    without = "Verbatim sentences, without a language model"
    if described["mode"] != "model":
        return ((without, ""),)
    return ((f"{described['provider']}:{described['name']}, each sentence checked", ""), (without, "extractive"))


def about(sources: Sequence[SourceInfo], settings: Settings) -> str:
    """Return what this installation is: mode, store, model, counts."""
    described = describe(settings)
    asks = described["mode"] == "model" and not described["local"]
    private = (
        f"Questions and the passages for them go to {described['provider']}; nothing else leaves this machine"
        if asks
        else "Nothing leaves this machine"
    )
    usable = [source for source in sources if source.chunks]
    dates = sorted(s.metadata.published for s in usable if s.metadata.published)
    rows = {
        "Answers": mode(settings),
        "Embedding model": settings.embedding_model or "all-MiniLM-L6-v2, bundled",
        "Store": Path(settings.store).resolve().name,
        "Collection": settings.collection,
        "Documents": f"{len(usable):,}",
        "Chunks": f"{sum(s.chunks for s in usable):,}",
        "Publishers": f"{len({s.metadata.publisher for s in usable if s.metadata.publisher}):,}",
        "Published": f"{day(dates[0])} to {day(dates[-1])}" if dates else "no dated document",
        "Failed files": f"{sum(1 for s in sources if s.error):,}",
    }
    cells = "".join(f"<dt>{esc(key)}</dt><dd>{esc(value)}</dd>" for key, value in rows.items())
    return (
        f'<div class="t-about"><h2>About this base</h2><dl>{cells}</dl><p class="t-dim">Each sentence of an answer points '
        "at a verbatim span of a source. What the base does not hold is said so, and what lies nearby is listed. "
        f"{private}: no telemetry, no outside fonts or scripts.</p></div>"
    )
