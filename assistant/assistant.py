"""The one face: CLI, web chat, HTTP API and evaluation all ask through ``Assistant``."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant import about, evidence, extractive
from assistant.compose import Span, Writer, label, retrieved
from assistant.models import Answer, Failure, Status
from assistant.question import Question, aliases, part, understand
from assistant.retrieval import Retrieval, filters_json, retrieve, retrieve_sides, weights
from vectorstore.embedding import make_embedder
from vectorstore.errors import SettingsError, StoreEmpty, ThesisError
from vectorstore.records import Document, Filters, Passage, SourceInfo
from vectorstore.settings import Settings, load_settings
from vectorstore.store import Store

FILTER_NAMES = ("kind", "publisher", "company", "ticker", "form", "collection", "since", "until")
GIVEN = 16  # passages whose sentences are read
History = Sequence[Mapping[str, str]]


def parse_date(name: str, text: str) -> str:
    """Return an ISO date; SettingsError names what is wrong."""
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise SettingsError(
            f"{name} = {text!r} is not a date.", "Write it as YYYY-MM-DD, for example 2025-06-30."
        ) from None


def make_filters(given: Mapping[str, Any] | None, as_of: str | None) -> Filters:
    """Return Filters from a mapping of DESIGN's filter names; a value is a text or a list of texts.

    Raises SettingsError for an unknown name or a date that is none.
    """
    values: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name not in FILTER_NAMES:
            raise SettingsError(f"There is no filter {name!r}.", f"Filters are: {', '.join(FILTER_NAMES)}.")
        if value is None or value in ("", [], ()):
            continue
        if name in {"since", "until"}:
            values[name] = parse_date(name, str(value))
        else:
            values[name] = (value,) if isinstance(value, str) else tuple(str(v) for v in value)
    if as_of:
        values["as_of"] = parse_date("as_of", as_of)
    return Filters(**values)


class Assistant:
    """Answers over one store. Safe for use from several threads; close it (or use ``with``) to free the store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._encode = _Cached(store)

    @classmethod
    def open(cls, store: str | Path, *, settings: Settings | None = None) -> Assistant:
        """Open the store folder. Raises StoreLocked, FingerprintMismatch, StoreError."""
        settings = settings or load_settings()
        return cls(Store.open(Path(store), embedder=make_embedder(settings)), settings)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # what is in the base

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return one version of a document (the current one by default). Raises NotFound."""
        return self.store.document(document_id, version)

    def sources(self) -> list[SourceInfo]:
        """Return what is in the base, without the texts."""
        return self.store.sources()

    def search(
        self, query: str, *, k: int = 10, as_of: str | None = None, filters: Mapping[str, Any] | None = None
    ) -> list[Passage]:
        """Return up to ``k`` passages by the same understanding, filters and ranking as ``ask``; never refuses."""
        self._need_documents()
        wanted = make_filters(filters, as_of)
        return list(retrieve(self.store, understand(query, self.store.sources()), wanted, k=k).passages)

    # answers

    def ask(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: History = (),
        model: str | None = None,
    ) -> Answer:
        """Return the Answer. What goes wrong is an Answer with status "error", never an exception."""
        answer: Answer | None = None
        for event in self.stream(question, as_of=as_of, filters=filters, history=history, model=model):
            if event["type"] == "answer":
                answer = event["answer"]
        assert answer is not None
        return answer

    def stream(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: History = (),
        model: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield {"type": "status", "text"}, {"type": "sentence", "text"} (checked ones only), last {"type": "answer", "answer"}."""
        started = time.perf_counter()
        base: dict[str, Any] = {
            "answer_id": uuid.uuid4().hex,
            "question": question,
            "standalone_question": " ".join(question.split()),
            "model": None,
            "as_of": as_of or None,
        }
        try:
            wanted = make_filters(filters, as_of)
            base |= {"as_of": wanted.as_of, "filters": filters_json(wanted)}
            if model:
                raise SettingsError(
                    f"No language model {model!r} can be used yet.", "Leave the model out: the extractive mode answers."
                )
            if not question.strip():
                raise SettingsError("The question is empty.", "Ask something.")
            if len(question) > 4000:
                raise SettingsError(
                    f"The question has {len(question)} characters.", "Ask in 4,000 characters or fewer."
                )
            self._need_documents()
            base |= {
                "embedding_fingerprint": self.store.embedding_fingerprint,
                "index_fingerprint": self.store.index_fingerprint,
            }
            yield {"type": "status", "text": "Searching the base"}
            answer = self._extractive(base, wanted, started)
        except ThesisError as error:
            failure = Failure(kind=error.kind, message=error.message, what_to_do=error.what_to_do)
            answer = Answer(**base, status="error", text="", error=failure, timings_ms={"total": _since(started)})
        for claim in answer.claims:
            yield {"type": "sentence", "text": claim.text}
        yield {"type": "answer", "answer": answer}

    def _need_documents(self) -> None:
        if self.store.is_empty():
            raise StoreEmpty(
                f"The base {self.store.root} holds no documents.", "Add some with: thesis ingest PATH_OR_URL"
            )

    def _extractive(self, base: dict[str, Any], wanted: Filters, started: float) -> Answer:
        sources = [s for s in self.store.sources() if s.version]
        question = understand(base["standalone_question"], sources)
        warnings: list[str] = []
        if wanted.as_of:
            undated = self.store.undated(wanted)
            if undated:
                warnings.append(
                    f"{undated} document{'s' * (undated != 1)} without a date left out under as-of {wanted.as_of}."
                )
            sources = [s for s in sources if s.metadata.published and s.metadata.published <= wanted.as_of]
        writer = Writer()
        timings: dict[str, float] = {}
        found: dict[str, Passage] = {}
        given: set[str] = set()
        answered = parts = 0
        refusals: list[tuple[Question, extractive.Selection, Retrieval]] = []

        if question.metadata:
            parts += 1
            answered += self._from_metadata(question, about.targets(question, sources), writer)
            note = None if answered else about.underlying(question, sources)
            if note is not None and set(question.metadata) & {"published", "publisher"}:
                answered += self._from_metadata(replace(question, metadata=("after",)), [note], writer)
            elif note is not None:
                wanted = replace(wanted, document_id=(note.document_id,))
        elif question.role and question.names:
            parts += 1
            answered += self._role(question, sources, writer)
        pieces = question.parts if len(question.parts) > 1 and not answered else (question.text,)
        if not answered:
            parts = 0
            for text in pieces:
                parts += 1
                piece = question if len(pieces) == 1 else part(question, text, sources)
                sides = named_sides(piece)
                if sides:
                    answered += self._each_side(sides, wanted, writer, found, given)
                    continue
                if piece.metadata:
                    piece = about.as_fact(piece)
                t0 = time.perf_counter()
                find = retrieve_sides if piece.intent == "for_against" else retrieve
                scope = replace(wanted, roles=()) if piece.furniture else wanted
                retrieval = find(self.store, piece, scope)
                timings["retrieve"] = timings.get("retrieve", 0.0) + _since(t0)
                t0 = time.perf_counter()
                selection = self._select(piece, retrieval)
                timings["select"] = timings.get("select", 0.0) + _since(t0)
                warnings += [w for w in retrieval.warnings if w not in warnings]
                for passage in retrieval.passages:
                    found.setdefault(passage.chunk.chunk_id, passage)
                given.update(p.chunk.chunk_id for p in retrieval.passages[:GIVEN])
                if not selection.answered and question.metadata:
                    answered += self._from_metadata(question, self._holding(piece, retrieval, sources), writer)
                elif selection.answered:
                    answered += 1
                    self._write(selection, writer)
                else:
                    refusals.append((piece, selection, retrieval))
        supported = any(c.verdict == "supported" for c in writer.claims)
        if not answered or not supported:
            text = refusal(refusals, list(found.values()), wanted)
            writer = Writer()
            writer.write(text)
            status: Status = "insufficient_evidence"
        elif answered < parts:
            status = "partial"
            for piece, selection, _ in refusals:
                writer.write("\n\n" + shortfall(piece, selection))
        else:
            status = "answered"
        timings["total"] = _since(started)
        return Answer(
            **(base | {"filters": base["filters"] | understood(question)}),
            status=status,
            text=writer.text,
            claims=tuple(writer.claims),
            citations=tuple(writer.citations),
            passages=tuple(retrieved(p, given=cid in given) for cid, p in found.items()),
            timings_ms=timings,
            warnings=tuple(warnings),
        )

    def _each_side(
        self,
        sides: Sequence[tuple[str, Question]],
        wanted: Filters,
        writer: Writer,
        found: dict[str, Passage],
        given: set[str],
    ) -> bool:
        """Answer for each firm that a question names, under its name; one without an answer is said to have none."""
        chosen = []
        for name, piece in sides:
            retrieval = retrieve(self.store, piece, wanted)
            for passage in retrieval.passages:
                found.setdefault(passage.chunk.chunk_id, passage)
            given.update(p.chunk.chunk_id for p in retrieval.passages[:GIVEN])
            selection = self._select(piece, retrieval)
            chosen.append(extractive.Group(tuple(s for g in selection.groups for s in g.sentences), name))
        answered = any(group.sentences for group in chosen)
        if answered:
            self._write(extractive.Selection(tuple(chosen)), writer)
        return answered

    def _from_metadata(self, question: Question, targets: Sequence[SourceInfo], writer: Writer) -> bool:
        documents = [self._document(s.document_id, s.version) for s in targets]
        chunk_at = {d.document_id: _chunk_holding(self.store, d, question) for d in documents}
        return bool(documents and about.answer(question, documents, writer, chunk_at))

    def _role(self, question: Question, sources: Sequence[SourceInfo], writer: Writer) -> bool:
        """Answer what somebody is from a byline or a signature, in the documents whose text has the name."""
        hits = self.store.search_keyword(" ".join(question.names), k=20, filters=Filters(roles=()))
        known = {s.document_id: s.version for s in sources}
        order = [i for i in dict.fromkeys(p.chunk.document_id for p in hits) if i in known]
        found = about.role_block(question, [self._document(i, known[i]) for i in order])
        if found is None:
            return False
        document, start, end = found
        chunk = next((c for c in self.store.chunks(document.document_id) if c.start <= start < c.end), None)
        span = Span(document, start, end, chunk.chunk_id if chunk else "")
        writer.claim(document.text[start:end], [span], reason="verbatim")
        return True

    def _holding(self, piece: Question, retrieval: Retrieval, sources: Sequence[SourceInfo]) -> list[SourceInfo]:
        """Return the document that says what a metadata question describes instead of naming it."""
        ranked = self._rank(replace(piece, expected=""), retrieval)
        best = next((s for s in ranked if extractive.answers(s, piece)), None)
        return [s for s in sources if best is not None and s.document_id == best.passage.chunk.document_id]

    def _select(self, question: Question, retrieval: Retrieval) -> extractive.Selection:
        ranked = self._rank(question, retrieval)
        documents = {s.passage.chunk.document_id: self._of(s.passage) for s in ranked}
        return extractive.select(question, ranked, documents, weights(self.store, question.units), self._encode)

    def _rank(self, question: Question, retrieval: Retrieval) -> list[evidence.Sentence]:
        passages = retrieval.passages[: 2 * GIVEN if question.intent == "for_against" else GIVEN]
        documents = {p.chunk.document_id: self._of(p) for p in passages}
        weight = weights(self.store, question.units)
        return evidence.score(question, passages, documents, weight, self._encode)

    def _of(self, passage: Passage) -> Document:
        return self._document(passage.chunk.document_id, passage.chunk.version)

    def _write(self, selection: extractive.Selection, writer: Writer) -> None:
        for group in selection.groups:
            # What another part of the question has brought already stands there.
            fresh = [s for s in group.sentences if not writer.cites(s.passage.chunk.document_id, s.start, s.end)]
            if not fresh and not (group.heading and not group.sentences):
                continue
            if writer.length:
                writer.write("\n\n")
            if group.heading:
                writer.write(f"**{group.heading}**\n\n")
                if not group.sentences:
                    writer.write("Nothing found in the base on this side.")
            previous = None
            for sentence in fresh:
                document = self._of(sentence.passage)
                if previous is not None:
                    same = previous.passage.chunk.document_id == document.document_id
                    if sentence.item or previous.item or group.heading:
                        writer.write("\n" if sentence.item and previous.item else "\n\n")
                    else:
                        writer.write(" " if same else "\n\n")
                if sentence.item or group.heading:
                    writer.write("- ")
                writer.claim(sentence.text, [self._span(document, sentence)], reason="verbatim")
                previous = sentence

    def _span(self, document: Document, sentence: evidence.Sentence) -> Span:
        """Return the span of a sentence with the chunk that it stands in: what leads in may stand in the one before."""
        chunk = sentence.passage.chunk
        if not chunk.start <= sentence.start < chunk.end:
            held = self.store.chunks(document.document_id)
            chunk = next((c for c in held if c.start <= sentence.start < c.end), chunk)
        return Span(document, sentence.start, sentence.end, chunk.chunk_id)

    @lru_cache(maxsize=256)  # noqa: B019 - an Assistant lives as long as its process
    def _document(self, document_id: str, version: str) -> Document:
        return self.store.document(document_id, version)


def named_sides(question: Question) -> list[tuple[str, Question]]:
    """Return a question a firm where it names several companies or publishers; [] where it names at most one."""
    several = len(question.companies) > 1
    firms = question.companies if several else question.publishers
    if len(firms) < 2:
        return []
    others = {form for firm in firms for form in aliases(firm)}
    own = replace(question, names=tuple(n for n in question.names if not others & set(aliases(n))))
    return [(f, replace(own, companies=(f,)) if several else replace(own, publishers=(f,))) for f in firms]


def refusal(
    refusals: Sequence[tuple[Question, extractive.Selection, Retrieval]], found: Sequence[Passage], wanted: Filters
) -> str:
    """Say plainly that the base does not hold the answer, what is lacking, and what lies nearby."""
    if not found:
        bound = f" published by {wanted.as_of}" if wanted.as_of else " that passes the filters"
        return f"The base holds no passage{bound}, so there is nothing to answer from."
    lines = [shortfall(question, selection) for question, selection, _ in refusals] or [
        "The base does not hold the answer."
    ]
    near: dict[str, str] = {}
    for passage in found[:6]:
        title = passage.metadata.title or passage.path.rsplit("/", 1)[-1]
        near.setdefault(passage.chunk.document_id, f"“{title}” ({label(passage.metadata, passage.path)})")
    lines.append("Nearby, but not an answer: " + "; ".join(list(near.values())[:3]) + ".")
    return "\n\n".join(lines)


def shortfall(question: Question, selection: extractive.Selection) -> str:
    """Say why one part of a question has no answer."""
    if question.live:
        return "The base does not hold the answer: a live figure is asked for, and documents hold only what was so on their dates."
    if selection.missing:
        listed = ", ".join(f"“{word}”" for word in selection.missing[:4])
        return f"The base does not hold the answer: no passage that is about the question speaks of {listed}."
    return "The base does not hold the answer: passages nearby touch on it, and none states it."


def understood(question: Question) -> dict[str, Any]:
    """Return what the question itself narrowed the search to, for the Answer's ``filters``."""
    out: dict[str, Any] = {}
    if question.companies:
        out["company"] = list(question.companies)
    elif question.publishers:
        out["publisher"] = list(question.publishers)
    return out


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _chunk_holding(store: Store, document: Document, question: Question) -> str:
    """Return the id of the chunk with the first metadata span that the answer cites."""
    chunks = store.chunks(document.document_id)
    for name in question.metadata:
        origin = document.metadata.origin(name)
        if origin is not None and origin.start is not None:
            for chunk in chunks:
                if chunk.start <= origin.start < chunk.end:
                    return chunk.chunk_id
    return chunks[0].chunk_id if chunks else ""


class _Cached:
    """Encodes texts, remembering the last few thousand: the same sentences come up in each selection step."""

    def __init__(self, store: Store, size: int = 4000) -> None:
        self._store = store
        self._size = size
        self._held: dict[str, Any] = {}

    def __call__(self, texts: Sequence[str]) -> Any:
        import numpy as np

        new = [t for t in dict.fromkeys(texts) if t not in self._held]
        fresh = dict(zip(new, self._store.embedder.encode(new), strict=True)) if new else {}
        rows = [fresh[t] if t in fresh else self._held[t] for t in texts]
        if len(self._held) + len(fresh) > self._size:
            self._held = {}
        self._held |= fresh
        return np.asarray(rows)


__all__ = ["Assistant", "make_filters", "parse_date"]
