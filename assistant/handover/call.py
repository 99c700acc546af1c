"""One command of one caller, at the owner's side: what it prints and how far it is go over, and it ends with its caller."""

from __future__ import annotations

import io
import selectors
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from assistant.handover.wire import BEAT_S, Channel, WireError

_PROGRESS_S = 0.1
_OUT_CHARACTERS = 1 << 18


class Abandoned(Exception):
    """Whoever asked is gone, or the owner stops: raised inside the command. No error of the store or of a file."""


class Call:
    """One command of one caller."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.name = ""
        self.gone = threading.Event()
        self.done = threading.Event()
        self._begun = False

    def go_on(self) -> None:
        """Raise Abandoned where whoever asked is gone, or the owner stops."""
        if self.gone.is_set():
            raise Abandoned

    def begin(self) -> None:
        """Say that the work starts: up to here the caller may go elsewhere with it."""
        if not self._begun:
            self.send({"started": True})
            self._begun = True

    def stop(self) -> None:
        self.gone.set()

    def send(self, message: Mapping[str, Any]) -> None:
        self.go_on()
        try:
            self.channel.send(message)
        except OSError:
            self.gone.set()
            raise Abandoned from None

    def keep(self) -> None:
        """Beat, and watch for the end of the caller's stream, until the command is done."""
        threading.Thread(target=self._keep, name="thesis-beat", daemon=True).start()

    def _keep(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.channel.connection, selectors.EVENT_READ)
                while not self.done.is_set():
                    if selector.select(BEAT_S):
                        if self.channel.receive() is None:
                            break
                    elif not self.done.is_set():
                        self.channel.send({"alive": True})
        except (OSError, ValueError, KeyError, WireError):
            pass  # the connection is closed: by the caller, or because the command is done
        self.gone.set()


class Stream:
    """Text that the command prints, sent to the caller."""

    encoding = "utf-8"

    def __init__(self, call: Call, name: str, terminal: bool) -> None:
        self._call, self._name, self._terminal = call, name, terminal
        self._held = io.StringIO()

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self._held.write(text)
        if self._held.tell() >= _OUT_CHARACTERS or (self._name == "err" and "\n" in text):
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self._held = self._held.getvalue(), io.StringIO()
        for start in range(0, len(text), _OUT_CHARACTERS):
            self._call.send({self._name: text[start : start + _OUT_CHARACTERS]})
        self._call.go_on()


class Sent:
    """Progress, sent to the caller, who shows it; it is also where a command whose caller is gone is stopped."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sent = -1e9
        self._held: Any = None  # the newest, where it came too soon after the last that was sent

    def __call__(self, progress: Any) -> None:
        self._call.go_on()
        self._held = progress
        if time.monotonic() - self._sent >= _PROGRESS_S:
            self._send()

    def _send(self) -> None:
        self._sent, progress, self._held = time.monotonic(), self._held, None
        self._call.send({"progress": asdict(progress)})

    def close(self) -> None:
        if self._held is not None:
            self._send()
        self._call.send({"progress": None})
