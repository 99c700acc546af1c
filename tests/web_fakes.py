"""Scripted stand-ins for the assistant and ingest: real records and real offsets, no store and no model."""

from __future__ import annotations

import re
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.models import Answer, Citation, Claim, Retrieved
from assistant.service import Service
from assistant.understood import Understood
from assistant.web.ports import Event, Progress
from ingest import overrides
from ingest.amending import Amended, checked, differing
from ingest.progress import Failed, IngestReport, Taken
from ingest.progress import Progress as Moment
from vectorstore.errors import NotFound, ReadError
from vectorstore.records import Document, Metadata, Page, SourceInfo, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import StoredVersion

if TYPE_CHECKING:
    from assistant.web.server import Handle

HOSTILE_TITLE = '<img src=x onerror="window.hacked=1"> ![x](http://evil.test/a.png) ${alert(1)} {{constructor}}'
HOSTILE_TEXT = (
    "Hostile harbour terms: <script>window.hacked=2</script> and <img src=x onerror='window.hacked=3'> with "
    "![pixel](http://evil.test/p.png) and [click](javascript:window.hacked=4) and ${window.hacked=5} and {{this}}."
)
NOTE_TEXT = (
    "Small caps trade at a discount\n\n"
    + "Background on how the gap came about over the years. " * 14
    + "\nThe gap to large caps stood at 26 percent in March 2024. "
    + "Lower rates would help firms that carry floating debt. " * 14
    + "\nReshoring adds orders for regional suppliers."
)
PDF_PAGES = (
    "Harbor Tools annual report. Cover page.",
    "Revenue of Harbor Tools rose to 412 million dollars in fiscal 2023. Margins held.",
)


def make_document(
    path: str, text: str, *, metadata: Metadata, media_type: str = "text/markdown", pages: tuple[Page, ...] = ()
) -> Document:
    return Document(
        document_id=document_id("default", path),
        version=sha256(text.encode()),
        path=path,
        collection="default",
        text=text,
        metadata=metadata,
        media_type=media_type,
        pages=pages,
    )


def sample_documents() -> tuple[Document, ...]:
    first = PDF_PAGES[0] + "\n"
    return (
        make_document(
            "notes/discount.md",
            NOTE_TEXT,
            metadata=Metadata(
                title="Valuation gap",
                publisher="Sample notes",
                published="2024-03-20",
                kind="note",
                authors=("A. Writer",),
            ),
        ),
        make_document(
            "filings/harbor.pdf",
            first + PDF_PAGES[1],
            metadata=Metadata(
                title="Harbor Tools 10-K",
                publisher="SEC",
                published="2024-02-28",
                kind="filing",
                company="Harbor Tools Inc.",
                ticker="HRBR",
                form="10-K",
                fiscal_period="FY2023",
            ),
            media_type="application/pdf",
            pages=(Page(1, 0, len(first)), Page(2, len(first), len(first) + len(PDF_PAGES[1]))),
        ),
        make_document(
            "web/hostile.html",
            HOSTILE_TEXT,
            metadata=Metadata(
                title=HOSTILE_TITLE, publisher="<b>Evil</b> & Co", published="2024-01-05", kind="article"
            ),
        ),
    )


def png(width: int = 300, height: int = 390, rgb: tuple[int, int, int] = (250, 235, 180)) -> bytes:
    """Return a plain PNG picture."""

    def part(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    rows = (b"\0" + bytes(rgb) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def _sentences(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\s.][^.\n]*(?:\.(?!\s|$)[^.\n]*)*\.?", text)]


@dataclass
class FakeAssistant:
    """Answers with the sentence that shares most words with the question; records what it was asked."""

    documents: dict[str, Document] = field(default_factory=lambda: {d.document_id: d for d in sample_documents()})
    asked: list[dict[str, object]] = field(default_factory=list)
    hold: threading.Event | None = None
    failures: list[Exception] = field(default_factory=list)

    def stream(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: Sequence[Mapping[str, str]] = (),
        model: str | None = None,
    ) -> Iterator[Event]:
        self.asked.append({"question": question, "as_of": as_of, "filters": filters, "history": list(history)})
        if self.failures:
            raise self.failures.pop()
        yield {"type": "status", "text": "Searching"}
        answer = self.answer(question, as_of=as_of, filters=filters)
        for claim in answer.claims:
            yield {"type": "sentence", "text": claim.text}
        if self.hold is not None:
            self.hold.wait(20)
        yield {"type": "answer", "answer": answer}

    def answer(self, question: str, *, as_of: str | None = None, filters: Mapping[str, Any] | None = None) -> Answer:
        words = {w for w in re.findall(r"[a-z0-9]+", question.lower()) if len(w) > 3}
        scored = []
        for document in self.documents.values():
            if filters and filters.get("publisher") and document.metadata.publisher not in filters["publisher"]:
                continue
            for start, end in _sentences(document.text):
                score = len(words & set(re.findall(r"[a-z0-9]+", document.text[start:end].lower())))
                scored.append((score, document, start, end))
        scored.sort(key=lambda item: -item[0])
        passages, seen = [], set()
        for score, document, start, end in scored:
            if document.text[start:end] not in seen and len(passages) < 4:
                seen.add(document.text[start:end])
                passages.append(_retrieved(document, start, end, score))
        best = [item for item in scored[:1] if item[0] >= 2]
        if not best:
            return Answer(
                answer_id=self._id(), question=question, standalone_question=question, status="insufficient_evidence",
                text="Nothing in the base speaks of this.", passages=tuple(passages), as_of=as_of,
            )  # fmt: skip
        score, document, start, end = best[0]
        quote = document.text[start:end]
        text = f"- {quote} [S1]"
        return Answer(
            answer_id=self._id(),
            question=question,
            standalone_question=question,
            status="answered",
            text=text,
            claims=(Claim(text=quote, start=2, end=2 + len(quote), markers=("S1",), verdict="supported", score=1.0),),
            citations=(citation(document, start, end),),
            passages=tuple(passages),
            as_of=as_of,
            warnings=("1 undated document was left out.",) if as_of else (),
        )

    def _id(self) -> str:
        return f"answer-{len(self.asked)}"

    def ready(self) -> None:
        """Be ready always."""

    def document(self, document_id: str, version: str | None = None) -> Document:
        found = self.documents.get(document_id)
        if found is None or version not in (None, found.version):
            raise NotFound(f"There is no document {document_id!r}.", "`thesis sources` lists them.")
        return found

    def read(self, question: str, **named: Any) -> Understood:
        return Understood(standalone_question=question)

    def info(self, document_id: str) -> SourceInfo | None:
        return next((s for s in self.sources() if s.document_id == document_id), None)

    def sources(self) -> list[SourceInfo]:
        return [
            SourceInfo(
                document_id=d.document_id, version=d.version, path=d.path, collection=d.collection, metadata=d.metadata,
                media_type=d.media_type, state="indexed", pages=len(d.pages), characters=len(d.text), chunks=3,
                ingested_at="2024-05-01T00:00:00Z",
            )
            for d in self.documents.values()
        ]  # fmt: skip


def citation(document: Document, start: int, end: int, marker: str = "S1") -> Citation:
    meta = document.metadata
    return Citation(
        marker=marker, chunk_id=f"chunk-{document.document_id}-{start}", document_id=document.document_id,
        version=document.version, title=meta.title, publisher=meta.publisher, published=meta.published, kind=meta.kind,
        path=document.path, url=f"/document/{document.document_id}?version={document.version}&start={start}&end={end}",
        page=document.page_at(start), start=start, end=end, quote=document.text[start:end],
    )  # fmt: skip


def _retrieved(document: Document, start: int, end: int, score: float) -> Retrieved:
    meta = document.metadata
    return Retrieved(
        chunk_id=f"chunk-{document.document_id}-{start}", document_id=document.document_id, version=document.version,
        title=meta.title, publisher=meta.publisher, published=meta.published, kind=meta.kind, path=document.path,
        page=document.page_at(start), start=start, end=end, text=document.text[start:end], score=score, given=True,
    )  # fmt: skip


@dataclass
class FakeIngestor:
    """Takes text files in; an empty one fails alone."""

    assistant: FakeAssistant
    busy: bool = False
    pictures: list[tuple[object, ...]] = field(default_factory=list)

    def ingest_uploads(
        self,
        files: Sequence[tuple[str, str | Path]],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        progress: Progress | None = None,
    ) -> IngestReport:
        report = IngestReport()
        for done, (name, file) in enumerate(files):
            if progress is not None:
                progress(Moment(done, len(files), current=name))
            path = f"upload:/{name}"
            text = Path(file).read_text(encoding="utf-8")
            if not text.strip():
                error = ReadError("The file is empty.", "Give a file with text.")
                report = replace(report, failed=(*report.failed, Failed(path, str(error))))
                report = replace(report, files=(*report.files, Taken(path, "", "failed", text=str(error))))
                continue
            document = make_document(
                path, text, metadata=Metadata(title=text.split("\n")[0], publisher="Uploads", kind="note")
            )
            old = self.assistant.documents.get(document.document_id)
            self.assistant.documents[document.document_id] = document
            outcome = "added" if old is None else "unchanged" if old.version == document.version else "updated"
            taken = Taken(path, document.document_id, outcome, chunks=3)  # type: ignore[arg-type]
            report = replace(report, files=(*report.files, taken), **{outcome: getattr(report, outcome) + 1})  # type: ignore[arg-type]
        return report

    @property
    def store(self) -> FakeIngestor:
        return self

    def versions(self, document_id: str) -> list[StoredVersion]:
        return [StoredVersion(self.assistant.document(document_id).version, "2024-05-01T00:00:00Z", None, None)]

    def readable_again(self, info: SourceInfo) -> str:
        return "" if info.path.startswith("notes/") else "There is nothing to read again. Upload it."

    def amendable(self, fields: Mapping[str, str | None]) -> dict[str, str | None]:
        return checked(fields)

    def amend(self, document_id: str, fields: Mapping[str, str | None], *, embed: bool = True) -> Amended:
        old = self.assistant.document(document_id)
        given = {name: value for name, value in fields.items() if value is not None}
        new = replace(old, metadata=overrides.apply(old.metadata, given))
        self.assistant.documents[document_id] = new
        return Amended(document_id, differing(old.metadata, new.metadata))

    def reingest(self, document_id: str, progress: Progress | None = None) -> IngestReport:
        document = self.assistant.document(document_id)
        if progress is not None:
            progress(Moment(0, 1, current=document.path))
        return IngestReport(unchanged=1, files=(Taken(document.path, document_id, "unchanged", chunks=3),))

    def remove(self, names: Sequence[str]) -> int:
        return sum(self.assistant.documents.pop(name, None) is not None for name in names)

    def page_picture(
        self, document_id: str, version: str | None, page: int, spans: Sequence[tuple[int, int]]
    ) -> bytes | None:
        self.pictures.append((document_id, version, page, tuple(spans)))
        document = self.assistant.document(document_id, version)
        if document.media_type != "application/pdf" or not 1 <= page <= len(document.pages):
            return None
        return png()


def service_of(assistant: Any, settings: Settings | None = None, ingestor: Any = None, **named: Any) -> Service:
    """Return a Service over stand-ins; ``named``: its records, rules and gates."""
    return Service(assistant, ingestor or FakeIngestor(assistant), settings or Settings(), **named)


def serve_fakes(assistant: Any, ingestor: Any, settings: Settings, **named: Any) -> Handle:
    """Serve the page over stand-ins; ``named`` as ``assistant.web.server.serve``."""
    from assistant.web.server import serve

    return serve(service_of(assistant, settings, ingestor), settings, **named)
