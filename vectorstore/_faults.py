"""What a failing disk or database means to a user: one StoreError for each cause, with what to do."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from vectorstore.errors import StoreError, StoreFull

# Chroma reports what its own SQLite and files said as text only.
_FULL = re.compile(
    r"disk is full|no space left|disk quota exceeded|file too large|\bos error (?:28|27|122)\b|\bcode: 13\b",
    re.IGNORECASE,
)
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
AGAIN = "Free some space on its disk and run the same again: what is in stays in, nothing is half in."


def fault(what: str, error: BaseException, otherwise: str) -> StoreError:
    """Return the StoreError for ``error`` in ``what`` ("The ledger x.sqlite"); ``otherwise``: what to do if no cause is known."""
    if no_room(error):
        return StoreFull(f"{what} cannot grow: there is no space left ({_said(error)}).", AGAIN)
    said = _said(error)
    if isinstance(error, MemoryError):
        return StoreError(f"{what}: there is not enough memory.", "Close other programs and run the same again.")
    if "readonly" in said or isinstance(error, PermissionError):
        return StoreError(f"{what} cannot be written: {said}.", "Give yourself the right to write to the store folder.")
    if "database is locked" in said:
        return StoreError(f"{what} is held by another program.", "End what reads or copies the store, and try again.")
    if "disk I/O error" in said or isinstance(error, OSError):
        return StoreError(
            f"{what} cannot be read or written: {said}.",
            "Check the disk and the rights of the store folder, then run the same again; nothing is half in.",
        )
    return StoreError(f"{what} failed: {said}.", otherwise)


def no_room(error: BaseException) -> bool:
    """Whether the disk, a quota or a limit on the size of files is the cause."""
    seen: BaseException | None = error
    while seen is not None:
        if (
            isinstance(seen, StoreFull)
            or (isinstance(seen, OSError) and seen.errno in _NO_ROOM)
            or _FULL.search(str(seen))
        ):
            return True
        seen = seen.__cause__
    return False


def ledger_fault(path: Path) -> Callable[[sqlite3.Error], Exception]:
    """Return what turns an SQLite error of the ledger into a StoreError; an error of the program stays what it is."""

    def turned(error: sqlite3.Error) -> Exception:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            return error
        said = str(error)
        if "malformed" in said or "not a database" in said:
            return StoreError(
                f"The ledger {path} cannot be read: {said}.",
                "Restore it from a backup, or move the store folder away and ingest again.",
            )
        return fault(f"The ledger {path}", error, "Restore it from a backup, or ingest into a new store.")

    return turned


def _said(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
