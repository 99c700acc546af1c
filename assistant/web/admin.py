"""What an administrator sees of the server: its health, storage, model and usage."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from assistant.access import User
from assistant.agent.providers import describe
from assistant.service import Service
from assistant.web import base
from assistant.web.api.counters import Counters, Figures
from assistant.web.api.health import allowed_here
from assistant.web.documents_list import SHORT, State, status
from assistant.web.documents_routes import fragment
from assistant.web.text import esc
from vectorstore.database import Shared, shared_bytes, shared_of
from vectorstore.errors import StoreError, ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
LOW_DISK = 2_000_000_000  # bytes: below it a large upload or a rebuild may fail
# How the files in the folder of a store begin (the parts of a shared base: up to the dot), and what they hold; what is none of
# these is "Other".
_PARTS = {
    "ledger.": "Documents and their texts", "keyword.": "Index of words", "chroma": "Index of vectors",
    "originals": "Kept PDF files", "records.": "Questions, answers and the audit", "board.": "The board and the claim ledger",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overview:
    """``parts``: bytes on disk by what they are; ``free``: bytes left there (None: not known); ``states``: documents by state.

    ``problem``: why questions cannot be answered now, "" where they can.
    """

    settings: Settings
    problem: str
    place: str
    parts: Mapping[str, int]
    free: int | None
    documents: int
    chunks: int
    states: Mapping[State, int]
    ingesting: bool
    keeps: bool
    figures: Figures


def overview(service: Service, user: User, counters: Counters) -> Overview:
    """Return the state of the server now. Raises Forbidden."""
    service.need(user, "metrics")
    root, shared = Path(service.settings.store), shared_of(service.settings)
    problem, place = "", str(root.resolve())
    parts = _sizes(root)
    try:
        service.ready()
    except ThesisError as error:
        problem = str(error)
    if shared is not None:
        place = f"{shared.shown}, schemas {shared.schema}*; this server's copy of the words: {place}"
        parts += _shared_sizes(shared)
    try:
        free: int | None = shutil.disk_usage(root).free
    except OSError:
        free = None
    documents, chunks = service.size()
    ingesting = service.ingesting
    states = Counter(status(one, ingesting=ingesting).state for one in service.sources(user))
    return Overview(
        settings=service.settings, problem=problem, place=place, parts=dict(parts), free=free,
        documents=documents, chunks=chunks, states=states, ingesting=ingesting, keeps=service.keeps,
        figures=counters.figures(),
    )  # fmt: skip


def _sizes(root: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in root.rglob("*"):
        first = path.relative_to(root).parts[0]
        label = next((label for start, label in _PARTS.items() if first.startswith(start)), "Other")
        try:
            if path.is_file():
                found[label] += path.stat().st_size
        except OSError:
            continue  # gone since it was listed
    return found


def _shared_sizes(shared: Shared) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        for name, count in shared_bytes(shared).items():
            found[_PARTS.get(f"{name or 'ledger'}.", "Other")] += count
    except StoreError as error:  # that questions cannot be answered is told above
        log.warning("the size of the base is not known: %s", error)
    return found


def size(count: int) -> str:
    """Return a number of bytes in words: "3.2 MB"."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= one:
            return f"{count / one:,.1f} {unit}" if count < 100 * one else f"{count / one:,.0f} {unit}"
    return f"{count} bytes"


def _lasting(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min" if minutes else "less than a minute"


def health(found: Overview) -> list[tuple[bool, str]]:
    """Return what is well and what is not, with what to do, as (well, sentence)."""
    able = (
        "Questions can be answered."
        if found.documents
        else "The base is empty: nothing can be answered until it has documents."
    )
    told: list[tuple[bool, str]] = [(not found.problem and bool(found.documents), found.problem or able)]
    described = describe(found.settings)
    if "problem" in described:
        told.append((False, f"The language model: {described['problem']} {described['what_to_do']}".strip()))
    failed, waiting = found.states.get("failed", 0), found.states.get("words", 0)
    if failed:
        told.append(
            (False, f"{failed:,} of the documents could not be read: the list says why (filter “{SHORT['failed']}”).")
        )
    if found.states.get("reading", 0) and not found.ingesting:
        told.append(
            (False, f"{found.states['reading']:,} documents were not come to by an ingest that ended: run it again.")
        )
    if waiting:
        told.append((True, f"{waiting:,} documents answer by their words until their vectors are made."))
    if found.ingesting:
        told.append((True, "Documents are being read in."))
    if found.free is not None and found.free < LOW_DISK:
        told.append((False, f"Only {size(found.free)} are free on the disk of the base: make room."))
    if not found.keeps:
        told.append((True, "Questions and answers are not recorded (setting records)."))
    faults = found.figures.faults
    if faults:
        told.append((False, f"{faults:,} requests ended with a fault of the server: its log names them."))
    return told


def overview_html(found: Overview) -> str:
    """Return the whole of it, for the sheet."""
    settings, figures = found.settings, found.figures
    told = "".join(
        f'<li class="{"t-good" if well else "t-bad"}">{"" if well else "<strong>To mend:</strong> "}{esc(text)}</li>'
        for well, text in health(found)
    )
    total = sum(found.parts.values())
    storage = [
        ("Base", f"<code>{esc(found.place)}</code>"),
        ("Documents", f"{found.documents:,} that can be cited, {found.chunks:,} chunks"),
        *((label, size(count)) for label, count in sorted(found.parts.items(), key=lambda one: -one[1])),
        ("In all", size(total)),
        ("Free on this disk", "not known" if found.free is None else size(found.free)),
    ]
    sources = ", ".join(settings.sources) or "none"
    model = [
        ("Answers", esc(base.mode(settings))),
        ("Embedding model", esc(settings.embedding_model or "all-MiniLM-L6-v2, bundled")),
        ("Sources of live figures", esc(sources)),
        ("Sign-in", esc("nobody signs in" if settings.auth == "open" else settings.auth)),
    ]
    return (
        '<article class="t-detail"><header><h2 id="document-title" tabindex="-1">Administration</h2>'
        '<button type="button" class="t-icon" data-close aria-label="Close">✕</button></header>'
        f'<p class="t-said" role="status" aria-live="polite"></p><section><h3>Health</h3><ul class="t-docs-plain t-health">{told}</ul></section>'
        f"{_facts('Storage', storage)}{_facts('Model and mode', model)}{_facts('Usage since the server began', _usage(figures))}"
        '<div class="t-actions"><button type="button" class="t-action" data-admin>Look again</button>'
        '<span class="t-dim">Prometheus reads them at <code>/metrics</code>.</span></div></article>'
    )


def _usage(figures: Figures) -> list[tuple[str, str]]:
    rows = [("Running for", _lasting(figures.seconds))]
    answers = sum(figures.questions.values())
    said = ", ".join(f"{count:,} {esc(name.replace('_', ' '))}" for name, count in sorted(figures.questions.items()))
    rows.append(("Questions", f"{answers:,}{f' ({said})' if said else ''}"))
    if figures.channels:
        rows.append(
            ("Asked by", ", ".join(f"{esc(name)} {count:,}" for name, count in sorted(figures.channels.items())))
        )
    if answers:
        rows.append(("An answer takes", f"{figures.answer_seconds / answers:.1f} s on average"))
    rows.append(("Answers being made", f"{figures.in_flight:,}"))
    rows.append(("Requests", f"{figures.requests:,}"))
    refused = ", ".join(f"{esc(name)} {count:,}" for name, count in sorted(figures.rejected.items()))
    rows.append(("Refused by a limit", refused or "none"))
    if figures.memory:
        rows.append(("Memory", size(figures.memory)))
    return rows


def _facts(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    inner = "".join(f"<dt>{esc(label)}</dt><dd>{value}</dd>" for label, value in rows)
    return f'<section><h3>{heading}</h3><dl class="t-facts">{inner}</dl></section>'


def add(app: FastAPI, service: Service, counters: Counters) -> None:
    """Add the route: for administrators, and where nobody signs in for this machine only, as /metrics."""

    @app.get("/documents/administration")
    def administration(request: Request) -> HTMLResponse:
        def make(user: User) -> str:
            service.need(user, "metrics")
            allowed_here(request, user)
            return overview_html(overview(service, user, counters))

        return fragment(request, make)
