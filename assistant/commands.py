"""What each command does: one call on Assistant or Ingestor, its result as text or JSON on ``out``."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from assistant import check, store_commands
from assistant.access import command as access
from assistant.catalysts import claim_command, companies_command
from assistant.catalysts import command as board
from assistant.command_scope import opened, scope_of
from assistant.evaluation import command as evaluation
from assistant.export.saved import checked, save
from assistant.filters import make_filters
from assistant.models import Answer, Failure
from assistant.records import command as records
from assistant.shown import answer_text, metadata_json, passage_json, printable, source_json, where
from assistant.wiring import Shown, Wiring
from vectorstore.errors import NotFound, SettingsError, StoreEmpty, StoreError, StoreLocked, ThesisError
from vectorstore.settings import Settings

DONE, FAILED, WRONG = 0, 1, 2


def fail(error: ThesisError | Failure, *, as_json: bool, out: TextIO, err: TextIO) -> int:
    """Show a failure with what to do about it; return the exit code."""
    if as_json:
        print_json({"error": {"kind": error.kind, "message": error.message, "what_to_do": error.what_to_do}}, out)
    else:
        print(f"thesis: {error.message}", file=err)
        if error.what_to_do:
            print(f"  {error.what_to_do}", file=err)
    return WRONG if error.kind == SettingsError.kind else FAILED


def _readable(text: str) -> str:
    """Return an argument whose bytes were no UTF-8 with a sign in place of each."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def print_json(value: object, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), file=out, flush=True)


def _ingest(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    meta = {}
    for pair in a.meta:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise SettingsError(f"--meta {pair!r} is not KEY=VALUE.", "For example: --meta publisher='Acme Research'")
        meta[key.strip()] = value.strip()
    with wiring.open_ingestor(settings) as ingestor, shown(wiring) as progress:
        report = ingestor.ingest(
            a.paths, meta=meta, collection=a.collection, sync=a.sync, progress=progress, folder=wiring.folder
        ).to_json()
        progress.close()
        # Shown before the store is closed, which waits for what other shells have handed over.
        _print_report(a, report, out)
    return FAILED if report["failed"] else DONE


def _print_report(a: argparse.Namespace, report: Mapping[str, Any], out: TextIO) -> None:
    if a.json:
        print_json(report, out)
        return
    counts = ", ".join(f"{report[name]} {name}" for name in ("added", "updated", "unchanged", "removed"))
    print(f"{counts}; {report['chunks']} chunks in {report['seconds']:.1f} s", file=out)
    if not (report["added"] or report["updated"] or report["removed"] or report["failed"]):
        print("Nothing has changed.", file=out)
    for entry in report.get("warnings", []):
        print(f"  note     {printable(entry['path'] + ': ' + entry['text'])}", file=out)
    for entry in report["skipped"]:
        print(f"  skipped  {printable(entry['path'] + ': ' + entry['reason'])}", file=out)
    for entry in report["failed"]:
        print(f"  failed   {printable(entry['path'] + ': ' + entry['error'])}", file=out)


@contextlib.contextmanager
def shown(wiring: Wiring) -> Iterator[Shown]:
    """Yield what shows progress, and wipe it at the end, whatever the end is."""
    progress = wiring.progress(wiring.err)
    try:
        yield progress
    finally:
        progress.close()


def _search(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    if a.k < 1:
        raise SettingsError(f"-k {a.k} is not a number of passages.", "Give a number from 1 up.")
    with opened(a, settings, wiring) as assistant:
        passages = assistant.search(_readable(a.query), k=a.k, as_of=a.as_of, filters=scope_of(a, wiring))
    if a.json:
        print_json({"passages": [passage_json(p) for p in passages]}, out)
    else:
        for i, passage in enumerate(passages, start=1):
            print(f"{i}. {where(passage)}  ({passage.score:.3f})", file=out)
            print("   " + " ".join(passage.chunk.text.split())[:240], file=out)
        if not passages:
            print("No passage passes the filters.", file=out)
    return DONE


def _ask(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    if bool(a.batch) == bool(a.question):
        raise SettingsError("Give a question or --batch FILE, one of the two.", "See: thesis ask --help")
    to = checked(wiring.at(a.export), batch=bool(a.batch)) if a.export else None
    rows, scope = _batch(a.batch, wiring) if a.batch else [], scope_of(a, wiring)
    with opened(a, settings, wiring) as assistant:
        if a.batch:
            failed = False
            for row in rows:
                wiring.go_on()
                answer = assistant.ask(
                    row["question"],
                    as_of=row.get("as_of", a.as_of),
                    filters=scope | (row.get("filters") or {}),
                    history=row.get("history") or (),
                    model=a.model,
                )
                failed |= answer.status == "error"
                shown = answer.model_dump(mode="json")
                print_json(({"id": row["id"]} if "id" in row else {}) | shown, out)
            return FAILED if failed else DONE
        asked = {"as_of": a.as_of, "filters": scope, "model": a.model}
        written = (assistant.settings.model if a.model is None else a.model) not in {"", "extractive"}
        told = wiring.err if written and not a.json else None
        # Closed on the way out, so that a request to a model ends with the one who asked.
        with contextlib.closing(assistant.stream(_readable(a.question), **asked)) as events:
            answer = _followed(events, told, wiring.go_on)
        if answer.status == "error" and answer.error is not None:
            return fail(answer.error, as_json=a.json, out=out, err=wiring.err)
        if to is not None:
            save(answer, to, datetime.now(UTC))
            print(f"Saved {printable(str(to))}", file=wiring.err)
        if a.json:
            print_json(answer.model_dump(mode="json"), out)
        else:
            print(answer_text(answer, datetime.now(UTC).date()), file=out, flush=True)
    return DONE


def _followed(events: Iterable[Mapping[str, Any]], told: TextIO | None, go_on: Callable[[], None]) -> Answer:
    """Return the answer of a stream; what a model has written and the check has passed is told while it comes."""
    for event in events:
        go_on()
        if event["type"] == "answer":
            answer: Answer = event["answer"]
        elif told is not None and event["type"] in {"status", "sentence"}:
            print(
                printable(str(event["text"])) if event["type"] == "sentence" else f"[{printable(str(event['text']))}]",
                file=told,
                flush=True,
            )
    return answer


def _batch(name: str, wiring: Wiring) -> list[dict[str, Any]]:
    try:
        text = wiring.stdin.read() if name == "-" else wiring.at(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The batch {name} cannot be read: {error}.", "Name a UTF-8 file of JSON lines.") from error
    rows = []
    # Not splitlines(): a line separator of Unicode may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SettingsError(f"{name}, line {number} is not JSON: {error}.", "One JSON object a line.") from error
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise SettingsError(f"{name}, line {number} has no question.", 'Write {"question": "…"} on each line.')
        for key, kind, what in (("as_of", str, "a date"), ("filters", dict, "an object"), ("history", list, "a list")):
            if not isinstance(row.get(key), kind | None):
                problem = f"{name}, line {number}: {key} = {row[key]!r} is not {what}."
                raise SettingsError(problem, f"Give {key} as {what} or leave it out.")
        rows.append(row)
    return rows


def _show(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_assistant(settings) as assistant:
        document = assistant.document(_whole_id(assistant, a.document_id), a.version)
    start, end = a.start or 0, len(document.text) if a.end is None else a.end
    if start < 0 or start > len(document.text):
        raise SettingsError(f"--start {start} is not in the text.", f"It has {len(document.text)} characters.")
    if end < start:
        raise SettingsError(f"--end {end} stands before --start {start}.", "Give start <= end.")
    text = document.text[start:end]
    if a.json:
        print_json(
            {
                "document_id": document.document_id,
                "version": document.version,
                "title": document.metadata.title,
                "path": document.path,
                "published": document.metadata.published,
                "start": start,
                "end": min(end, len(document.text)),
                "metadata": metadata_json(document.metadata),
                "text": text,
            },
            out,
        )
    else:
        print(text, file=out)
    return DONE


def _whole_id(assistant: Any, start: str) -> str:
    """Return the one document id that starts so, of all that ever were in; else ``start`` itself."""
    found = assistant.store.ever(start) if len(start) >= 6 else []
    if len(found) > 1 and start not in found:
        raise NotFound(f"{start} is the start of {len(found)} document ids.", "Give more of the id.")
    return found[0] if len(found) == 1 else start


def _sources(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with opened(a, settings, wiring) as assistant:
        sources = assistant.store.sources(make_filters(scope_of(a, wiring), a.as_of))
    if a.json:
        print_json({"sources": [source_json(s) for s in sources]}, out)
        return DONE
    for s in sources:
        meta = s.metadata
        what = ", ".join(
            p for p in (meta.publisher or meta.company, meta.published, meta.form or meta.kind, meta.fiscal_period) if p
        )
        name = printable(f"{meta.title or Path(s.path).name} ({what})")
        print(f"{s.document_id[:12]}  {s.state:<8} {name} {s.chunks} chunks", file=out)
        if s.error:
            print(f"              {printable(s.error)}", file=out)
    print(f"{len(sources)} documents", file=out)
    return DONE


def _verify(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    try:
        with wiring.open_assistant(settings) as assistant:
            problems = assistant.store.verify()
    except (StoreLocked, StoreEmpty):
        raise
    except StoreError as error:
        # A store too damaged to open is what this command is asked about.
        problems = [str(error)]
    if a.json:
        print_json({"clean": not problems, "problems": problems}, out)
    else:
        print(
            "\n".join(problems) if problems else "Clean: ledger, Chroma, keyword index and source text agree.", file=out
        )
    return FAILED if problems else DONE


def _rebuild(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings, repair=True) as ingestor, shown(wiring) as progress:
        chunks = ingestor.rebuild(progress)
        progress.close()
        if a.json:
            print_json({"chunks": chunks}, out)
        else:
            print(f"Both indexes made again: {chunks} chunks.", file=out, flush=True)
    return DONE


def _remove(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings) as ingestor:
        removed = ingestor.remove(a.names, folder=wiring.folder)
        if a.json:
            print_json({"removed": removed}, out)
        else:
            print(f"{removed} removed.", file=out, flush=True)
    return DONE


def _serve(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    if a.workers != 1 and settings.ledger:
        raise SettingsError(
            f"--workers {a.workers}: a process of `thesis serve` has one worker.",
            "Start it as often as you want, each with a port of its own, and put nginx in front (docs/scale.md).",
        )
    if a.workers != 1:
        raise SettingsError(
            f"--workers {a.workers}: this base is embedded, and one process owns it.",
            "Leave --workers out: questions are answered in threads of that process (concurrent_answers).",
        )
    return wiring.serve(settings)


def _doctor(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from assistant.doctor import examine, sound

    findings = examine(settings, wiring.open_assistant, live=a.live)
    if a.json:
        print_json(findings, out)
    else:
        for section, entries in findings.items():
            if isinstance(entries, dict):
                print(f"{section}:", file=out)
                for key, value in entries.items():
                    if section == "live" and isinstance(value, dict):
                        value = f"{value['status']}, {value['message']} {value['what_to_do']}".rstrip()
                    print(f"  {key}: {value}", file=out)
    return DONE if sound(findings) else FAILED


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Wiring, TextIO], int]] = {
    "ingest": _ingest,
    "search": _search,
    "ask": _ask,
    "check": check.run,
    "eval": evaluation.run,
    "show": _show,
    "sources": _sources,
    "verify": _verify,
    "rebuild": _rebuild,
    "backup": store_commands.backup,
    "restore": store_commands.restore,
    "prune": store_commands.prune,
    "board": board.run,
    "claims": claim_command.run,
    "companies": companies_command.run,
    "audit": records.run_audit,
    "feedback": records.run_feedback,
    "replay": records.run_replay,
    "user": access.user,
    "token": access.token,
    "remove": _remove,
    "amend": store_commands.amend,
    "reingest": store_commands.reingest,
    "serve": _serve,
    "doctor": _doctor,
}

# What another shell may ask of the process that has the store open: any owner, or one that takes changes. LONG: reads that
# would keep one that is about to end.
READS = frozenset(
    {"ask", "board", "claims", "companies", "doctor", "eval", "replay", "search", "show", "sources", "verify"}
)
LONG = frozenset({"board", "claims", "companies", "eval", "verify"})
CHANGES = frozenset({"amend", "ingest", "prune", "rebuild", "reingest", "remove"})
