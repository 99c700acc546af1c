"""Records of one store: what ``assistant.service.ports.Records`` asks for, in ``records.sqlite`` or in the tables that machines share."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.access import User
from assistant.models import Answer
from assistant.records import audit, conversations, sharing
from assistant.records.chain import PRUNED, canonical, plain
from assistant.records.payload import answered, by, question, without_texts
from assistant.records.schema import open_records
from assistant.service.ports import Asked, Turn
from vectorstore.database import AnyDatabase
from vectorstore.errors import StoreError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
LONGEST_NAME = 200  # characters of a user name that somebody tried
_KIND = re.compile(r"[a-z_]{1,40}")


class Records:
    """Safe in any number of threads, and beside other processes; each method is one committed transaction."""

    def __init__(self, database: AnyDatabase, settings: Settings) -> None:
        self._database, self._settings = database, settings

    @classmethod
    def open(cls, settings: Settings, root: str | Path) -> Records | None:
        """Open the records of a base, those of the folder ``root`` or those that machines share; None where the setting ``records``
        is off. Raises StoreError, SettingsError.
        """
        if not settings.records:
            return None
        made = cls(open_records(settings, root), settings)
        log.info("audit head %s", made.head())
        return made

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings, root: str | Path) -> Iterator[Records | None]:
        """As ``open``, closed at the end of the block."""
        records = cls.open(settings, root)
        try:
            yield records
        finally:
            if records is not None:
                records.close()

    def close(self) -> None:
        log.info("audit head %s", self.head())
        self._database.close()

    def head(self) -> str:
        """Return "number:hash" of the audit's last row."""
        with self._database.read() as connection:
            return "{}:{}".format(*audit.head(connection))

    # questions

    def begun(self, user: User, asked: Asked) -> None:
        with _undelivered():
            self._append(user, "asked_model", question(asked), asked.channel)

    def asked(self, user: User, asked: Asked, answer: Answer, *, notes: int = 0) -> None:
        payload = answered(asked, answer, notes, self._settings)
        with _undelivered():
            self._append(user, "asked", payload, asked.channel, turn=(asked, answer.status, answer))

    def ended(self, user: User, asked: Asked, kind: str, reason: str = "", said: Sequence[str] = ()) -> None:
        payload = question(asked) | {"reason": reason, "said": list(said)}
        # What was refused is no turn: the next question must not be read as its follow-up.
        turn = None if kind == "refused" or asked.conversation_id is None else (asked, kind, None)
        self._append(user, kind, payload, asked.channel, turn=turn)

    def event(self, user: User, kind: str, payload: Mapping[str, Any], *, channel: str = "") -> None:
        """Raises ValueError for a kind that is no name, or one that the records write themselves."""
        if not _KIND.fullmatch(kind) or kind in {"asked", "asked_model", PRUNED}:
            raise ValueError(f"{kind!r} is no kind of event")
        self._append(user, kind, payload, channel)

    def _append(
        self,
        user: User,
        kind: str,
        payload: Mapping[str, Any],
        channel: str,
        *,
        turn: tuple[Asked, str, Answer | None] | None = None,
    ) -> None:
        whole = by(user, payload)
        # All that takes time is done before the one writer is taken.
        data = canonical(whole if self._settings.audit_text else without_texts(whole))
        small = audit.packed(data)
        with self._database.write() as connection:
            seq = audit.append(
                connection,
                user=plain(user.name)[:LONGEST_NAME],
                kind=kind,
                channel=plain(channel),
                payload=data,
                packed_payload=small,
            )
            if turn is None:
                return
            asked, status, answer = turn
            if answer is not None:
                connection.execute("INSERT INTO answer_rows VALUES (?, ?)", (answer.answer_id, seq))
            conversations.add_turn(
                connection,
                conversations.owner_of(user),
                asked.conversation_id,
                question=asked.question,
                status=status,
                seq=seq,
                answer=answer,
                copy=not self._settings.audit_text,
                collections=asked.collections,
            )

    # conversations and feedback

    def history(self, user: User, conversation_id: str) -> Sequence[Turn]:
        conversations.checked_id(conversation_id)
        with self._database.read() as connection:
            return conversations.history(connection, conversations.owner_of(user), conversation_id)

    def answer(self, user: User, answer_id: str) -> Answer:
        with self._database.read() as connection:
            return conversations.answer(connection, conversations.owner_of(user), answer_id)

    def feedback(self, user: User, answer_id: str, verdict: str, comment: str = "") -> None:
        conversations.checked_feedback(verdict, comment)
        with self._database.write() as connection:
            conversations.add_feedback(connection, user, answer_id, verdict, comment)
            self._append(user, "feedback", {"answer_id": answer_id, "verdict": verdict, "comment": comment}, "")

    def conversations(self, user: User, text: str = "") -> list[Mapping[str, Any]]:
        with self._database.read() as connection:
            return conversations.listed(connection, conversations.owner_of(user), text)

    def conversation(self, user: User, conversation_id: str) -> Mapping[str, Any]:
        with self._database.read() as connection:
            return conversations.whole(connection, conversations.owner_of(user), conversation_id)

    def rename(self, user: User, conversation_id: str, title: str) -> None:
        with self._database.write() as connection:
            conversations.rename(connection, conversations.owner_of(user), plain(conversation_id), title)

    def forget(self, user: User, conversation_id: str) -> None:
        with self._database.write() as connection:
            conversations.forget(connection, conversations.owner_of(user), plain(conversation_id))
            self._append(user, "conversation_deleted", {"conversation_id": conversation_id}, "")

    def cut(self, user: User, conversation_id: str, after: str | None) -> None:
        with self._database.write() as connection:
            count = conversations.cut(connection, conversations.owner_of(user), conversation_id, after)
            if count:
                told = {"conversation_id": conversation_id, "after": after, "turns": count}
                self._append(user, "conversation_cut", told, "")

    # links

    def share(self, user: User, conversation_id: str) -> str:
        with self._database.write() as connection:
            token, new = sharing.share(connection, user, conversation_id)
            if new:
                told = {"conversation_id": conversation_id, "link": sharing.mark(token)}
                self._append(user, "conversation_shared", told, "")
        return token

    def unshare(self, user: User, conversation_id: str) -> None:
        with self._database.write() as connection:
            token = sharing.token_of(connection, user, conversation_id)
            if token is not None:
                sharing.unshare(connection, token)
                told = {"conversation_id": conversation_id, "link": sharing.mark(token)}
                self._append(user, "conversation_unshared", told, "")

    def shared(self, token: str) -> Mapping[str, Any]:
        with self._database.read() as connection:
            return sharing.shared(connection, token)

    def opened_link(self, user: User, token: str, payload: Mapping[str, Any]) -> None:
        self._append(user, "shared_read", {**payload, "link": sharing.mark(token)}, "")


@contextmanager
def _undelivered() -> Iterator[None]:
    """Say of an error that the answer is not given because of it."""
    try:
        yield
    except StoreError as error:
        log.error("an answer could not be recorded: %s", error)  # noqa: TRY400 - shown to the one who asked, too
        message = f"The answer is not given, because it cannot be recorded: {error.message}"
        raise type(error)(message, error.what_to_do) from error
