"""`thesis board`: what the documents and the world say of each catalyst."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from assistant.filters import readers_of
from assistant.shown import printable
from assistant.wiring import Wiring
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.catalysts.face import Catalysts

DONE, FAILED = 0, 1


def add(command: Callable[..., Any]) -> None:
    """Add the parser."""
    parser = command("board", "Show each catalyst: claims for and against, live figures, contradictions.")
    parser.add_argument("catalyst", nargs="?", metavar="ID", help="one catalyst in full")
    parser.add_argument("--as-of", metavar="DATE", help="nothing published, filed or observed after this day")
    parser.add_argument("--since", metavar="DATE", help="mark what was published since, and list what changed")
    parser.add_argument("--watchlist", metavar="FILE", help="of the companies whose tickers stand in this CSV file")
    parser.add_argument("--export", metavar="FILE", help="write it to FILE (.md, .html, .pdf, .json, .csv or .xlsx)")
    parser.add_argument(
        "--links", metavar="ADDRESS", help="the address of the web chat, to which links of a table lead"
    )
    parser.add_argument("--refresh", action="store_true", help="ask all tools again")
    parser.add_argument(
        "--check", metavar="FILE", help="check a file or folder of your own catalysts, and nothing else"
    )
    parser.add_argument(
        "--within", action="append", metavar="COLLECTION[,…]", help="as a reader of these collections only"
    )


def run(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis board`; returns the exit code."""
    if a.check:
        return _check(a, wiring.at(a.check), out)
    from assistant.catalysts import saving, watchlist

    to = saving.checked(wiring.at(a.export)) if a.export else None
    tickers = watchlist.load(wiring.at(a.watchlist)).tickers if a.watchlist else ()
    within = readers_of(a.within)
    with wiring.open_assistant(settings) as assistant:
        face: Catalysts = (assistant if within is None else assistant.within(within)).catalysts
        _update(face, wiring)
        if a.refresh:
            face.measure()
        board = face.board(a.catalyst, as_of=a.as_of, since=a.since, tickers=tickers)
        changed = face.changes(a.catalyst, since=a.since, as_of=a.as_of, tickers=tickers) if a.since else None
    from assistant.catalysts.told import board_text, changes_text

    if to is not None:
        saving.save(
            board,
            to,
            datetime.now(UTC),
            (a.links or f"http://{settings.host}:{settings.port}{settings.root_path}").rstrip("/"),
        )
        print(f"Saved {printable(str(to))}", file=wiring.err)
    if a.json:
        shown = board.model_dump(mode="json")
        if changed is not None:
            shown["changes"] = changed.model_dump(mode="json")["changes"]
        print(json.dumps(shown, ensure_ascii=False, allow_nan=False), file=out, flush=True)
    else:
        print(board_text(board), file=out)
        if changed is not None:
            print(f"\n{changes_text(changed)}", file=out)
    return DONE


def _update(face: Catalysts, wiring: Wiring) -> None:
    told = False

    def progress(done: int, total: int) -> None:
        nonlocal told
        wiring.go_on()
        told = True
        print(f"\rReading for the board: {done} of {total} documents", end="", file=wiring.err, flush=True)

    try:
        face.update(progress=progress)
    finally:
        if told:
            print(file=wiring.err, flush=True)


def _check(a: argparse.Namespace, path: Path, out: TextIO) -> int:
    from assistant.catalysts.library import check

    if a.catalyst or a.as_of or a.since or a.refresh or a.watchlist or a.export:
        raise SettingsError("--check stands alone.", "For example: thesis board --check my-catalysts.yaml")
    found = check(path)
    if a.json:
        problems = [
            {"file": p.file, "catalyst": p.catalyst, "field": p.field, "message": p.message, "what_to_do": p.what_to_do}
            for p in found.problems
        ]
        shown = {"catalysts": [one.id for one in found.catalysts], "problems": problems}
        print(json.dumps(shown, ensure_ascii=False), file=out)
    else:
        for problem in found.problems:
            print(f"{problem.message} {problem.what_to_do}", file=out)
        sound = not found.problems
        print(f"{len(found.catalysts)} catalysts, {'sound' if sound else f'{len(found.problems)} problems'}", file=out)
    return FAILED if found.problems else DONE


__all__ = ["add", "run"]
