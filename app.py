"""The composition root and console entry: settings -> clients -> wiring -> launch.

`python app.py` serves the web chat; `thesis COMMAND` does the rest. Heavy imports stay inside the functions,
so that `thesis ask` never loads gradio.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from assistant.cli import Wiring, run
from vectorstore.errors import StoreEmpty
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant import Assistant
    from ingest import Ingestor


def open_assistant(settings: Settings) -> Assistant:
    """Return an Assistant over the settings' store (a context manager). Raises StoreEmpty where there is none."""
    from assistant import Assistant

    if not (Path(settings.store) / "ledger.sqlite").exists():
        raise StoreEmpty(f"There is no base in {settings.store}.", "Make one with: thesis ingest PATH_OR_URL")
    return Assistant.open(settings.store, settings=settings)


@contextmanager
def open_ingestor(settings: Settings, *, repair: bool = False) -> Iterator[Ingestor]:
    """Own the settings' store and yield an Ingestor over it."""
    from ingest import CHUNKER_VERSION, Ingestor
    from vectorstore.embedding import make_embedder
    from vectorstore.store import Store

    if repair and not (Path(settings.store) / "ledger.sqlite").exists():
        raise StoreEmpty(f"There is no base in {settings.store}.", "Make one with: thesis ingest PATH_OR_URL")
    embedder = make_embedder(settings)
    with (
        Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION, repair=repair) as store,
        Ingestor(store, settings) as ingestor,
    ):
        yield ingestor


def progress(stream: TextIO) -> Callable[[Any], None]:
    """Return what shows ingest progress on ``stream``."""
    from ingest import ProgressLine

    return ProgressLine(stream)


def serve(settings: Settings) -> int:
    """Serve the web chat until it is stopped; an empty base first takes in the sample notes."""
    from assistant import Assistant
    from assistant.web.server import serve as serve_web

    with open_ingestor(settings) as ingestor:
        if ingestor.store.is_empty():
            report = ingestor.ingest_knowledge(progress(sys.stderr))
            for failure in report.failed if report else ():
                print(f"  failed: {failure.path}: {failure.error}", file=sys.stderr)
        serve_web(Assistant(ingestor.store, settings), ingestor, settings)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `thesis` with ``argv`` (default: the command line) and return the exit code."""
    return run(sys.argv[1:] if argv is None else argv, Wiring(open_assistant, open_ingestor, serve, progress))


if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
