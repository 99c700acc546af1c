"""What the ledger and the other tables of the program ask of a database, whichever it is.

The SQL is written once, in what SQLite and PostgreSQL both understand: ``?`` for a value, ``ON CONFLICT`` for an upsert, column
names that one of them reserves in double quotes, no row numbers. ``among`` stands for a list of texts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One transaction of a database."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Rows: ...
    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Rows: ...


class Lock(Protocol):
    """Held by one thread, which may take it again inside: of this process, or of all that share the database."""

    @property
    def here(self) -> AbstractContextManager[Any]: ...  # the same, between the threads of this process only
    def __enter__(self) -> Any: ...
    def __exit__(self, *error: Any) -> Any: ...
    def acquire_now(self) -> bool: ...
    def release(self) -> None: ...
    def kept(self) -> bool: ...


class LocalLock:
    """A lock of this process."""

    def __init__(self) -> None:
        self.here: AbstractContextManager[Any] = threading.RLock()

    def __enter__(self) -> None:
        self.here.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.here.__exit__(*error)

    def acquire_now(self) -> bool:
        """Take it if no other thread has it. Whoever got it calls ``release``."""
        return bool(self.here.acquire(blocking=False))  # type: ignore[attr-defined]

    def release(self) -> None:
        self.here.__exit__(None, None, None)

    def kept(self) -> bool:
        """Whether it is held still by who took it: always, in one process."""
        return True


class AnyDatabase(Protocol):
    """SQLite (vectorstore._sqlite) or PostgreSQL (vectorstore._postgres): one writer at a time, any number of readers."""

    shared: bool  # whether other processes change it too

    @property
    def changes(self) -> int: ...
    @property
    def revision(self) -> int: ...
    def write(self) -> AbstractContextManager[Connection]: ...
    def read(self) -> AbstractContextManager[Connection]: ...
    def lock(self, name: str) -> Lock: ...
    def bytes(self) -> int: ...
    def compact(self, share: float = ...) -> None: ...
    def problems(self, *, thorough: bool) -> list[str]: ...
    def close(self) -> None: ...


def among(column: str) -> str:
    """Return the condition that ``column`` is one of the texts of a JSON list, the one value of it."""
    return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - a name of the program
