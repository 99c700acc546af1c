"""Conversations and feedback in the records; each belongs to one owner, and nobody else's exists for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from assistant.access import User
from assistant.models import Answer
from assistant.records.audit import now, overwrite, packed, payload_of, stamp, unpacked
from assistant.records.chain import canonical, plain
from assistant.service.ports import Turn
from assistant.service.withdrawn import no_answer
from vectorstore.database import AnyDatabase, Connection
from vectorstore.errors import NotFound, SettingsError

KEPT_TURNS = 20  # messages of a conversation that a question is asked with
TITLE = 80  # characters
COMMENT = 2_000  # characters
VERDICTS = ("good", "bad")
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


def owner_of(user: User) -> str:
    """Return whose a conversation is: the same name by another way of signing in is somebody else."""
    return plain(f"{user.via}:{user.name}")


def checked_id(conversation_id: str) -> str:
    """Return the id. Raises SettingsError for one that is none."""
    if not isinstance(conversation_id, str) or not _ID.fullmatch(conversation_id):
        raise SettingsError(
            "conversation_id is not 8 to 64 letters, digits, '_' and '-'.", "For example a UUID; leave it out for none."
        )
    return conversation_id


def title_of(text: str) -> str:
    return " ".join(text.split())[:TITLE]


def add_turn(
    connection: Connection,
    owner: str,
    conversation_id: str | None,
    *,
    question: str,
    status: str,
    seq: int,
    answer: Answer | None = None,
    copy: bool = False,
    collections: frozenset[str] | None = None,
) -> None:
    """Add a question; the conversation begins with its first. ``copy``: the answer does not stand in the audit's row ``seq``.

    ``collections``: what the owner could read then; None: all.
    """
    time, question = now(), plain(question)
    if conversation_id is not None:
        connection.execute(
            "INSERT INTO conversations VALUES (?, ?, ?, ?, ?) ON CONFLICT (owner, conversation_id) DO UPDATE SET "
            "changed = excluded.changed, "
            "title = CASE WHEN conversations.title = '' THEN excluded.title ELSE conversations.title END",
            (owner, conversation_id, title_of(question), time, time),
        )
    held = packed(canonical(answer.model_dump())) if answer is not None and copy else None
    rights = None if collections is None else json.dumps(sorted(map(plain, collections)))
    connection.execute(
        "INSERT INTO turns (owner, conversation_id, time, question, status, answer_id, text, seq, answer, collections) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, conversation_id, time, question, status, *_parts(answer), seq, held, rights),
    )


def _parts(answer: Answer | None) -> tuple[str | None, str]:
    return (answer.answer_id, plain(answer.text)) if answer is not None else (None, "")


def history(connection: Connection, owner: str, conversation_id: str) -> list[Turn]:
    """Return the last KEPT_TURNS messages, oldest first; questions without an answer are left out."""
    found = connection.execute(
        "SELECT question, text FROM turns WHERE owner = ? AND conversation_id = ? AND cut IS NULL AND answer_id IS NOT NULL "
        "AND status <> 'error' ORDER BY id DESC LIMIT ?",
        (owner, conversation_id, KEPT_TURNS // 2),
    ).fetchall()
    return [
        {"role": role, "content": text}
        for question, answer in reversed(found)
        for role, text in (("user", question), ("assistant", answer))
    ]


def answer(connection: Connection, owner: str, answer_id: str) -> Answer:
    """Return an answer that the owner got. Raises NotFound."""
    row = connection.execute(
        "SELECT answer, seq FROM turns WHERE owner = ? AND answer_id = ? ORDER BY id DESC LIMIT 1",
        (owner, plain(answer_id)),
    ).fetchone()
    found = None if row is None else _answer(connection, *row)
    if found is None:
        raise no_answer()
    return found


def _answer(connection: Connection, copy: bytes | None, seq: int | None) -> Answer | None:
    held = json.loads(unpacked(copy)) if copy is not None else None
    if held is None and seq is not None:
        held = (payload_of(connection, seq) or {}).get("answer")
    return None if held is None else Answer.model_validate(held)


_LISTED = (
    "SELECT c.conversation_id, c.title, c.created, c.changed, s.token, (SELECT count(*) FROM turns t WHERE t.owner = c.owner "
    "AND t.conversation_id = c.conversation_id AND t.cut IS NULL) FROM conversations c "
    "LEFT JOIN shares s ON s.owner = c.owner AND s.conversation_id = c.conversation_id WHERE c.owner = ?"
)


def _listed(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("conversation_id", "title", "created", "changed", "shared", "turns"), row, strict=True))


def listed(connection: Connection, owner: str, text: str = "") -> list[Mapping[str, Any]]:
    """Return the owner's conversations that hold ``text`` in title, question or answer, newest first.

    One whose turns were all cut waits for its next question: it is left out while it has neither a title nor a link.
    """
    rows = connection.execute(f"{_LISTED} ORDER BY c.changed DESC, c.conversation_id", (owner,))
    found = [one for one in map(_listed, rows) if one["turns"] or one["title"] or one["shared"]]
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return list(found)
    holding = set(_holding(connection, owner, wanted))
    return [one for one in found if one["conversation_id"] in holding or wanted in one["title"].casefold()]


def _holding(connection: Connection, owner: str, wanted: str) -> Iterator[str]:
    # In Python: SQLite knows capitals of ASCII only.
    for id_, question, text in connection.execute(
        "SELECT conversation_id, question, text FROM turns WHERE owner = ? AND conversation_id IS NOT NULL AND cut IS NULL",
        (owner,),
    ):
        if any(wanted in " ".join(part.split()).casefold() for part in (question, text)):
            yield id_


def whole(connection: Connection, owner: str, conversation_id: str) -> dict[str, Any]:
    """Return a conversation with its answers; ``collections`` of a turn: what its owner could read then. Raises NotFound."""
    row = connection.execute(f"{_LISTED} AND c.conversation_id = ?", (owner, plain(conversation_id))).fetchone()
    if row is None:
        raise no_conversation()
    turns = [
        {
            "time": time, "question": question, "status": status, "answer_id": id_, "answer": _answer(connection, copy, seq),
            "collections": None if rights is None else frozenset(json.loads(rights)),
        }
        for time, question, status, id_, copy, rights, seq in connection.execute(
            "SELECT time, question, status, answer_id, answer, collections, CASE WHEN answer_id IS NULL THEN NULL ELSE seq END "
            "FROM turns WHERE owner = ? AND conversation_id = ? AND cut IS NULL ORDER BY id",
            (owner, conversation_id),
        ).fetchall()
    ]  # fmt: skip
    return _listed(row) | {"turns": turns}


def no_conversation() -> NotFound:
    return NotFound("There is no such conversation.", "See the list of yours.")


def rename(connection: Connection, owner: str, conversation_id: str, title: str) -> None:
    """Raises NotFound, SettingsError for a title that is empty or longer than TITLE."""
    short = " ".join(plain(title).split())
    if not short or len(short) > TITLE:
        raise SettingsError(f"A title has 1 to {TITLE} characters, not {len(short)}.", "Write one that has.")
    done = connection.execute(
        "UPDATE conversations SET title = ? WHERE owner = ? AND conversation_id = ?", (short, owner, conversation_id)
    )
    if not done.rowcount:
        raise no_conversation()


def cut(connection: Connection, owner: str, conversation_id: str, after: str | None) -> int:
    """Take the turns that came after the answer ``after`` (None: all) out of a conversation; return how many. Raises NotFound.

    Their owner still gets their answers by id, until the conversation is deleted or retention empties their rows of the audit.
    A title that was made from a first question goes with it: the next question gives another.
    """
    place = (owner, plain(conversation_id))
    held = connection.execute(
        "SELECT title FROM conversations WHERE owner = ? AND conversation_id = ?", place
    ).fetchone()
    if held is None:
        raise no_conversation()
    turns = "FROM turns WHERE owner = ? AND conversation_id = ? AND cut IS NULL"
    last = 0
    if after is not None:
        last = connection.execute(f"SELECT max(id) {turns} AND answer_id = ?", (*place, plain(after))).fetchone()[0]
        if last is None:
            raise no_answer()
    first = connection.execute(f"SELECT question {turns} ORDER BY id LIMIT 1", place).fetchone()
    if after is None and first is not None and held[0] == title_of(first[0]):
        connection.execute("UPDATE conversations SET title = '' WHERE owner = ? AND conversation_id = ?", place)
    done = connection.execute(
        "UPDATE turns SET cut = ? WHERE owner = ? AND conversation_id = ? AND cut IS NULL AND id > ?",
        (now(), *place, last),
    )
    return done.rowcount


def forget(connection: Connection, owner: str, conversation_id: str) -> None:
    """Raises NotFound."""
    overwrite(connection)
    done = connection.execute(
        "DELETE FROM conversations WHERE owner = ? AND conversation_id = ?", (owner, conversation_id)
    )
    if not done.rowcount:
        raise no_conversation()
    for table in ("turns", "shares"):
        connection.execute(f"DELETE FROM {table} WHERE owner = ? AND conversation_id = ?", (owner, conversation_id))  # noqa: S608


def forget_old(database: AnyDatabase, days: int, moment: datetime | None = None) -> int:
    """Delete conversations that have not changed for ``days``; return how many."""
    before = stamp((moment or datetime.now(UTC)) - timedelta(days=days))
    with database.write() as connection:
        old = connection.execute(
            "SELECT owner, conversation_id FROM conversations WHERE changed < ?", (before,)
        ).fetchall()
        for owner, id_ in old:
            forget(connection, owner, id_)
    return len(old)


def checked_feedback(verdict: str, comment: str) -> None:
    """Raises SettingsError."""
    if verdict not in VERDICTS:
        raise SettingsError(f"verdict = {verdict!r} is unknown.", f"It is one of: {', '.join(VERDICTS)}.")
    if len(comment) > COMMENT:
        raise SettingsError(f"The comment has {len(comment)} characters.", f"Write {COMMENT:,} or fewer.")


def add_feedback(connection: Connection, user: User, answer_id: str, verdict: str, comment: str) -> None:
    """Keep what the user says last of an answer that they got. Raises NotFound."""
    owner, answer_id = owner_of(user), plain(answer_id)
    if not connection.execute("SELECT 1 FROM turns WHERE owner = ? AND answer_id = ?", (owner, answer_id)).fetchone():
        raise NotFound("There is no such answer.", "Only an answer that you got can be judged.")
    connection.execute(
        "INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner, answer_id) DO UPDATE SET time = excluded.time, "
        '"user" = excluded."user", verdict = excluded.verdict, comment = excluded.comment',
        (owner, answer_id, now(), plain(user.name), verdict, plain(comment)),
    )


def feedback(connection: Connection) -> list[dict[str, Any]]:
    """Return [{time, user, answer_id, verdict, comment, question, status}], newest first; the last two None where they are gone."""
    names = ("time", "user", "answer_id", "verdict", "comment", "question", "status")
    rows = connection.execute(
        'SELECT f.time, f."user", f.answer_id, f.verdict, f.comment, t.question, t.status FROM feedback f LEFT JOIN turns t '
        "ON t.id = (SELECT max(id) FROM turns WHERE owner = f.owner AND answer_id = f.answer_id) ORDER BY f.time DESC, f.answer_id"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]
