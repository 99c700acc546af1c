"""Links to conversations in the records: whoever has the token, and may sign in, may read the conversation as it stands."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any

from assistant.access import User
from assistant.records.audit import now
from assistant.records.chain import plain
from assistant.records.conversations import no_conversation, owner_of, whole
from vectorstore.database import Connection
from vectorstore.errors import NotFound

_BYTES = 32  # of chance in a token


def mark(token: str) -> str:
    """Return what the audit calls a link: it tells two apart, and opens none."""
    return sha256(plain(token).encode()).hexdigest()[:16]


def share(connection: Connection, user: User, conversation_id: str) -> tuple[str, bool]:
    """Return the token of a conversation's link, and whether it was made now. Raises NotFound."""
    owner, conversation_id = owner_of(user), plain(conversation_id)
    held = token_of(connection, user, conversation_id)
    if held is not None:
        return held, False
    token = secrets.token_urlsafe(_BYTES)
    connection.execute(
        "INSERT INTO shares VALUES (?, ?, ?, ?, ?)", (token, owner, conversation_id, plain(user.name), now())
    )
    return token, True


def token_of(connection: Connection, user: User, conversation_id: str) -> str | None:
    """Return the token of a conversation's link; None where there is none. Raises NotFound."""
    found = connection.execute(
        "SELECT s.token FROM conversations c LEFT JOIN shares s ON s.owner = c.owner AND s.conversation_id = c.conversation_id "
        "WHERE c.owner = ? AND c.conversation_id = ?",
        (owner_of(user), plain(conversation_id)),
    ).fetchone()
    if found is None:
        raise no_conversation()
    return None if found[0] is None else str(found[0])


def unshare(connection: Connection, token: str) -> None:
    connection.execute("DELETE FROM shares WHERE token = ?", (token,))


def shared(connection: Connection, token: str) -> dict[str, Any]:
    """Return the conversation behind a link (``conversations.whole``) and its ``owner``'s name. Raises NotFound."""
    found = connection.execute(
        "SELECT owner, conversation_id, name FROM shares WHERE token = ?", (plain(token),)
    ).fetchone()
    if found is None:
        raise NotFound("There is no such link.", "It may have been withdrawn: ask who sent it.")
    return whole(connection, found[0], found[1]) | {"owner": found[2]}
