"""JSON lines over a loopback connection, and the proof that both ends know the token of the note.

::

    owner    {"thesis": PROTOCOL, "nonce"}
    caller   {"nonce", "proof"}
    owner    {"proof"}
    caller   {"command", "arguments", "settings", "fixed", "folder", "stdin", "terminal"}
    owner    {"accepted": true} | {"refused": true} | {"error": …}
    owner    {"started": true}, then any of {"out": text}, {"err": text}, {"progress": {…} | null}, {"alive": true}
    owner    {"exit": code} | {"error": {"kind", "message", "what_to_do"}} | {"stopped": true}

The caller says nothing after its request: the end of its stream is what cancels it.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

PROTOCOL = 1
REQUEST_BYTES = 16 << 20  # a batch of questions on standard input is the largest thing that is sent
GREETING_BYTES = 4096  # what a stranger may make us hold
GREETING_S = 5.0  # both ends are programs on one machine; Windows takes 2 s to refuse a connection
BEAT_S = 2.0
SILENT_S = 30.0  # so many beats missed are no busy machine any more


class WireError(Exception):
    """The other end is not what it should be."""


class Channel:
    """One connection. ``send`` from any thread; ``receive`` from one."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = bytearray()
        self._sending = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other end may be gone
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def patience(self, seconds: float) -> None:
        """Give every later send and receive so long."""
        self.connection.settimeout(seconds)

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises OSError where the other end is gone or does not read."""
        line = json.dumps(message, allow_nan=False).encode("ascii") + b"\n"
        with self._sending:
            self.connection.sendall(line)

    def receive(self, limit: int = REQUEST_BYTES) -> dict[str, Any] | None:
        """Return the next message, None at the end. Raises OSError (TimeoutError) and WireError."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > limit:
                raise WireError(f"a message of more than {limit} bytes")
            part = self.connection.recv(65536)
            if not part:
                return None
            self._buffer += part
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise WireError("a message that is no JSON") from error
        if not isinstance(message, dict):
            raise WireError("a message that is no object")
        return message


def _proof(token: str, side: str, first: str, second: str) -> str:
    return hmac.digest(token.encode(), f"{side}\n{first}\n{second}".encode(), "sha256").hex()


def _text(message: Mapping[str, Any] | None, name: str) -> str:
    value = (message or {}).get(name)
    if not isinstance(value, str) or not value.isascii():
        raise WireError(f"a greeting without {name}")
    return value


def greet_caller(channel: Channel, token: str) -> None:
    """The owner's side of the greeting. Raises WireError for whoever does not know the token, and OSError."""
    channel.patience(GREETING_S)
    own = secrets.token_hex(16)
    channel.send({"thesis": PROTOCOL, "nonce": own})
    reply = channel.receive(GREETING_BYTES)
    other, proof = _text(reply, "nonce"), _text(reply, "proof")
    if not hmac.compare_digest(proof, _proof(token, "caller", own, other)):
        raise WireError("a caller that does not know the token")
    channel.send({"proof": _proof(token, "owner", own, other)})


def greet_owner(channel: Channel, token: str) -> int:
    """The caller's side; returns the owner's protocol. Raises WireError for whoever is not the note's writer, and OSError."""
    channel.patience(GREETING_S)
    hello = channel.receive(GREETING_BYTES)
    other, own = _text(hello, "nonce"), secrets.token_hex(16)
    channel.send({"nonce": own, "proof": _proof(token, "caller", other, own)})
    proof = _text(channel.receive(GREETING_BYTES), "proof")
    if not hmac.compare_digest(proof, _proof(token, "owner", other, own)):
        raise WireError("an owner that does not know the token")
    protocol = (hello or {}).get("thesis")
    return protocol if isinstance(protocol, int) else 0
