"""`thesis backup | restore | prune`: the store as a whole."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from assistant.wiring import Wiring
from vectorstore.settings import Settings


def add(command: Callable[..., Any]) -> None:
    """Add the parsers."""
    backup = command("backup", "Write the base to one file, also while it is served.")
    backup.add_argument("file", metavar="FILE")
    restore = command("restore", "Make a base from a backup, in a folder that is empty or not there yet.")
    restore.add_argument("file", metavar="FILE")
    command("prune", "Forget what is kept without need: vectors of what is gone, versions whose retention has ended.")


def backup(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from vectorstore.backup import save

    saved = save(wiring.at(settings.store), wiring.at(a.file))
    counts = {name: value for name, value in asdict(saved).items() if name != "path"}
    if a.json:
        _print({"file": str(saved.path), **counts}, out)
    else:
        print(
            f"{saved.path}: {saved.documents} documents, {saved.versions} versions, {saved.originals} originals, "
            f"{saved.bytes / 1e6:.1f} MB.",
            file=out,
        )
    return 0


def restore(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from vectorstore.restore import restore as bring_back

    begun = time.monotonic()
    with contextlib.closing(wiring.progress(wiring.err)) as shown:

        def tell(done: int, total: int) -> None:
            seconds = time.monotonic() - begun
            left = seconds * (total - done) / done if done else None
            shown({"chunks": done, "seconds": seconds, "seconds_left": left})

        made = bring_back(wiring.at(a.file), Path(settings.store), tell)
    if a.json:
        _print({name: value for name, value in asdict(made).items() if name != "root"}, out)
    else:
        print(
            f"{made.root}: {made.documents} documents, {made.versions} versions, {made.chunks} chunks, "
            f"as of {made.made_at}.",
            file=out,
        )
    return 0


def prune(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings) as ingestor:
        pruned = ingestor.prune()
        if a.json:
            _print(pruned.to_json(), out)
        else:
            gone = pruned.to_json()
            print(
                f"Forgotten: {gone['versions']} versions, {gone['originals']} originals, {gone['vectors']} vectors; "
                f"{gone['bytes'] / 1e6:.1f} MB less.",
                file=out,
                flush=True,
            )
    return 0


def _print(value: object, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), file=out, flush=True)
