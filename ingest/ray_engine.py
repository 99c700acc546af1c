"""The engine of more than one machine: Ray reads and embeds, and this process, which has the store, puts in what comes back.

Vectors are kept in the ledger by their texts as they come, a document goes in once all of its vectors are there, and the store
then finds those vectors instead of making them; what is missing it makes itself. So nothing depends on what the machines of the
cluster did or did not do: a run that was cut short is gone on with as any other.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from ingest import reading
from ingest._actors import Broken, Made, Unchanged, Whole, value_of
from ingest._run import IDLE_S, Engine, Read, Run
from ingest.plain import plain
from ingest.ray_driver import Came, Ended, Order, Started
from ingest.reading import Ready, original_of
from ingest.sources import Item
from ingest.worker import send
from vectorstore.errors import ReadError, StoreError, ThesisError
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings

log = logging.getLogger(__name__)

_START_S = 180.0  # for Ray on a machine that is busy
_END_S = 30.0
_AHEAD = 8  # messages taken in ahead of the store
_TOGETHER = 64  # documents put in together

_BOOT = "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); from ingest.ray_driver import main; main()"
# All that reading and embedding ask for: no address, password or secret of anything else goes to a cluster.
_SENT = frozenset({"embedding_model", "embedding_backend", "embedding_device", "cache"}) | {
    "file_limit_mb", "file_timeout_s", "file_memory_mb", "fetch_limit_mb", "fetch_timeout_s", "fetch_private_addresses",
    "user_agent", "ca_bundle",
}  # fmt: skip


def ray_engine(settings: Settings) -> Engine:
    """Return the engine: ``ray_address`` names the cluster, or nothing for Ray on this machine, for the one run."""

    def engine(run: Run, items: Sequence[Item]) -> None:
        known = [run.known(item) for item in items]
        asked = [run.asked(item, info) for item, info in zip(items, known, strict=True)]
        fingerprint = run.store.embedder.fingerprint
        order = Order(
            asked=tuple(asked),
            settings=_sent(settings),
            fingerprint=fingerprint,
            parse=reading.PARSE,
            address=settings.ray_address.strip(),
            workers=settings.workers,
            gpu=settings.embedding_device != "cpu" and "/torch" in fingerprint,
            cuda=settings.embedding_device == "cuda",
        )
        with _Driver(order) as driver:
            _Taking(run, items, known).all(driver)

    return engine


def _sent(settings: Settings) -> Settings:
    return Settings(**{f.name: getattr(settings, f.name) for f in fields(Settings) if f.name in _SENT})


@dataclass(slots=True)
class _Coming:
    """A document some of whose vectors are still under way."""

    whole: Whole | None = None
    parts: int = 0


@dataclass(slots=True)
class _Taking:
    """Puts into the store what comes."""

    run: Run
    items: Sequence[Item]
    known: Sequence[SourceInfo | None]
    coming: dict[int, _Coming] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def all(self, driver: _Driver) -> None:
        """Take all. Raises StoreError where Ray ends before."""
        batch: list[Read] = []
        while True:
            message = driver.next(0 if batch else IDLE_S)
            if isinstance(message, Started):
                self.run.begin(self.items)
            if isinstance(message, Came):
                batch += self._came(message)
            if batch and (message is None or isinstance(message, Ended) or len(batch) >= _TOGETHER):
                self.run.put(batch)
                batch = []
            if isinstance(message, Ended):
                if message.error is not None:
                    raise message.error
                break
            self.run.follow()
        lost = [item for place, item in enumerate(self.items) if place not in self.done]
        if lost:
            log.warning(
                "%d files were lost with the processes that read them; they are read on this machine", len(lost)
            )
            plain()(self.run, lost)

    def _came(self, message: Came) -> list[Read]:
        place, value = message.place, value_of(message.body)
        if isinstance(value, Broken):
            raise value.error
        if place in self.done:
            return []
        item = self.items[place]
        if isinstance(value, Unchanged):
            self.done.add(place)
            self.run.unchanged(item, self.known[place])
            return []
        if isinstance(value, ThesisError | OSError):
            self.done.add(place)
            self.run.fail(item, value)
            return []
        coming = self.coming.setdefault(place, _Coming())
        if isinstance(value, Whole):
            coming.whole = value
        elif isinstance(value, Made):
            if value.shas:
                self.run.store.keep_vectors(value.fingerprint, value.shas, value.vectors)
            coming.parts += 1
        if coming.whole is None or coming.parts < coming.whole.parts:
            return []
        del self.coming[place]
        self.done.add(place)
        return self._ready(item, self.known[place], coming.whole)

    def _ready(self, item: Item, known: SourceInfo | None, whole: Whole) -> list[Read]:
        try:
            original = original_of(item, whole.parsed, whole.data, self.run.settings)
        except (ReadError, OSError) as error:
            self.run.fail(item, error)
            return []
        said = self.run.asked(item, known).before
        return [(item, known is None or not known.version, Ready(whole.parsed, original, said))]


class _Driver:
    """The process that talks to Ray (ray_driver.main), and a thread that takes in what it sends, a little ahead."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._came: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self._said = cast(BinaryIO, tempfile.TemporaryFile())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one and all of its own
            )
        except OSError as error:
            self._said.close()
            raise StoreError(
                f"Ray does not start ({error}).", "Close other programs, or use --engine plain."
            ) from error
        self._thread = threading.Thread(target=self._receive, name="thesis-ray", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # unsent bytes to a process that is gone
            self._process.stdin.close()  # it ends what Ray started on this machine, and itself
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._process.stdout.close()
        self._said.close()

    def next(self, seconds: float) -> Came | Ended | Started | None:
        """Return what came next, None where nothing comes for ``seconds``. Raises StoreError where the process is gone."""
        try:
            message: Came | Ended | Started | BaseException = (
                self._came.get(timeout=seconds) if seconds else self._came.get_nowait()
            )
        except queue.Empty:
            return None
        if isinstance(message, BaseException):
            raise message
        return message

    def _receive(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(_START_S, stop)
        timer.daemon = True
        timer.start()
        try:
            for message in (sys.path, self._order):
                send(cast(BinaryIO, self._process.stdin), message)
            while True:
                came = pickle.load(self._process.stdout)  # noqa: S301 - our own child
                timer.cancel()
                self._give(came)
                if isinstance(came, Ended):
                    return
        except (OSError, EOFError, pickle.UnpicklingError, ValueError):
            self._give(self._gone(late.is_set()))
        finally:
            timer.cancel()

    def _give(self, message: object) -> None:
        while not self._stopped.is_set():
            try:
                self._came.put(message, timeout=IDLE_S)
                return
            except queue.Full:
                continue

    def _gone(self, late: bool) -> StoreError:
        if late:
            return StoreError(
                f"Ray did not start within {_START_S:.0f} s.",
                "Look at the cluster (ray status), or use --engine plain.",
            )
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 4000))
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return StoreError(
            f"The process that talks to Ray has ended ({lines[-1][:200] if lines else 'it said nothing'}).",
            "What is in stays in: run the same again, or use --engine plain.",
        )
