"""What a Service works with, as protocols; app.py hands over the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from assistant.access import User
from assistant.models import Answer
from vectorstore.errors import Forbidden

Turn = Mapping[str, str]  # {"role": "user" | "assistant", "content"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that its answer depends on, beside the base and the settings.

    ``channel``: "page", "api", "openai", "mcp"; ``history``: the turns that came before, oldest first;
    ``collections``: what the user could read then (None: all); ``today``: the day on which it was asked (UTC).
    """

    question: str
    today: date
    channel: str = "api"
    conversation_id: str | None = None
    as_of: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Turn] = ()
    model: str | None = None
    by_model: bool = False
    collections: frozenset[str] | None = None


class Refused(Forbidden):
    """What a gate does not let through. ``why`` stands in the audit and is not shown: lists of names may be secret."""

    def __init__(self, message: str, what_to_do: str = "", why: str = "") -> None:
        super().__init__(message, what_to_do)
        self.why = why


class Records(Protocol):
    """What is kept: the audit, the conversations, the feedback. Each method raises StoreError where it cannot be kept or read."""

    def begun(self, user: User, asked: Asked) -> None:
        """Keep that a question goes to a model, before any of its words are seen."""
        ...

    def asked(self, user: User, asked: Asked, answer: Answer, *, notes: int = 0) -> None:
        """Keep a question and its answer before anybody sees it. ``notes``: how many of its last warnings gates added."""
        ...

    def ended(self, user: User, asked: Asked, kind: str, reason: str = "", said: Sequence[str] = ()) -> None:
        """Keep a question that got no answer. ``kind``: "refused" (a gate), "stopped" (the user) or "failed" (a fault).

        ``said``: the sentences that had been shown by then.
        """
        ...

    def event(self, user: User, kind: str, payload: Mapping[str, Any], *, channel: str = "") -> None:
        """Keep anything else in the audit: "signed_in", "sign_in_failed", … (letters and "_"); ``payload`` is JSON."""
        ...

    def history(self, user: User, conversation_id: str) -> Sequence[Turn]:
        """Return the last turns of a conversation of this user, oldest first; [] for one that begins.

        Raises SettingsError for an id that is none: 8 to 64 letters, digits, "_" and "-".
        """
        ...

    def answer(self, user: User, answer_id: str) -> Answer:
        """Return an answer that this user got. Raises NotFound."""
        ...

    def feedback(self, user: User, answer_id: str, verdict: str, comment: str) -> None:
        """Keep what a user says of an answer that they got: "good" or "bad". Raises NotFound, SettingsError."""
        ...

    def conversations(self, user: User, text: str = "") -> list[Mapping[str, Any]]:
        """Return [{conversation_id, title, created, changed, shared, turns}] of those that hold ``text``, newest first.

        ``shared``: the token of its link, None where it has none; ``turns``: how many it has.
        """
        ...

    def conversation(self, user: User, conversation_id: str) -> Mapping[str, Any]:
        """Return {conversation_id, title, created, changed, shared, turns: [{time, question, status, answer_id, answer, collections}]}.

        ``answer`` is an Answer, None where the question got none; ``collections``: what the user could read then, None for all.
        Raises NotFound.
        """
        ...

    def rename(self, user: User, conversation_id: str, title: str) -> None:
        """Give a conversation of this user another title. Raises NotFound, SettingsError."""
        ...

    def forget(self, user: User, conversation_id: str) -> None:
        """Delete a conversation of this user and its link (the audit keeps its own). Raises NotFound."""
        ...

    def cut(self, user: User, conversation_id: str, after: str | None) -> None:
        """Take the turns after the answer ``after`` (None: all) out of a conversation of this user. Raises NotFound."""
        ...

    def share(self, user: User, conversation_id: str) -> str:
        """Return the token of the link to a conversation of this user, the same one while it is shared. Raises NotFound."""
        ...

    def unshare(self, user: User, conversation_id: str) -> None:
        """End the link to a conversation of this user, where there is one. Raises NotFound."""
        ...

    def shared(self, token: str) -> Mapping[str, Any]:
        """Return the conversation behind a link as ``conversation``, and its ``owner``'s name. Raises NotFound."""
        ...

    def opened_link(self, user: User, token: str, payload: Mapping[str, Any]) -> None:
        """Keep that ``user`` reads what a link opens."""
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
    """What compliance asks of each answer. Each method raises Refused for what must not be answered (a restricted name)."""

    def question(self, user: User, question: str) -> None:
        """Look at words of the user before anything is done with them."""
        ...

    def sentence(self, user: User, text: str) -> None:
        """Look at words of a model before they are seen."""
        ...

    def answer(self, user: User, answer: Answer) -> Answer:
        """Return the answer as it may leave: what is added stands at the end of its ``warnings``."""
        ...
