"""Every question, search and change of a signed-in user goes through here: allowed, narrowed, gated, recorded.

What a user may not read does not exist for them: it raises NotFound, never Forbidden. Forbidden is for actions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.access import LOCAL, User
from assistant.models import Answer, ToolResult
from assistant.service.answering import delivered, refused
from assistant.service.conversations import Conversations
from assistant.service.ports import Asked, Turn
from assistant.service.theses import Theses
from vectorstore.errors import Forbidden, unknown
from vectorstore.records import Chunk, Document, Passage, SourceInfo

if TYPE_CHECKING:
    from assistant.understood import Understood

Event = Mapping[str, Any]


class Service(Conversations, Theses):
    """Safe in any number of threads; made as ``Door``."""

    # Questions

    def ask(self, user: User = LOCAL, *arguments: Any, **named: Any) -> Answer:
        """Return the Answer; parameters as ``stream``."""
        answer: Answer | None = None
        for event in self.stream(user, *arguments, **named):
            if event["type"] == "answer":
                answer = event["answer"]
        assert answer is not None
        return answer

    def stream(
        self,
        user: User,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        conversation_id: str | None = None,
        history: Sequence[Mapping[str, str]] = (),
        model: str | None = None,
        channel: str = "api",
    ) -> Generator[Event, None, None]:
        """Yield the events of ``Assistant.stream``. ``conversation_id``: its earlier turns come before ``history``.

        Raises Forbidden, SettingsError for a conversation's id that is none, StoreError where the answer cannot be recorded.
        """
        self.need(user, "ask")
        by_model = (self.settings.model if model is None else model) not in {"", "extractive"}
        asked = Asked(
            question=question,
            today=datetime.now(UTC).date(),
            channel=channel,
            conversation_id=conversation_id,
            as_of=as_of,
            filters=filters or {},
            history=history,
            model=model,
            by_model=by_model,
            collections=self.readable(user),
        )
        refused(user, asked, self._records, self._gates)
        if self._records is not None and conversation_id is not None:
            asked = replace(asked, history=(*self._earlier(user, asked, conversation_id), *history))
        events = self._over(asked.collections).stream(
            question, as_of=as_of, filters=filters, history=asked.history, model=model
        )
        with self._one_more(), closing(delivered(events, user, asked, self._records, self._gates)) as shown:
            for event in shown:
                if event["type"] == "answer":
                    for watcher in self._watchers:
                        watcher(event["answer"], channel)
                yield event

    def read(
        self,
        user: User,
        question: str,
        *,
        conversation_id: str | None = None,
        history: Sequence[Turn] = (),
        filters: Mapping[str, Any] | None = None,
        as_of: str | None = None,
    ) -> Understood:
        """Return what ``ask`` would understand by a question over what this user may read; ``conversation_id`` as there.

        Raises Forbidden, SettingsError for a question, filter, date or id that is none, StoreEmpty.
        """
        self.need(user, "ask")
        self.look(user, question, "read")
        if self._records is not None and conversation_id is not None:
            history = (*self._records.history(user, conversation_id), *history)
        found: Understood = self.view(user).read(question, history=history, filters=filters, as_of=as_of)
        return found

    def search(
        self,
        user: User,
        query: str,
        *,
        k: int = 10,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> list[Passage]:
        self.need(user, "search")
        self.look(user, query, "search")
        found: list[Passage] = self.view(user).search(query, k=k, as_of=as_of, filters=filters)
        versions = list(dict.fromkeys((p.chunk.document_id, p.chunk.version) for p in found))
        self.event(user, "searched", {"query": query, "as_of": as_of, "filters": filters or {}, "retrieved": versions})
        return found

    # Documents

    def sources(self, user: User) -> list[SourceInfo]:
        self.need(user, "read")
        listed: list[SourceInfo] = self.view(user).sources()
        return listed

    def info(self, user: User, document_id: str) -> SourceInfo:
        """Return what is known of a document that is in, or failed, and that this user may read. Raises NotFound."""
        self.need(user, "read")
        found: SourceInfo | None = self.view(user).info(document_id)
        if found is None:
            raise unknown(document_id)
        return found

    def collections(self, user: User) -> list[Mapping[str, Any]]:
        """Return [{name, documents, writable}] of the collections that this user may read or add to, by name."""
        self.need(user, "read")
        counts: Counter[str] = Counter(s.collection for s in self.view(user).sources())
        own = self.settings.collection
        names = {*counts, own} if own in counts or self.writable(user, own) else set(counts)
        return [{"name": n, "documents": counts[n], "writable": self.writable(user, n)} for n in sorted(names)]

    def document(self, user: User, document_id: str, version: str | None = None) -> Document:
        """Return a stored version that this user may read. Raises NotFound."""
        self.need(user, "read")
        document: Document = self.view(user).document(document_id, version)
        return document

    def picture(
        self, user: User, document_id: str, version: str | None, page: int, spans: Sequence[tuple[int, int]]
    ) -> bytes | None:
        """Return a PNG of a page with ``spans`` marked; None where there is none. Raises NotFound."""
        self.document(user, document_id, version)
        picture: bytes | None = self._ingestor.page_picture(document_id, version, page, spans)
        return picture

    def upload(
        self,
        user: User,
        files: Sequence[tuple[str, str | Path]],
        *,
        collection: str | None = None,
        meta: Mapping[str, str] | None = None,
        progress: Callable[[Any], None] | None = None,
    ) -> Any:
        """Bring in files given as (name, path of the bytes); return the ingest's report. Raises Forbidden."""
        self.need(user, "write")
        name = collection or self.settings.collection
        if not self.writable(user, name):
            raise Forbidden(f"You may not add to the collection {name!r}.", "Ask who runs this server.")
        sent = {"collection": name, "files": [file for file, _ in files]}
        self.event(user, "document_add", sent)  # before it is in: what cannot be recorded is not done
        with self._one_more():
            report = self._ingestor.ingest_uploads(files, meta=meta, collection=name, progress=progress)
            counts = {key: getattr(report, key) for key in ("added", "updated", "unchanged")}
            self.event(user, "document_added", sent | counts | {"failed": [failure.path for failure in report.failed]})
        return report

    def remove(self, user: User, document_id: str) -> int:
        """Take a document out. Raises NotFound, Forbidden."""
        named = self._changed(user, document_id, "remove from")
        self.event(user, "document_remove", named)  # before it is gone: what cannot be recorded is not done
        count: int = self._ingestor.remove([document_id])
        return count

    def amend(self, user: User, document_id: str, fields: Mapping[str, str | None]) -> tuple[str, ...]:
        """Say what a document is ("": there is none; None: what it says itself, for which it is read again).

        Returns the fields that changed. Its vectors follow behind. Raises NotFound, Forbidden, SettingsError that names a
        field, ReadError where it would have to be read again and cannot.
        """
        named = self._changed(user, document_id, "change")
        values: dict[str, str | None] = self._ingestor.amendable(fields)
        metadata = self.info(user, document_id).metadata
        before = {name: getattr(metadata, name) for name in values}
        self.event(user, "document_amend", named | {"before": before, "fields": values})
        changed: tuple[str, ...] = self._ingestor.amend(document_id, values, embed=False).changed
        return changed

    def reingest(self, user: User, document_id: str, progress: Callable[[Any], None] | None = None) -> Any:
        """Read a document again from where it came, or from its kept copy; return the ingest's report.

        Raises NotFound, Forbidden, ReadError where there is nothing to read.
        """
        named = self._changed(user, document_id, "change")
        self.event(user, "document_reingest", named)
        report = self._ingestor.reingest(document_id, progress)
        self.event(user, "document_reingested", named | {"files": [one.outcome for one in report.files]})
        return report

    def _changed(self, user: User, document_id: str, what: str) -> dict[str, Any]:
        """Return how the audit names a document that this user may change. Raises NotFound, Forbidden."""
        self.need(user, "write")
        document = self.info(user, document_id)
        if not self.writable(user, document.collection):
            raise Forbidden(f"You may not {what} {document.collection!r}.", "Ask who runs this server.")
        return {"document_id": document_id, "version": document.version, "collection": document.collection}

    def versions(self, user: User, document_id: str) -> Sequence[Any]:
        """Return every stored version of a document, oldest first (vectorstore.store.StoredVersion). Raises NotFound."""
        self.info(user, document_id)
        found: Sequence[Any] = self._ingestor.store.versions(document_id)
        return found

    def chunks(self, user: User, document_id: str) -> Sequence[Chunk]:
        """Return the current chunks of a document, in order. Raises NotFound."""
        self.info(user, document_id)
        found: Sequence[Chunk] = self._ingestor.store.chunks(document_id)
        return found

    def not_again(self, user: User, document_id: str) -> str:
        """Return why a document cannot be read again; "" where it can. Raises NotFound."""
        why: str = self._ingestor.readable_again(self.info(user, document_id))
        return why

    @property
    def busy(self) -> bool:
        """Whether answers are being made, or uploads read in."""
        return self._under_way > 0

    @property
    def ingesting(self) -> bool:
        """Whether documents are being read in, or wait for it."""
        return bool(self._ingestor.busy)

    # Live metrics

    def tools(self, user: User) -> list[Mapping[str, Any]]:
        """Return [{name, summary, arguments: [{name, description, type, default}], sources}] of the live metrics."""
        self.need(user, "tools")
        from assistant.tools.registry import listed

        return list(listed())

    def tool(self, user: User, name: str, arguments: Mapping[str, Any], *, as_of: str | None = None) -> ToolResult:
        """Run one live metric over what this user may read. Raises NotFound for a name there is not, SettingsError for a bad date."""
        self.need(user, "tools")
        self.look(user, " ".join(map(str, arguments.values())), "tool")
        result: ToolResult = self.view(user).tool(name, arguments, as_of=as_of)
        told = {"tool": name, "arguments": dict(arguments), "status": result.status}
        self.event(user, "tool_called", told | {"retrieved_at": result.retrieved_at})
        return result

    # The server

    def watch(self, watcher: Callable[[Answer, str], None]) -> None:
        """Have ``watcher`` called with every answer given from now on and its channel, in the thread that gives it."""
        self._watchers.append(watcher)

    def ready(self) -> None:
        """Return when questions can be answered: waits for the model to load. Raises StoreError where the base cannot be asked."""
        self._assistant.ready()

    def size(self) -> tuple[int, int]:
        """Return how many documents can be cited and how many chunks they have, whoever may read them."""
        sources: list[SourceInfo] = self._assistant.sources()
        return sum(bool(s.version) for s in sources), sum(s.chunks for s in sources)
