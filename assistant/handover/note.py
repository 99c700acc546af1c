"""``control.json`` in the store folder: where the process that owns it takes commands."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from vectorstore.lock import command_line

NAME = "control.json"
_TRIES, _PAUSE_S = 20, 0.05


def this_process() -> str:
    """Return how others are told of this process."""
    return f"process {os.getpid()} ({command_line()})"


@dataclass(frozen=True, slots=True)
class Note:
    """``token`` is what whoever may read the file proves to have; it never goes over the wire."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    command: str = field(default_factory=command_line)

    @property
    def owner(self) -> str:
        return f"process {self.pid} ({self.command})"


def write(root: Path, note: Note) -> None:
    """Put the note in place whole, readable by this user only. Raises OSError."""
    made = root / f"{NAME}.{note.pid}.{note.token[:8]}"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(note), stream)
        _put(made, root / NAME)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _put(made: Path, target: Path) -> None:
    for _ in range(_TRIES):
        with contextlib.suppress(PermissionError):  # Windows, while another process reads the note before
            made.replace(target)
            return
        time.sleep(_PAUSE_S)
    made.replace(target)


def read(root: Path) -> Note | None:
    """Return the note; None where there is none, or none that makes sense: nobody can be reached then."""
    try:
        found = json.loads((root / NAME).read_text(encoding="utf-8"))
        note = Note(**{f.name: found[f.name] for f in fields(Note)})
        whole = all(isinstance(getattr(note, name), str) for name in ("token", "host", "command"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    sound = whole and isinstance(note.port, int) and 0 < note.port < 65536 and isinstance(note.pid, int)
    return note if sound and len(note.token) >= 32 else None


def remove(root: Path, note: Note) -> None:
    """Take the note away if it is still this one."""
    if read(root) == note:
        with contextlib.suppress(OSError):  # left behind it leads nowhere, and the next owner writes over it
            (root / NAME).unlink(missing_ok=True)
