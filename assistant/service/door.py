"""The rights of one server's users: what each may do and read, and where it is written down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from assistant.access import Action, User
from assistant.models import Answer
from assistant.service.answering import refused
from assistant.service.ports import Asked, Gates, Records, Rules
from vectorstore.errors import Forbidden
from vectorstore.settings import Settings


class Door:
    """``records``, ``rules``, ``gates`` None: nothing is kept, all may be read, nothing is gated."""

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
        self._counting, self._under_way = threading.Lock(), 0

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

    def _may_read(self, allowed: frozenset[str] | None) -> Callable[[frozenset[str]], bool]:
        if allowed is None:
            return lambda _: True
        may_read: Callable[[frozenset[str]], bool] = self._over(allowed).readable
        return may_read

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        """Count an answer or an upload as under way until the end of the block."""
        with self._counting:
            self._under_way += 1
        try:
            yield
        finally:
            with self._counting:
                self._under_way -= 1

    # What is kept

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
