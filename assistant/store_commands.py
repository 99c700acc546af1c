"""`thesis backup | restore | prune`: the store as a whole. `thesis amend | reingest`: one document of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from assistant.shown import printable
from assistant.wiring import Wiring
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings


def add(command: Callable[..., Any]) -> None:
    """Add the parsers."""
    backup = command("backup", "Write the base to one file, also while it is served.")
    backup.add_argument("file", metavar="FILE")
    restore = command("restore", "Make a base from a backup, in a folder that is empty or not there yet.")
    restore.add_argument("file", metavar="FILE")
    command("prune", "Forget what is kept without need: vectors of what is gone, versions whose retention has ended.")
    amend = command("amend", "Say what a document is: what you say wins over what was read in it, and stays said.")
    amend.add_argument("name", metavar="DOCUMENT", help="document id, the start of one, a path or a URL")
    amend.add_argument(
        "fields",
        nargs="*",
        metavar="KEY=VALUE",
        help="title, publisher, authors, date, kind, company, ticker, form, period …",
    )
    amend.add_argument(
        "--found",
        action="append",
        default=[],
        metavar="KEY",
        help="take back what you said: the document is read again",
    )
    reingest = command("reingest", "Read one document again, from its file, its address or the kept copy of a PDF.")
    reingest.add_argument("name", metavar="DOCUMENT", help="document id, the start of one, a path or a URL")


def backup(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from vectorstore.backup import save
    from vectorstore.shared import shared_of

    saved = save(wiring.at(settings.store), wiring.at(a.file), shared=shared_of(settings))
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
    from vectorstore.server import server_of
    from vectorstore.shared import shared_of

    begun = time.monotonic()
    with contextlib.closing(wiring.progress(wiring.err)) as shown:

        def tell(done: int, total: int) -> None:
            seconds = time.monotonic() - begun
            left = seconds * (total - done) / done if done else None
            shown({"chunks": done, "seconds": seconds, "seconds_left": left})

        server, shared = server_of(settings), shared_of(settings)
        made = bring_back(wiring.at(a.file), Path(settings.store), tell, server=server, shared=shared)
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


def amend(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    fields: dict[str, str | None] = {}
    for pair in a.fields:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise SettingsError(f"{pair!r} is not KEY=VALUE.", "For example: thesis amend ID date=2024-03-01")
        if key.strip() in fields:
            raise SettingsError(f"{key.strip()} is given twice.", "Give each field once.")
        fields[key.strip()] = value.strip()
    for key in a.found:
        if key.strip() in fields:
            raise SettingsError(f"{key.strip()} is given and taken back.", "Do one of the two.")
        fields[key.strip()] = None
    if not fields:
        raise SettingsError("No field is given.", "For example: thesis amend ID publisher='Acme Research'")
    with wiring.open_ingestor(settings) as ingestor, contextlib.closing(wiring.progress(wiring.err)) as progress:
        amended = ingestor.amend(a.name, fields, progress=progress, folder=wiring.folder).to_json()
        progress.close()
        if a.json:
            _print(amended, out)
        else:
            said = f"changed: {', '.join(amended['changed'])}" if amended["changed"] else "nothing was new"
            print(f"{amended['document_id'][:12]}: {said}.", file=out, flush=True)
    return 0


def reingest(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings) as ingestor, contextlib.closing(wiring.progress(wiring.err)) as progress:
        report = ingestor.reingest(a.name, progress, folder=wiring.folder).to_json()
        progress.close()
        if a.json:
            _print(report, out)
        else:
            for one in report["files"]:
                said = f": {one['text']}" if one["text"] else ""
                print(
                    printable(f"{one['outcome']}: {Path(one['path']).name}, {one['chunks']} chunks{said}"),
                    file=out,
                    flush=True,
                )
    return 1 if report["failed"] else 0


def _print(value: object, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), file=out, flush=True)
