"""`thesis claims`: who claims which figure, due when, and what became of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from assistant.filters import readers_of
from assistant.shown import printable
from assistant.wiring import Wiring
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.catalysts.claim_face import Claims, Listing

DONE = 0


def add(command: Callable[..., Any]) -> None:
    """Add the parser."""
    parser = command("claims", "List the quantitative claims of the documents, or check them against live data.")
    parser.add_argument("what", nargs="*", metavar="check [ID…]", help="check these claims, or all that stand")
    parser.add_argument("--author", metavar="NAME", help="of this author, publisher, company or holder")
    parser.add_argument("--due", metavar="DATE..DATE", help="due in this time; either day may be left out")
    parser.add_argument(
        "--status", metavar="STATUS", help="open, confirmed, refuted, changed, untestable, superseded, replaced, gone"
    )
    parser.add_argument("--catalyst", metavar="ID", help="that speak of this catalyst")
    parser.add_argument("--watchlist", metavar="FILE", help="of the companies whose tickers stand in this CSV file")
    parser.add_argument("--as-of", metavar="DATE", help="no claim published and no data of after this day")
    parser.add_argument(
        "--within", action="append", metavar="COLLECTION[,…]", help="as a reader of these collections only"
    )


def run(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis claims`; returns the exit code."""
    if a.what and a.what[0] != "check":
        raise SettingsError(
            f"thesis claims does not know {a.what[0]!r}.", "Write thesis claims, or thesis claims check [ID…]."
        )
    from assistant.catalysts.claim_face import Wanted, due_range
    from assistant.catalysts.watchlist import load, told

    if a.what and any((a.author, a.due, a.status, a.catalyst, a.watchlist)):
        raise SettingsError("thesis claims check takes ids, and no filter.", "List first: thesis claims --status open")
    listed = load(wiring.at(a.watchlist)) if a.watchlist else None
    due = due_range(a.due) if a.due else None
    within = readers_of(a.within)
    with wiring.open_assistant(settings) as whole:
        assistant = whole if within is None else whole.within(within)
        if listed is not None and (note := told(listed, assistant.store.sources())):
            print(note, file=wiring.err)
        claims = assistant.catalysts.claims
        _update(claims, wiring)
        if a.what:
            found = claims.check(a.what[1:], as_of=a.as_of, go_on=wiring.go_on)
        else:
            tickers = listed.tickers if listed is not None else ()
            found = claims.listed(Wanted(a.author or "", due, a.status or "", a.catalyst or "", a.as_of, tickers))
    if a.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False), file=out, flush=True)
    else:
        print(text(found), file=out)
    return DONE


def _update(claims: Claims, wiring: Wiring) -> None:
    told = False

    def progress(done: int, total: int) -> None:
        nonlocal told
        told = True
        print(f"\rReading claims: {done} of {total} documents", end="", file=wiring.err, flush=True)

    try:
        claims.update(go_on=wiring.go_on, progress=progress)
    finally:
        if told:
            print(file=wiring.err, flush=True)


def text(found: Listing) -> str:
    """Return a listing for a terminal: two lines a claim, then the contradictions and the record of each author."""
    from assistant.catalysts.claim_face import author_of, records

    lines: list[str] = []
    for entry in found.entries:
        claim = entry.claim
        state = entry.outcome if entry.standing == "current" else f"{entry.outcome}, {entry.standing}"
        due = f", due {claim.due}" if claim.due else ""
        lines.append(f"{claim.claim_id[:12]}  {claim.statement}  [{state}{due}]")
        lines.append(
            f"    {author_of(claim)}, {claim.published or 'undated'}: “{' '.join(claim.quote.split()) or '(text forgotten)'}”"
        )
        if entry.last is not None:
            lines.append(f"    checked with data until {entry.last.as_of}: {entry.last.reason}")
    if found.contradictions:
        lines += ["", "Contradictions:"]
        lines += [
            f"  {pair.first.statement} ({author_of(pair.first)})  against  {pair.second.statement} ({author_of(pair.second)})"
            for pair in found.contradictions
        ]
    if found.entries:
        lines += ["", "Authors:"]
        for row in records(found.entries):
            counts = ", ".join(f"{row[name]} {name}" for name in row if name not in {"author", "claims"} and row[name])
            lines.append(f"  {row['author']}: {_many(row['claims'])} ({counts})")
    lines.append(_many(len(found.entries)))
    return "\n".join(map(printable, lines))


def _many(count: int) -> str:
    return f"{count} claim{'s' * (count != 1)}"


__all__ = ["add", "run", "text"]
