"""One owner of a store folder: an embedded Chroma that two processes write to is lost without a word."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vectorstore.errors import StoreError, StoreLocked


def command_line() -> str:
    """Return the program and subcommand of this process, as others are told of it."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]).strip() or "python"


class OwnerLock:
    """Held from ``acquire`` to ``release``; the operating system frees it when the process dies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # A store may be opened in one thread and closed in another.
        self._lock = FileLock(root / "owner.lock", timeout=0, thread_local=False)
        self._note = root / "owner.json"

    def acquire(self) -> None:
        """Take the lock, or raise StoreLocked naming who has it."""
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreLocked(
                f"The store {self.root} is in use by {self._owner()}.",
                "Stop that process, wait for it to finish, or name another folder with --store.",
            ) from None
        except OSError as error:
            raise StoreError(
                f"The store {self.root} cannot be locked: {error}.", "Choose a folder that you may write to."
            ) from error
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": command_line(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with contextlib.suppress(OSError):  # the note only makes the message better
            self._note.write_text(json.dumps(owner), encoding="utf-8")

    def release(self) -> None:
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)
            self._lock.release()

    def free(self) -> bool:
        """Whether nobody has the store at this moment; it may be taken in the next."""
        try:
            self._lock.acquire()
        except (Timeout, OSError):
            return False
        self._lock.release()
        return True

    def _owner(self) -> str:
        try:
            owner = json.loads(self._note.read_text(encoding="utf-8"))
            here = "" if owner["host"] == socket.gethostname() else f" on {owner['host']}"
            return f"process {owner['pid']}{here} ({owner['command']}, since {owner['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def owned(root: Path) -> tuple[Path, OwnerLock]:
    """Take the folder. Raises StoreLocked."""
    lock = OwnerLock(root)
    lock.acquire()
    return root, lock


def owned_copy(root: Path) -> tuple[Path, OwnerLock]:
    """Take the first folder ``replicas/N`` of ``root`` that no other process has, made where there is none."""
    number = 0
    while True:
        number += 1
        folder = root / "replicas" / str(number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return owned(folder)
        except StoreLocked:
            continue
        except OSError as error:
            raise StoreError(
                f"The store folder {folder} cannot be made: {error}.", "Name another with --store."
            ) from error
