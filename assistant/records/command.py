"""`thesis audit | replay | feedback`: what a compliance officer asks of the records.

All but `replay` read the records by themselves, also while a server owns the store.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TextIO

from assistant.access import LOCAL
from assistant.filters import parse_date
from assistant.records import audit, chain, conversations, export
from assistant.records.chain import canonical
from assistant.records.payload import by
from assistant.records.schema import open_records
from assistant.shown import printable
from assistant.wiring import Wiring
from vectorstore.database import AnyDatabase
from vectorstore.errors import NotFound, SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.records.replay import Replay

DONE, FAILED = 0, 1
_SHORT = 12  # signs of a hash that are shown to people beside a row


def add(command: Callable[..., Any]) -> None:
    """Add the parsers."""
    parser = command("audit", "Check, show and export the record of every question.")
    parser.add_argument("what", choices=("verify", "head", "export", "prune"))
    parser.add_argument("file", nargs="?", metavar="FILE", help="export: a .csv or .jsonl file that is not there yet")
    parser.add_argument("--head", metavar="HASH", help="verify: a head noted earlier, which must still be in the chain")
    parser.add_argument("--since", metavar="DATE", help="export: on or after this day (UTC)")
    parser.add_argument("--until", metavar="DATE", help="export: on or before this day (UTC)")
    parser.add_argument("--user", metavar="NAME", help="export: of this user")
    again = command("replay", "Give a recorded answer again and compare it with the record.")
    again.add_argument("answer_id", metavar="ANSWER_ID")
    command("feedback", "List what users said of their answers.")


@contextmanager
def _opened(settings: Settings) -> Iterator[AnyDatabase]:
    database = open_records(settings, settings.store, create=False)
    try:
        yield database
    finally:
        database.close()


def run_audit(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis audit`; returns the exit code."""
    allowed = {"export": ("file", "since", "until", "user"), "verify": ("head",)}.get(a.what, ())
    for name in ("file", "head", "since", "until", "user"):
        if getattr(a, name) is not None and name not in allowed:
            raise SettingsError(f"thesis audit {a.what} takes no {name}.", "See: thesis audit --help")
    return {"verify": _verify, "head": _head, "export": _export, "prune": _prune}[a.what](a, settings, wiring, out)


def _verify(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with _opened(settings) as database, database.read() as connection:
        verdict = audit.check(connection, a.head or "")
    if a.json:
        _print(chain.as_json(verdict), out)
    else:
        for problem in verdict.problems:
            print(printable(str(problem)), file=out)
        emptied = f", {verdict.emptied} emptied by retention" if verdict.emptied else ""
        state = "NOT CLEAN" if verdict.problems else "Clean"
        print(f"{state}: {verdict.rows} rows{emptied}; head {verdict.head[0]}:{verdict.head[1]}", file=out)
    return FAILED if verdict.problems else DONE


def _head(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with _opened(settings) as database, database.read() as connection:
        seq, found = audit.head(connection)
    if a.json:
        _print({"seq": seq, "hash": found}, out)
    else:
        print(f"{seq}:{found}", file=out)
    return DONE


def _export(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    if not a.file:
        raise SettingsError("Name the file to export to.", "For example: thesis audit export audit.csv")
    until = parse_date("--until", a.until) if a.until else ""
    wanted = {
        "since": parse_date("--since", a.since) if a.since else "",
        "until": (date.fromisoformat(until) + timedelta(days=1)).isoformat() if until else "",
        "user": chain.plain(a.user or ""),
    }
    target = wiring.at(a.file)
    with _opened(settings) as database:
        with database.read() as connection:
            count, (seq, found) = export.export(connection, target, **wanted), audit.head(connection)
        told = {"file": target.name, "rows": count, "since": a.since, "until": a.until, "of": a.user}
        data = canonical(by(LOCAL, told))
        with database.write() as connection:
            audit.append(
                connection,
                user=LOCAL.name,
                kind="exported",
                channel="cli",
                payload=data,
                packed_payload=audit.packed(data),
            )
    if a.json:
        _print({"file": str(target), "rows": count, "head": {"seq": seq, "hash": found}}, out)
    else:
        print(f"{target}: {count} rows; head {seq}:{found}", file=out)
    return DONE


def _prune(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    days, talks = settings.audit_retention_days, settings.conversation_retention_days
    with _opened(settings) as database:
        emptied = audit.prune(database, days, user=LOCAL.name) if days else 0
        deleted = conversations.forget_old(database, talks) if talks else 0
    if a.json:
        _print({"emptied": emptied, "conversations": deleted}, out)
    else:
        print(f"{emptied} rows emptied, {deleted} conversations deleted.", file=out)
        if not days and not talks:
            print("Neither audit_retention_days nor conversation_retention_days is set.", file=out)
    return DONE


def run_feedback(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis feedback`; returns the exit code."""
    with _opened(settings) as database, database.read() as connection:
        found = conversations.feedback(connection)
    if a.json:
        _print({"feedback": found}, out)
        return DONE
    for one in found:
        comment = f": {one['comment']}" if one["comment"] else ""
        print(printable(f"{one['time']}  {one['verdict']:<4}  {one['user']}  {one['answer_id']}{comment}"), file=out)
        if one["question"] is not None:
            print(f"    {printable(one['question'])}", file=out)
    print(f"{len(found)} of feedback", file=out)
    return DONE


def run_replay(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis replay`, which needs the store; returns the exit code."""
    from assistant.records.replay import Replay, ask_again, cannot_because, replay

    with _opened(settings) as database, database.read() as connection:
        seq = audit.row_of(connection, chain.plain(a.answer_id))
        if seq is None:
            raise NotFound(f"The audit has no answer {a.answer_id}.", "`thesis audit export` lists what it has.")
        payload = audit.payload_of(connection, seq)
    if cannot_because(payload) or payload is None:
        found = Replay(a.answer_id, "cannot", cannot_because(payload))
    else:
        # These change an answer, and are no part of the index.
        asked = replace(settings, model="", **payload["settings"])
        with wiring.open_assistant(asked) as assistant:
            found = replay(a.answer_id, payload, lambda record: ask_again(assistant, record))
    if a.json:
        _print(asdict(found), out)
    else:
        _tell(found, out)
    return DONE if found.outcome == "same" else FAILED


def _tell(found: Replay, out: TextIO) -> None:
    if found.outcome == "same":
        print(f"same: {found.again}", file=out)
    elif found.outcome == "cannot":
        print(f"cannot: {printable(found.reason)}", file=out)
    else:
        print(f"differs: recorded {found.recorded[:_SHORT]}, again {found.again[:_SHORT]}", file=out)
        for one in found.differences:
            print(f"  {printable(one['at'])}", file=out)
            print(f"    - {printable(one['recorded'])}", file=out)
            print(f"    + {printable(one['again'])}", file=out)
    for note in found.notes:
        print(f"  note: {printable(note)}", file=out)


def _print(value: object, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), file=out, flush=True)


__all__ = ["add", "run_audit", "run_feedback", "run_replay"]
