"""The caller's side: a command for a store that another process owns is handed to it, or waits until the store is free."""

from __future__ import annotations

import argparse
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from assistant.commands import CHANGES, COMMANDS, READS
from assistant.handover import note as notes
from assistant.handover import passed
from assistant.handover.note import Note
from assistant.handover.wire import GREETING_S, PROTOCOL, REQUEST_BYTES, SILENT_S, Channel, WireError, greet_owner
from assistant.wiring import Wiring
from vectorstore.errors import SettingsError, StoreError, StoreLocked, ThesisError
from vectorstore.lock import OwnerLock
from vectorstore.settings import Settings

_POLL_S = 0.2


class Refused(StoreLocked):
    """The owner takes such a command from nobody, or not now."""


class HandedError(ThesisError):
    """An error of the command, as the owner met it."""

    def __init__(self, kind: str, message: str, what_to_do: str) -> None:
        super().__init__(message, what_to_do)
        self.kind = kind


def run(arguments: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run a command that needs the store: in the process that owns it, else here. Returns its exit code.

    Waits up to ``settings.lock_wait_s`` for an owner that does not take it. Raises StoreLocked after that, StoreError
    where the owner ends or falls silent in the middle, and what the command raises.
    """
    name, root = arguments.command, Path(settings.store)
    if "-" in vars(arguments).values():
        wiring = replace(wiring, given=io.StringIO(wiring.stdin.read()))  # read once, wherever the command then runs
    lock, locked, end = OwnerLock(root), None, 0.0
    while True:
        try:
            code = _handed(arguments, settings, wiring, out) if name in READS or name in CHANGES else None
            if code is not None:
                return code
            if locked is None or lock.free():
                return COMMANDS[name](arguments, settings, wiring, out)
        except StoreLocked as error:
            known = notes.read(root)
            if name == "serve" and known is not None and known.command.endswith("serve"):
                raise
            if locked is None:
                end = time.monotonic() + settings.lock_wait_s
                if settings.lock_wait_s:
                    print(
                        f"{error.message} Waiting for it, up to {settings.lock_wait_s} s.", file=wiring.err, flush=True
                    )
            locked = error
        if time.monotonic() >= end:
            assert locked is not None
            raise locked
        time.sleep(_POLL_S)


def _handed(arguments: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int | None:
    """Return the exit code of the owner; None where nobody can be reached. Raises as ``run``."""
    note = notes.read(Path(settings.store))
    if note is None or note.host != socket.gethostname():
        return None
    try:
        channel = Channel(socket.create_connection(("127.0.0.1", note.port), timeout=GREETING_S))
    except OSError:
        return None  # the owner died and left its note, or is leaving
    with channel:
        try:
            protocol = greet_owner(channel, note.token)
        except (OSError, WireError):
            return None
        if protocol != PROTOCOL:
            raise StoreLocked(
                f"The store {settings.store} is in use by {note.owner}, which runs another version of this program.",
                "Stop that process and start it again.",
            )
        return _Exchange(channel, note, settings, wiring, out).run(arguments)


class _Exchange:
    """One command with its owner."""

    def __init__(self, channel: Channel, note: Note, settings: Settings, wiring: Wiring, out: TextIO) -> None:
        self._channel, self._note, self._settings, self._wiring, self._out = channel, note, settings, wiring, out
        self._begun = False
        self._progress: Any = None

    def run(self, arguments: argparse.Namespace) -> int | None:
        self._channel.patience(SILENT_S)
        request = self._request(arguments)
        try:
            self._channel.send(request)
            while True:
                message = self._channel.receive()
                if message is None:
                    self._ended()
                    return None
                if "exit" in message:
                    self._tell({"progress": None})
                    return int(message["exit"])
                self._tell(message)
                if message.get("stopped"):
                    self._ended("was stopped")
                    return None
        except TimeoutError:
            raise StoreError(
                f"The {self._note.owner}, which has the store, has said nothing for {SILENT_S:g} s.",
                "See whether it still runs; stop it if it hangs, then run this again.",
            ) from None
        except (WireError, ConnectionError):
            self._ended()
            return None

    def _request(self, arguments: argparse.Namespace) -> dict[str, Any]:
        folder = Path.cwd()
        given, fixed = passed.of_caller(self._settings, folder)
        stdin = None
        if self._wiring.given is not None:
            stdin = self._wiring.given.read()
            self._wiring.given.seek(0)
            if len(stdin) > REQUEST_BYTES // 2:
                raise SettingsError(
                    f"Standard input holds {len(stdin)} characters; {REQUEST_BYTES // 2} can be handed to the process "
                    "that has the store.",
                    "Save it as a file and name that, or stop that process.",
                )
        return {
            "command": arguments.command,
            "arguments": {name: value for name, value in vars(arguments).items() if name not in {"store", "config"}},
            "settings": given,
            "fixed": fixed,
            "folder": str(folder),
            "stdin": stdin,
            "terminal": self._wiring.err.isatty(),
        }

    def _tell(self, message: Mapping[str, Any]) -> None:
        """Show what came, exactly as if it had been made here. Raises the command's error."""
        if "progress" in message:
            if self._progress is None:
                self._progress = self._wiring.progress(self._wiring.err)
            if message["progress"] is None:
                self._progress.close()
            else:
                self._progress(message["progress"])
        elif "err" in message:
            print(message["err"], end="", file=self._wiring.err, flush=True)
        elif "out" in message:
            print(message["out"], end="", file=self._out, flush=True)
        elif "started" in message:
            self._begun = True
        elif "refused" in message:
            raise Refused(
                f"The store {self._settings.store} is in use by {self._note.owner}.",
                "Stop that process, wait for it to finish, or name another folder with --store.",
            )
        elif "error" in message:
            error = message["error"]
            raise HandedError(str(error["kind"]), str(error["message"]), str(error["what_to_do"]))

    def _ended(self, how: str = "ended") -> None:
        """The owner is gone. Raises StoreError, but where nothing had begun: then the command may run elsewhere."""
        if self._begun:
            raise StoreError(
                f"The {self._note.owner}, which has the store and did this for you, {how} before it was done.",
                "Run the same command again: it goes on from what was finished.",
            )
