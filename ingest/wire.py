"""The connection under a fetch: look-ups with a time limit, pinned addresses, one deadline for all of it."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpcore


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of ``host`` in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Network:
    """The two doors to the outside: names to addresses, and addresses to connections."""

    resolve: Callable[[str, int], Sequence[str]] = system_resolve
    backend: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)


class Deadline:
    """The end of the whole fetch, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, more than 0. Raises httpcore.TimeoutException once they are used up."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole fetch is used up")
        return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation ends at the deadline: a slow drip gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Pinned(httpcore.NetworkBackend):
    """Connects to the addresses that were checked, whatever the name says by now.

    Host header and TLS server name still come from the URL. ``addresses`` None: connect by name
    (to the proxy, which the user configured).
    """

    def __init__(self, network: Network, deadline: Deadline, addresses: Sequence[str] | None) -> None:
        self._network = network
        self._deadline = deadline
        self._addresses = addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        targets = [host] if self._addresses is None else list(self._addresses)
        for i, target in enumerate(targets):
            # A dead first address (IPv6 without a route) leaves time for the others.
            share = self._deadline.left() / (len(targets) - i)
            try:
                stream = self._network.backend.connect_tcp(target, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if i == len(targets) - 1:
                    raise
            else:
                return _Stream(stream, self._deadline)
        raise httpcore.ConnectError(f"no address for {host}")


def look_up(network: Network, host: str, port: int, seconds: float) -> Sequence[str]:
    """Resolve within ``seconds``: the system's own look-up knows no time limit. Raises OSError or TimeoutError."""
    answer: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(network.resolve(host, port))
        except OSError as error:
            answer.put(error)
        except UnicodeError as error:  # a label beyond 63 characters
            answer.put(OSError(str(error)))

    threading.Thread(target=ask, daemon=True, name="thesis-resolve").start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved within {seconds:.0f} s") from None
    if isinstance(found, OSError):
        raise found
    return found
