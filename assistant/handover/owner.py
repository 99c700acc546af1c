"""The owner's side: commands from other shells run here, over the store that is open, as if given to this process."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO, cast

from assistant.commands import CHANGES, COMMANDS, LONG, READS
from assistant.handover import note as notes
from assistant.handover import passed
from assistant.handover.call import Abandoned, Call, Sent, Stream
from assistant.handover.note import Note
from assistant.handover.wire import SILENT_S, Channel, WireError, greet_caller
from assistant.wiring import Ingestor, Wiring
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)

_AT_ONCE = 64  # callers; more are refused and try again
_LOOK_S = 0.5  # a thread that waits for callers does not see everywhere that its socket was closed
# How long a stopped command may take to come to the border of a document: one batch is embedded and written in less.
_STOP_S = 60.0


class Opened(Protocol):
    """The open store, as app.py hands it in."""

    @property
    def settings(self) -> Settings: ...
    @property
    def changes(self) -> bool:
        """Whether this owner takes commands that change the base."""

    def agree(self, settings: Settings) -> None:
        """Raise FingerprintMismatch where the store is open with another model than ``settings`` name."""

    def assistant(self, settings: Settings) -> AbstractContextManager[Any]: ...
    def ingestor(self, settings: Settings, waiting: Callable[[], None]) -> AbstractContextManager[Ingestor]:
        """Yield an Ingestor when its turn has come; ``waiting`` is called again and again until then."""

    def rebuilder(self, settings: Settings) -> AbstractContextManager[Any]:
        """Yield what has Ingestor's ``rebuild``; documents come in and go out meanwhile."""


class Owner:
    """Takes commands from ``start`` until ``finish`` (which lets them end) or ``stop`` (which does not).

    As a context manager it starts, finishes at the end, also where its own command failed, and stops at Ctrl-C.
    """

    def __init__(self, root: Path, opened: Opened) -> None:
        self._root, self._opened = root, opened
        self._guard = threading.Lock()
        self._calls: set[Call] = set()
        self._leaving = False
        self._listening: socket.socket | None = None
        self._note: Note | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self.finish()
        else:
            self.stop()

    def start(self) -> None:
        """Listen on a free loopback port and say where. Where that cannot be, others wait for the store as they would."""
        try:
            self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may listen on it too
                self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            self._listening.bind(("127.0.0.1", 0))
            self._listening.listen(_AT_ONCE)
            self._listening.settimeout(_LOOK_S)
            self._note = Note(self._listening.getsockname()[1])
            notes.write(self._root, self._note)
        except OSError as error:
            log.warning("Commands of other shells cannot be taken: %s", error)
            self._close()
            return
        threading.Thread(target=self._listen, args=(self._listening,), name="thesis-control", daemon=True).start()

    def finish(self) -> None:
        """Take no more, and return when what was taken is done. Ctrl-C stops it."""
        self._close()
        with self._guard:
            names = sorted({call.name for call in self._calls if call.name})
        if names:
            what = ", ".join(names)
            print(f"Finishing what another shell asked of this one: {what}. Ctrl-C stops it.", file=sys.stderr)
        try:
            self._join(None)
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> None:
        """Take no more, and stop what runs at the next border of a document. Safe to call twice."""
        self._close()
        with self._guard:
            calls = list(self._calls)
        for call in calls:
            call.stop()
        self._join(_STOP_S)

    def _close(self) -> None:
        with self._guard:
            self._leaving = True
            listening, self._listening = self._listening, None
            note, self._note = self._note, None
        if note is not None:
            notes.remove(self._root, note)
        if listening is not None:
            with contextlib.suppress(OSError):  # turns away at once who connects now; not every system knows it
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def _join(self, seconds: float | None) -> None:
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            with self._guard:
                call = next(iter(self._calls), None)
            if call is None or (end is not None and time.monotonic() > end):
                return
            call.done.wait(0.2)  # a wait without limit would not see Ctrl-C on Windows

    def _listen(self, listening: socket.socket) -> None:
        token = self._note.token if self._note else ""
        while True:
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            channel = Channel(connection)
            call = Call(channel)
            thread = threading.Thread(target=self._take, args=(call, token), name="thesis-handed", daemon=True)
            with self._guard:
                if self._leaving or len(self._calls) >= _AT_ONCE:
                    channel.close()
                    continue
                self._calls.add(call)
            thread.start()

    def _take(self, call: Call, token: str) -> None:
        with call.channel:
            try:
                greet_caller(call.channel, token)
                request = call.channel.receive()
                if request is not None:
                    self._answer(call, request)
            except (OSError, WireError) as error:
                log.info("a caller was turned away: %s", error)
            except Abandoned:
                with contextlib.suppress(OSError):  # gone, most likely
                    call.channel.send({"stopped": True})
            finally:
                with self._guard:
                    self._calls.discard(call)
                call.done.set()

    def _answer(self, call: Call, request: Mapping[str, Any]) -> None:
        """Run the command of a caller who has shown the token."""
        try:
            call.name = str(request["command"])
            if not self._takes(call.name, request["arguments"]):
                call.channel.send({"refused": True})
                return
            settings = passed.combined(self._opened.settings, request["settings"])
            opening = passed.combined(settings, request["fixed"], passed.FIXED)
            if call.name == "rebuild":
                settings = opening
            else:
                self._opened.agree(opening)
            arguments = argparse.Namespace(**request["arguments"])
            wiring = self._wiring(call, request)
        except ThesisError as error:
            call.channel.send({"error": _shown(error)})
            return
        except (KeyError, TypeError, AttributeError) as error:
            raise WireError(f"a request without sense: {error!r}") from error
        log.info("%s taken from another shell", call.name)
        call.channel.patience(SILENT_S)
        call.send({"accepted": True})
        call.keep()
        out = Stream(call, "out", False)
        try:
            code = COMMANDS[call.name](arguments, settings, wiring, cast(TextIO, out))
            out.flush()
            wiring.err.flush()
            call.send({"exit": int(code)})
        except ThesisError as error:
            call.send({"error": _shown(error)})
        except Abandoned:
            raise
        except Exception as error:
            # A fault of one command, which its caller is told: the owner's own work goes on.
            log.exception("a command that was handed over failed")
            message = f"{call.name} failed in process {notes.this_process()}: {type(error).__name__}: {error}."
            call.send({"error": {"kind": "error", "message": message, "what_to_do": "See the log of that process."}})

    def _takes(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """An owner that only reads soon ends, and takes nothing that would keep it."""
        if self._opened.changes:
            return name in READS or name in CHANGES
        return name in READS and name not in LONG and not arguments.get("batch")

    def _wiring(self, call: Call, request: Mapping[str, Any]) -> Wiring:
        err = cast(TextIO, Stream(call, "err", bool(request["terminal"])))
        told: list[bool] = []

        def waiting() -> None:
            call.go_on()
            if not told:
                told.append(True)
                print(f"Waiting for what {notes.this_process()} is reading in already.", file=err, flush=True)

        def open_assistant(settings: Settings) -> AbstractContextManager[Any]:
            call.begin()
            return self._opened.assistant(settings)

        @contextlib.contextmanager
        def open_ingestor(settings: Settings, *, repair: bool = False) -> Any:
            # Only a rebuild opens a store that may need repair.
            opened = self._opened.rebuilder(settings) if repair else self._opened.ingestor(settings, waiting)
            with opened as ingestor:
                call.begin()
                yield ingestor

        return Wiring(
            open_assistant,
            open_ingestor,
            _nothing_to_serve,
            lambda stream: Sent(call),
            given=io.StringIO(str(request["stdin"] or "")),
            told=err,
            folder=Path(str(request["folder"])),
            go_on=call.go_on,
        )


def _nothing_to_serve(settings: Settings) -> int:
    raise AssertionError("serve is never handed over")


def _shown(error: ThesisError) -> dict[str, str]:
    return {"kind": error.kind, "message": error.message, "what_to_do": error.what_to_do}
