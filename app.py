"""The composition root and console entry: settings -> clients -> wiring -> launch.

`python app.py` serves the web chat; `thesis COMMAND` does the rest. Heavy imports stay inside the functions,
so that `thesis ask` never loads gradio.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from assistant.cli import Wiring, run
from vectorstore.settings import Settings


def open_assistant(settings: Settings) -> Any:
    """Return an Assistant over the settings' store (a context manager)."""
    from assistant import Assistant

    return Assistant.open(settings.store, settings=settings)


def open_ingestor(settings: Settings) -> Any:
    """Return an Ingestor that owns the settings' store until it is closed (a context manager)."""
    from ingest.pipeline import Ingestor

    return Ingestor.open(settings)


def progress(stream: TextIO) -> Callable[[Any], None]:
    """Return what shows ingest progress on ``stream``."""
    from ingest.progress import ProgressLine

    return ProgressLine(stream)


def serve(settings: Settings) -> int:
    """Serve the web chat until it is stopped; an empty base first takes in the sample notes."""
    from ingest.pipeline import Ingestor
    from vectorstore.store import Store

    from assistant import Assistant
    from assistant.web.server import serve as serve_web
    from vectorstore.embedding import make_embedder

    with Store.open(settings.store, embedder=make_embedder(settings)) as store:
        ingestor = Ingestor(store, settings)
        if store.is_empty():
            print(f"The base is empty: reading {settings.knowledge}/ …", file=sys.stderr)
            report = ingestor.bootstrap(progress=progress(sys.stderr))
            for entry in report.to_json()["failed"] if report else []:
                print(f"  failed: {entry['path']}: {entry['error']}", file=sys.stderr)
        serve_web(Assistant(store, settings), ingestor, settings)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `thesis` with ``argv`` (default: the command line) and return the exit code."""
    return run(sys.argv[1:] if argv is None else argv, Wiring(open_assistant, open_ingestor, serve, progress))


if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
