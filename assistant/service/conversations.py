"""What was said: answers, feedback, conversations and links to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.access import User
from assistant.models import Answer
from assistant.service.door import Door
from assistant.service.ports import Asked, Refused, Turn
from assistant.service.withdrawn import WITHHELD, Reader, documents_of, for_reader, narrowed, no_answer, unsaid
from vectorstore.errors import Forbidden


class Conversations(Door):
    """A user's own, and those of others that a link opens."""

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
        return [self._with_link(one) for one in self.records().conversations(user, text)]

    def conversation(self, user: User, conversation_id: str) -> Mapping[str, Any]:
        """Return one conversation of this user with its turns; answers that may no longer be read are None. Raises NotFound."""
        found = self.records().conversation(user, conversation_id)
        return self._with_link(narrowed(found, self._may_read(self.readable(user))))

    def _with_link(self, conversation: Mapping[str, Any]) -> Mapping[str, Any]:
        return conversation if self.settings.sharing else {**conversation, "shared": None}

    def _earlier(self, user: User, asked: Asked, conversation_id: str) -> Sequence[Turn]:
        turns = self.records().history(user, conversation_id)
        # Only a model is shown what was answered before.
        if not turns or not asked.by_model or asked.collections is None:
            return turns
        return unsaid(turns, self.records().conversation(user, conversation_id), self._may_read(asked.collections))

    def rename(self, user: User, conversation_id: str, title: str) -> None:
        """Give a conversation of this user another title. Raises NotFound, SettingsError."""
        self.records().rename(user, conversation_id, title)

    def forget(self, user: User, conversation_id: str) -> None:
        """Delete a conversation of this user. Raises NotFound."""
        self.records().forget(user, conversation_id)

    def cut(self, user: User, conversation_id: str, after: str | None) -> None:
        """Take the turns after the answer ``after`` (None: all) out of a conversation of this user, to ask them again.

        The audit keeps its own. Raises NotFound.
        """
        self.records().cut(user, conversation_id, after)

    # Links

    def share(self, user: User, conversation_id: str) -> str:
        """Return the token of the link to a conversation of this user, the same one while it is shared.

        Raises NotFound, Forbidden where the setting ``sharing`` is off.
        """
        self.need(user, "ask")
        self._need_sharing()
        return self.records().share(user, conversation_id)

    def unshare(self, user: User, conversation_id: str) -> None:
        """End the link to a conversation of this user, where there is one. Raises NotFound."""
        self.records().unshare(user, conversation_id)

    def shared(self, user: User, token: str) -> Mapping[str, Any]:
        """Return the conversation behind a link as ``conversation``, with its ``owner``'s name, as far as ``user`` may read it.

        An answer is None, and its turn "withheld", where the reader may not read all that it was made of. Raises NotFound, and
        Forbidden where the setting ``sharing`` is off.
        """
        self.need(user, "ask")
        self._need_sharing()
        records = self.records()
        found = records.shared(token)
        allowed = self.readable(user)
        reader = Reader(allowed, self._may_read(allowed), self._names(allowed), lambda one: self._regated(user, one))
        shown = for_reader(found, reader)
        hidden = sum(turn["status"] == WITHHELD for turn in shown["turns"])
        told = {"conversation_id": found["conversation_id"], "owner": found["owner"], "hidden": hidden}
        records.opened_link(user, token, told)
        return shown

    def _need_sharing(self) -> None:
        if not self.settings.sharing:
            raise Forbidden(
                "Conversations are not shared on this server.",
                "Export the conversation, or ask who runs this server to set sharing = true.",
            )

    def _names(self, allowed: frozenset[str] | None) -> frozenset[str]:
        """Return the companies, tickers and publishers of the documents in ``allowed``; () for all, where nobody asks for them."""
        if allowed is None:
            return frozenset()
        metas = [source.metadata for source in self._over(allowed).sources()]
        return frozenset(name for meta in metas for name in (meta.company, meta.ticker, meta.publisher) if name)

    def _regated(self, user: User, answer: Answer) -> Answer | None:
        """Return an answer that was let out before as it may leave now; None where a gate holds it back."""
        if self._gates is None:
            return answer
        try:
            notes = self._gates.answer(user, answer).warnings
        except Refused:
            return None
        return answer.model_copy(update={"warnings": tuple(dict.fromkeys((*answer.warnings, *notes)))})
