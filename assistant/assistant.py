"""The one face: CLI, web chat, HTTP API and evaluation all ask through ``Assistant``."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import also_known
from assistant.agent import Agent, Found, LiveTool, parse, require
from assistant.common import Common
from assistant.comparison import search
from assistant.compose import retrieved
from assistant.constraints import bounded, constraints
from assistant.extractive import ENOUGH
from assistant.filters import make_filters, parse_date
from assistant.followup import standalone
from assistant.freshness import stale
from assistant.from_board import from_board
from assistant.live import BESIDE, Live, Metrics, Then, aside, beside, today
from assistant.models import Answer, Failure, ToolResult
from assistant.question import Question
from assistant.reply import Reply, named_sides
from assistant.retrieval import ALL, Parts, filters_json, narrow
from assistant.routing import ToolCall, encoder, route
from assistant.scope import replaced
from assistant.understood import Understood, check, narrowing, question_text, understood
from vectorstore.embedding import make_embedder
from vectorstore.errors import StoreEmpty, ThesisError, unknown
from vectorstore.records import Document, Filters, Passage, SourceInfo
from vectorstore.server import server_of
from vectorstore.settings import Settings, load_settings
from vectorstore.shared import shared_of
from vectorstore.store import Store
from vectorstore.view import Base

if TYPE_CHECKING:
    from assistant.catalysts.face import Catalysts

log = logging.getLogger(__name__)

History = Sequence[Mapping[str, str]]


class Assistant:
    """Answers over one store. Safe for use from several threads; close it (or use ``with``) to free the store."""

    def __init__(
        self,
        store: Base,
        settings: Settings,
        tools: Sequence[LiveTool] | None = None,
        *,
        whole: Assistant | None = None,
    ) -> None:
        """``tools``: the live metrics that a model may call (default: all of them); ``whole``: whose part this is."""
        self.store = store
        self.settings = settings
        self._tools, self._whole = tools, whole
        self._common: Common = Common(store, settings) if whole is None else whole._common
        self._metrics: Metrics = Metrics(settings, store, None if whole is None else whole._metrics)
        own = self._metrics.for_model if tools is None else tools
        self._agent = Agent(store, settings, self._document, self._find, own, clients=self._common.clients)

    @classmethod
    def open(cls, store: str | Path, *, settings: Settings | None = None) -> Assistant:
        """Open the store folder. Raises StoreLocked, FingerprintMismatch, StoreError."""
        settings = settings or load_settings()
        opened = Store.open(
            Path(store), server=server_of(settings), shared=shared_of(settings), embedder=make_embedder(settings)
        )
        try:
            return cls(opened, settings)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Free the store. What ``within`` returned has nothing of its own to close."""
        self.release()
        if isinstance(self.store, Store):
            self.store.close()

    def release(self) -> None:
        """Close the connections to models and the board; the store stays open."""
        if self._whole is None:
            self._common.close()

    def within(self, collections: frozenset[str]) -> Assistant:
        """Return the assistant of a reader who may see these ``collections`` only: it asks, searches, lists, reads and
        measures over them as if nothing else were in the base. Cheap: made once for each set of collections.
        """
        view = self.store.view(collections)
        whole = self._whole or self
        return self._common.narrowed(view.within, lambda: Assistant(view, self.settings, self._tools, whole=whole))

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self) -> None:
        """Return when questions can be answered: waits for the model to load. Raises StoreError where the index cannot be asked."""
        self.store.search_dense("ready", k=1)

    # what is in the base

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return one version of a document (the current one by default). Raises NotFound."""
        return self.store.document(document_id, version)

    def readable(self, document_ids: frozenset[str]) -> bool:
        """Whether all of these documents are here, or were."""
        return all(map(self.store.readable, document_ids))

    def info(self, document_id: str) -> SourceInfo | None:
        """Return what is known of a document; None for one that is not in."""
        return self.store.info(document_id)

    def sources(self) -> list[SourceInfo]:
        """Return what is in the base, without the texts."""
        return self.store.sources()

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        parts: Parts = ALL,
    ) -> list[Passage]:
        """Return up to ``k`` passages by the same understanding, filters and ranking as ``ask``; never refuses.

        ``parts``: what the ranking is made of; the benchmark takes parts away.
        """
        self._need_documents()
        return self._find(query, make_filters(filters, as_of), k, parts)

    def read(
        self,
        question: str,
        *,
        history: History = (),
        filters: Mapping[str, Any] | None = None,
        as_of: str | None = None,
    ) -> Understood:
        """Return what ``ask`` would understand by a question, by the same steps and without the search. A few milliseconds.

        Raises SettingsError for a question, filter or date that is none, StoreEmpty.
        """
        question = question_text(question)
        wanted = make_filters(filters, as_of)
        check(question)
        self._need_documents()
        alone, calls = self._heard(question, history, today())
        wanted, asked, told = self._bounded(alone, wanted, [s for s in self.store.sources() if s.version])
        notes = list(told)
        for side in [one for _, one in named_sides(asked)] or [asked]:
            notes += narrow(side, wanted, self.store)[1]
        firms = wanted.company or asked.companies
        own = self.store.sources(Filters(company=firms)) if firms else []
        return understood(asked, wanted, calls, notes, own, alone)

    def _heard(self, question: str, history: History, day: date) -> tuple[str, tuple[ToolCall, ...]]:
        """Return a question as it stands without its conversation, and the live metrics that it needs."""
        sources = self.store.sources()
        alone = standalone(question, history, sources)
        return alone, route(alone, today=day, sources=sources, encode=encoder(self.store.embedder))

    def _find(self, query: str, wanted: Filters, k: int, parts: Parts = ALL) -> list[Passage]:
        wanted, asked, _ = self._bounded(query, wanted, self.store.sources())
        old = replaced(self.store.sources(wanted))
        found = search(
            self.store, asked, wanted, k=2 * k if old else k, parts=parts, rerank=self._common.rerank
        ).passages
        return [p for p in found if p.chunk.document_id not in old][:k]

    # live metrics

    def tool(self, name: str, arguments: Mapping[str, Any], *, as_of: str | None = None) -> ToolResult:
        """Run one live metric over these documents; what goes wrong inside is a result that says so.

        Raises NotFound for a name there is not, SettingsError for a bad date or a source that does not exist.
        """
        return self._metrics.call(name, arguments, parse_date("as_of", as_of) if as_of else None)

    @property
    def catalysts(self) -> Catalysts:
        """The catalyst board over these documents (docs/board.md)."""
        from assistant.catalysts.face import Catalysts

        return Catalysts(self._common.boards, self.store, self.settings, self.tool, whole=self._whole is None)

    # answers

    def ask(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: History = (),
        model: str | None = None,
        then: Then | None = None,
    ) -> Answer:
        """Return the Answer. What goes wrong is an Answer with status "error", never an exception."""
        answer: Answer | None = None
        for event in self.stream(question, as_of=as_of, filters=filters, history=history, model=model, then=then):
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
        then: Then | None = None,
    ) -> Generator[dict[str, Any], None, None]:
        """Yield events, last {"type": "answer", "answer"}. Closing the generator ends what still runs, the model's request too.

        {"type": "status", "text"}: what is being done; {"type": "sentence", "text", "verdict"}: a checked sentence;
        {"type": "draft", "text"}: words of the model that no check has seen yet, in place of the draft before.
        ``model``: "provider:name", or "extractive" for none; default: the setting ``model``.
        ``then``: ask as on an earlier day, with what the live metrics gave at that time.
        """
        started, day = time.perf_counter(), today() if then is None else then.today
        question = question_text(question)
        base: dict[str, Any] = {
            "answer_id": uuid.uuid4().hex,
            "question": question,
            "standalone_question": " ".join(question.split()),
            "model": None,
            "as_of": as_of if isinstance(as_of, str) and as_of else None,
        }
        spec = None
        try:
            wanted = make_filters(filters, as_of)
            base |= {"as_of": wanted.as_of, "filters": filters_json(wanted)}
            spec = parse(self.settings.model if model is None else model, self.settings)
            if spec is not None:
                require(spec)
            check(question)
            self._need_documents()
            base["embedding_fingerprint"] = self.store.embedding_fingerprint
            base["index_fingerprint"] = self.store.index_fingerprint
            log.info("asked: %s", question if self.settings.log_questions else f"{len(question)} characters")
            base["standalone_question"], calls = self._heard(question, history, day)
            if (board := from_board(base["standalone_question"], wanted, day, self)) is not None:
                spec, answer = None, Answer(**base, **board, timings_ms={"total": _since(started)})
            else:
                if calls:
                    yield {"type": "status", "text": f"Calling {', '.join(c.name.replace('_', ' ') for c in calls)}"}
                live = self._metrics.consult(calls, wanted.as_of, base["standalone_question"], then)
                yield {"type": "status", "text": "Searching the base"}
                found = self._extractive(base, wanted, live, started)
                answer = found.answer
                if spec is not None:
                    answer = yield from self._agent.stream(spec, found, history)
        except ThesisError as error:
            failure = Failure(kind=error.kind, message=error.message, what_to_do=error.what_to_do)
            answer = Answer(**base, status="error", text="", error=failure, timings_ms={"total": _since(started)})
        old = stale(answer, day, self.settings.stale_after_days)
        if old:
            answer = answer.model_copy(update={"warnings": (*answer.warnings, old)})
        for claim in answer.claims if spec is None else ():
            yield {"type": "sentence", "text": claim.text, "verdict": claim.verdict}
        yield {"type": "answer", "answer": answer}

    def _need_documents(self) -> None:
        if self.store.is_empty():
            raise StoreEmpty(
                f"The base {self.store.root} holds no documents.", "Add some with: thesis ingest PATH_OR_URL"
            )

    def _extractive(self, base: dict[str, Any], wanted: Filters, live: Live, started: float) -> Found:
        everything = [s for s in self.store.sources() if s.version]
        wanted, question, told = self._bounded(base["standalone_question"], wanted, everything)
        allowed = {s.document_id for s in self.store.sources(wanted)}
        reply = Reply(
            self.store,
            self._common.encode,
            self._document,
            question,
            wanted,
            [s for s in everything if s.document_id in allowed],
            warnings=list(told),
            rerank=self._common.rerank,
            # Beside a figure of today stands only what clearly speaks of the same thing.
            enough=BESIDE if live.ok else ENOUGH,
        )
        undated = self.store.undated(wanted)
        if undated:
            reply.warnings.append(
                f"{undated} document{'s' * (undated != 1)} without a date left out under as-of {wanted.as_of}."
            )
        reply.run()
        status, writer = beside(reply.status, reply.finish(), live, wanted.as_of)
        if note := aside(reply.status, live):
            reply.warnings.append(note)
        answer = Answer(
            **(base | {"filters": narrowing(question, wanted)}),
            status=status,
            text=writer.text,
            claims=tuple(writer.claims),
            citations=tuple(writer.citations),
            tool_results=live.results,
            passages=tuple(retrieved(p, given=cid in reply.given) for cid, p in reply.passages.items()),
            timings_ms=reply.timings | {"total": _since(started)},
            warnings=tuple(reply.warnings),
        )
        return Found(reply.question, reply.wanted, reply.sources, reply.passages, frozenset(reply.given), answer)

    def _bounded(
        self, text: str, wanted: Filters, sources: Sequence[SourceInfo]
    ) -> tuple[Filters, Question, tuple[str, ...]]:
        """Return the filters with what the question states of documents, the question, and what could not be kept to."""
        stated = constraints(text)
        if not stated:
            return wanted, self._read(text, sources), ()
        question = self._read(stated.text, sources)
        narrowed, used, told = bounded(wanted, stated, question.companies, self.store.count)
        if (stated.since, stated.until) != (used.since, used.until):
            question = self._read(text, sources)
        return narrowed, question, told

    def _read(self, text: str, sources: Sequence[SourceInfo]) -> Question:
        """Read a question, with the other names of firms that the base's own documents give."""
        return also_known.read(
            text, sources, lambda words, firms: self.store.search_keyword(words, k=20, filters=Filters(company=firms))
        )

    def _document(self, document_id: str, version: str) -> Document:
        if not self.store.readable(document_id):
            raise unknown(document_id)
        return self._common.texts(document_id, version)


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


__all__ = ["Assistant", "make_filters", "parse_date"]
