"""The composition root and console entry: settings -> clients -> wiring -> launch.

`python app.py` serves the web chat; `thesis COMMAND` does the rest. Heavy imports stay inside the functions,
so that `thesis ask` never loads gradio.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from assistant.cli import Wiring, run
from assistant.handover.passed import FIXED
from vectorstore.errors import FingerprintMismatch, StoreEmpty
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant import Assistant
    from ingest import Ingestor
    from vectorstore.store import Store

log = logging.getLogger(__name__)


class _Opened:
    """The open store, for commands that other shells hand over (assistant.handover.owner.Opened)."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        assistant: Assistant | None = None,
        ingestor: Ingestor | None = None,
    ) -> None:
        self._store, self._settings, self._assistant, self._ingestor = store, settings, assistant, ingestor

    @property
    def settings(self) -> Settings:
        return self._settings if self._ingestor is None else self._ingestor.settings  # a rebuild may change them

    @property
    def changes(self) -> bool:
        return self._ingestor is not None

    def agree(self, settings: Settings) -> None:
        wanted, held = _fingerprint(settings), self._store.embedder.fingerprint
        if wanted != held:
            raise FingerprintMismatch(
                f"The store {self._store.root} is open with {held}; your settings name {wanted}.",
                "Run `thesis rebuild` to make its index again with these, or set the embedding back to what it was.",
            )

    @contextmanager
    def assistant(self, settings: Settings) -> Iterator[Assistant]:
        from assistant import Assistant

        if self._assistant is not None and settings == self._assistant.settings:
            yield self._assistant
            return
        own = Assistant(self._store, settings)
        try:
            yield own
        finally:
            own.release()

    def ingestor(self, settings: Settings, waiting: Callable[[], None]) -> AbstractContextManager[Ingestor]:
        assert self._ingestor is not None
        return self._ingestor.turn(settings, waiting)

    def rebuilder(self, settings: Settings) -> AbstractContextManager[_Rebuilder]:
        assert self._ingestor is not None
        return nullcontext(_Rebuilder(self._ingestor, settings))


@dataclass(frozen=True)
class _Rebuilder:
    """Rebuilds with the embedding that the caller's settings name; all else stays the owner's."""

    ingestor: Ingestor
    settings: Settings

    def rebuild(self, progress: Callable[[Any], None] | None = None) -> int:
        wanted = {name: getattr(self.settings, name) for name in FIXED}
        return self.ingestor.rebuild(progress, settings=replace(self.ingestor.settings, **wanted))


@lru_cache(maxsize=16)
def _fingerprint(settings: Settings) -> str:
    from vectorstore.embedding import make_embedder

    return make_embedder(settings).fingerprint


@contextmanager
def open_assistant(settings: Settings) -> Iterator[Assistant]:
    """Own the settings' store and yield an Assistant over it. Raises StoreEmpty where there is none."""
    from assistant import Assistant
    from assistant.handover.owner import Owner

    _need_base(settings)
    with (
        Assistant.open(settings.store, settings=settings) as assistant,
        Owner(assistant.store.root, _Opened(assistant.store, settings, assistant=assistant)),
    ):
        yield assistant


@contextmanager
def open_ingestor(settings: Settings, *, repair: bool = False) -> Iterator[Ingestor]:
    """Own the settings' store and yield an Ingestor over it."""
    from assistant.handover.owner import Owner

    if repair:
        _need_base(settings)
    with (
        _ingestor(settings, repair) as ingestor,
        Owner(ingestor.store.root, _Opened(ingestor.store, settings, ingestor=ingestor)),
    ):
        yield ingestor


@contextmanager
def _ingestor(settings: Settings, repair: bool = False) -> Iterator[Ingestor]:
    from ingest import CHUNKER_VERSION, Ingestor
    from vectorstore.embedding import make_embedder
    from vectorstore.server import server_of
    from vectorstore.shared import shared_of
    from vectorstore.store import Store

    server, shared, embedder = server_of(settings), shared_of(settings), make_embedder(settings)
    with (
        Store.open(
            settings.store,
            embedder=embedder,
            chunker_version=CHUNKER_VERSION,
            repair=repair,
            server=server,
            shared=shared,
        ) as store,
        Ingestor(store, settings) as ingestor,
    ):
        yield ingestor


def _need_base(settings: Settings) -> None:
    # One that machines share is made by whoever opens it first.
    if not settings.ledger and not (Path(settings.store) / "ledger.sqlite").exists():
        raise StoreEmpty(f"There is no base in {settings.store}.", "Make one with: thesis ingest PATH_OR_URL")


class _Shown:
    """What shows ingest progress on ``stream``, also that of another process, which comes as a mapping."""

    def __init__(self, stream: TextIO) -> None:
        from ingest import ProgressLine

        self._line = ProgressLine(stream)

    def __call__(self, progress: Any) -> None:
        from ingest.progress import Progress

        self._line(Progress(**progress) if isinstance(progress, Mapping) else progress)

    def close(self) -> None:
        self._line.close()


def progress(stream: TextIO) -> _Shown:
    """Return what shows ingest progress on ``stream``."""
    return _Shown(stream)


def serve(settings: Settings) -> int:
    """Serve the web chat until it is stopped.

    Meanwhile an empty base takes in the sample notes, and what an earlier process left undone is done.
    """
    from assistant import Assistant
    from assistant.access.rules import Rules
    from assistant.gates import Gates
    from assistant.handover.owner import Owner
    from assistant.records import Records
    from assistant.service import Service
    from assistant.web.server import serve as serve_web
    from assistant.web.signin.check import check
    from ingest.tending import tending
    from vectorstore.embedding import load_behind

    check(settings)  # before the base is opened, which takes its time
    gates = Gates.load(settings)
    with _ingestor(settings) as ingestor, Records.opened(settings, ingestor.store.root) as records:
        load_behind(ingestor.store.embedder)  # while the page comes up
        assistant = Assistant(ingestor.store, settings)
        opened = _Opened(ingestor.store, settings, assistant=assistant, ingestor=ingestor)
        with (
            _released(assistant),
            Owner(ingestor.store.root, opened) as owner,
            _going_on(ingestor, sys.stderr),
            tending(ingestor) if settings.ledger else nullcontext(),
        ):
            rules = Rules.load(settings, ingestor.store.collections)
            serve_web(Service(assistant, ingestor, settings, records=records, rules=rules, gates=gates), settings)
            owner.stop()  # whoever stops the server does not wait for what others asked of it
    return 0


@contextmanager
def _released(assistant: Assistant) -> Iterator[None]:
    try:
        yield
    finally:
        assistant.release()


@contextmanager
def _going_on(ingestor: Ingestor, stream: TextIO) -> Iterator[None]:
    """Do in a thread what an earlier process left undone, and show it on ``stream``; the end of the block ends it."""
    stopped = threading.Event()
    line = progress(stream)

    def go_on() -> None:
        try:
            failed = ingestor.go_on(line, stop=stopped.is_set)
        except Exception as error:
            log.exception("what an earlier run left undone could not be done")
            line.close()
            print(f"  failed: {error}", file=stream)
            return
        line.close()
        for failure in failed:
            log.warning("%s: %s", failure.path, failure.error)
            print(f"  failed: {failure.path}: {failure.error}", file=stream)

    thread = threading.Thread(target=go_on, name="thesis-go-on", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Take SIGTERM (systemd, Docker, kill) for Ctrl-C: a store that is not closed has its index made again at the next start."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `thesis` with ``argv`` (default: the command line) and return the exit code."""
    with _ended_as_by_ctrl_c():
        return run(sys.argv[1:] if argv is None else argv, Wiring(open_assistant, open_ingestor, serve, progress))


if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
