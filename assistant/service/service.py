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
from typing import Any

from assistant.access import LOCAL, Action, User
from assistant.models import Answer, ToolResult
from assistant.service.answering import delivered, refused
from assistant.service.ports import Asked, Gates, Records, Rules, Turn
from assistant.service.withdrawn import documents_of, narrowed, no_answer, unsaid
from vectorstore.errors import Forbidden, unknown
from vectorstore.records import Document, Passage, SourceInfo
from vectorstore.settings import Settings

Event = Mapping[str, Any]


class Service:
    """Safe in any number of threads. ``records``, ``rules``, ``gates`` None: nothing is kept, all may be read, nothing is gated."""

    def __init__(
        self,
        assistant: Any,
        ingestor: Any,
        settings: Settings,
        *,
        records: Records | None = None,
        rules: Rules | None = None,
        gates: Gates | None = None,
    ) -> None:
        self.settings = settings
        self._assistant, self._ingestor = assistant, ingestor
        self._records, self._rules, self._gates = records, rules, gates
        self._watchers: list[Callable[[Answer, str], None]] = []

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
        with closing(delivered(events, user, asked, self._records, self._gates)) as shown:
            for event in shown:
                if event["type"] == "answer":
                    for watcher in self._watchers:
                        watcher(event["answer"], channel)
                yield event

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
        found: SourceInfo | None = next((s for s in self.view(user).sources() if s.document_id == document_id), None)
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
        report = self._ingestor.ingest_uploads(files, meta=meta, collection=name, progress=progress)
        counts = {key: getattr(report, key) for key in ("added", "updated", "unchanged")}
        self.event(user, "document_added", sent | counts | {"failed": [failure.path for failure in report.failed]})
        return report

    def remove(self, user: User, document_id: str) -> int:
        """Take a document out. Raises NotFound, Forbidden."""
        self.need(user, "write")
        document = self.info(user, document_id)
        if not self.writable(user, document.collection):
            raise Forbidden(f"You may not remove from {document.collection!r}.", "Ask who runs this server.")
        named = {"document_id": document.document_id, "version": document.version, "collection": document.collection}
        self.event(user, "document_remove", named)  # before it is gone: what cannot be recorded is not done
        count: int = self._ingestor.remove([document.document_id])
        return count

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

    # What was said

    def answer(self, user: User, answer_id: str) -> Answer:
        """Return an answer that this user got and may still read. Raises NotFound."""
        answer = self.records().answer(user, answer_id)
        if not self._may_read(self.readable(user))(documents_of(answer)):
            raise no_answer()
        return answer

    def feedback(self, user: User, answer_id: str, verdict: str, comment: str = "") -> None:
        """Keep "good" or "bad" for an answer that this user got. Raises NotFound, SettingsError."""
        self.need(user, "feedback")
        self.records().feedback(user, answer_id, verdict, comment)

    def conversations(self, user: User, text: str = "") -> list[Mapping[str, Any]]:
        """Return this user's conversations that hold ``text``, newest first."""
        return self.records().conversations(user, text)

    def conversation(self, user: User, conversation_id: str) -> Mapping[str, Any]:
        """Return one conversation of this user with its turns; answers that may no longer be read are None. Raises NotFound."""
        found = self.records().conversation(user, conversation_id)
        return narrowed(found, self._may_read(self.readable(user)))

    def _earlier(self, user: User, asked: Asked, conversation_id: str) -> Sequence[Turn]:
        turns = self.records().history(user, conversation_id)
        # Only a model is shown what was answered before.
        if not turns or not asked.by_model or asked.collections is None:
            return turns
        return unsaid(turns, self.records().conversation(user, conversation_id), self._may_read(asked.collections))

    def _may_read(self, allowed: frozenset[str] | None) -> Callable[[frozenset[str]], bool]:
        if allowed is None:
            return lambda _: True
        may_read: Callable[[frozenset[str]], bool] = self._over(allowed).readable
        return may_read

    def rename(self, user: User, conversation_id: str, title: str) -> None:
        """Give a conversation of this user another title. Raises NotFound, SettingsError."""
        self.records().rename(user, conversation_id, title)

    def forget(self, user: User, conversation_id: str) -> None:
        """Delete a conversation of this user. Raises NotFound."""
        self.records().forget(user, conversation_id)

    def event(self, user: User, kind: str, payload: Mapping[str, Any], *, channel: str = "") -> None:
        """Keep an event in the audit, where there is one. Raises StoreError."""
        if self._records is not None:
            self._records.event(user, kind, payload, channel=channel)

    @property
    def keeps(self) -> bool:
        """Whether questions and conversations are recorded."""
        return self._records is not None

    def records(self) -> Records:
        if self._records is None:
            raise Forbidden("This server keeps no records.", "Switch records on in thesis.toml.")
        return self._records

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

    # Who may what

    def need(self, user: User, action: Action) -> None:
        """Raise Forbidden where ``user`` may not do ``action``."""
        if not user.may(action):
            raise Forbidden(f"{user.name} may not use this ({action}).", "Ask who runs this server for the right to.")

    def look(self, user: User, words: str, where: str) -> None:
        """Raise Forbidden, recorded, for ``words`` that a gate does not let in."""
        refused(user, Asked(words, datetime.now(UTC).date(), where), self._records, self._gates)

    def readable(self, user: User) -> frozenset[str] | None:
        """Return the collections that ``user`` may read; None: all."""
        return None if self._rules is None else self._rules.readable(user)

    def writable(self, user: User, collection: str) -> bool:
        """Whether ``user`` may add to and remove from ``collection``."""
        return user.may("write") and (self._rules is None or self._rules.writable(user, collection))

    def view(self, user: User) -> Any:
        """Return the assistant over what ``user`` may read."""
        return self._over(self.readable(user))

    def _over(self, allowed: frozenset[str] | None) -> Any:
        return self._assistant if allowed is None else self._assistant.within(allowed)
