"""What a Service works with, as protocols; app.py hands over the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from assistant.access import User
from assistant.models import Answer

Turn = Mapping[str, str]  # {"role": "user" | "assistant", "content"}


class Records(Protocol):
    """What is kept of each question: the audit, the conversation, the feedback. Raises StoreError where it cannot be kept."""

    def asked(self, user: User, answer: Answer, *, conversation_id: str | None, channel: str) -> None:
        """Keep a question and its answer before anybody sees it. ``channel``: "page", "api", "openai", "mcp"."""
        ...

    def history(self, user: User, conversation_id: str) -> Sequence[Turn]:
        """Return the turns of a conversation, oldest first; [] for one that begins. Raises NotFound for another user's."""
        ...

    def answer(self, user: User, answer_id: str) -> Answer:
        """Return an answer that this user got. Raises NotFound."""
        ...

    def feedback(self, user: User, answer_id: str, verdict: str, comment: str) -> None:
        """Keep what a user says of an answer that they got. Raises NotFound."""
        ...

    def conversations(self, user: User) -> list[Mapping[str, Any]]:
        """Return [{conversation_id, title, created, changed, turns}], newest first."""
        ...

    def forget(self, user: User, conversation_id: str) -> None:
        """Delete a conversation of this user's (the audit keeps its own). Raises NotFound."""
        ...


class Rules(Protocol):
    """Who may read which collection."""

    def readable(self, user: User) -> frozenset[str] | None:
        """Return the names of the collections that ``user`` may read; None for all there are and will be."""
        ...

    def writable(self, user: User, collection: str) -> bool:
        """Whether ``user`` may add to and remove from ``collection``."""
        ...


class Gates(Protocol):
    """What compliance asks of each answer."""

    def question(self, user: User, question: str) -> None:
        """Raise Forbidden for a question that must not be answered (a restricted name)."""
        ...

    def answer(self, user: User, answer: Answer) -> Answer:
        """Return the answer as it may leave."""
        ...
