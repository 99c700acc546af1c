"""`thesis …`: arguments in, one call on Assistant or Ingestor, text or JSON out.

Standard output holds the result only; progress and logs go to standard error. Exit codes: 0 done, 1 the work
failed or a threshold was missed, 2 the call was wrong.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, Protocol, TextIO

from assistant import check, logs
from assistant.evaluation import command as evaluation
from assistant.models import Answer, Failure
from assistant.shown import answer_text, metadata_json, passage_json, printable, source_json, where
from assistant.tools import command as tool
from vectorstore.errors import NotFound, SettingsError, StoreEmpty, StoreError, StoreLocked, ThesisError
from vectorstore.settings import Settings, load_settings

DONE, FAILED, WRONG = 0, 1, 2


class Report(Protocol):
    """What an ingest returns (ingest.pipeline.IngestReport)."""

    def to_json(self) -> dict[str, Any]: ...


class Ingestor(Protocol):
    """What the command line needs of ingest; app.py hands it in."""

    def ingest(
        self,
        paths: Sequence[str],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        sync: bool = False,
        progress: Callable[[Any], None] | None = None,
    ) -> Report: ...
    def remove(self, names: Sequence[str]) -> int: ...
    def rebuild(self, progress: Callable[[Any], None] | None = None) -> int: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """How app.py connects the commands to what they work on; everything opens late."""

    open_assistant: Callable[[Settings], Any]
    open_ingestor: Callable[..., AbstractContextManager[Ingestor]]  # (settings, repair=False)
    serve: Callable[[Settings], int]
    progress: Callable[[TextIO], Callable[[Any], None]]


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # A flag that a later version adds must not change what a script's shortened one means.
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise SettingsError(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help")


def parser() -> _Parser:
    """Return the parser of all commands."""
    shared = _Parser(add_help=False)
    shared.add_argument("--store", metavar="DIR", help="the store folder (default ./.thesis, or THESIS_STORE)")
    shared.add_argument("--json", action="store_true", help="one JSON object on standard output")
    shared.add_argument("--config", metavar="FILE", help="the settings file (default thesis.toml)")
    scope = _Parser(add_help=False)
    scope.add_argument("--as-of", metavar="DATE", help="nothing published after this day, and nothing undated")
    for name in ("kind", "publisher", "company", "ticker", "form"):
        scope.add_argument(f"--{name}", action="append", metavar="VALUE")
    scope.add_argument("--collection", action="append", metavar="NAME")
    scope.add_argument("--since", metavar="DATE", help="published on or after")
    scope.add_argument("--until", metavar="DATE", help="published on or before")

    top = _Parser(prog="thesis", description="Answers over an investment-thesis knowledge base, each sentence cited.")
    top.add_argument("--version", action="version", version=f"thesis {version('thesis-assistant')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def add(name: str, text: str, *parents: _Parser) -> _Parser:
        return commands.add_parser(name, help=text, description=text, parents=[shared, *parents])

    ingest = add("ingest", "Read documents into the base.")
    ingest.add_argument("paths", nargs="+", metavar="PATH_OR_URL")
    ingest.add_argument(
        "--sync", action="store_true", help="also remove documents whose file is gone from a folder named"
    )
    ingest.add_argument(
        "--meta", action="append", default=[], metavar="KEY=VALUE", help="metadata that wins over what is found"
    )
    ingest.add_argument("--collection", metavar="NAME")

    search = add("search", "Show the passages that a question finds.", scope)
    search.add_argument("query")
    search.add_argument("-k", type=int, default=10, help="how many (default 10)")

    ask = add("ask", "Answer a question, each sentence cited.", scope)
    ask.add_argument("question", nargs="?")
    ask.add_argument("--model", metavar="NAME", help="provider:name, or extractive for none (default: the setting)")
    ask.add_argument(
        "--batch", metavar="FILE", help="questions as JSON lines ({question, as_of?, filters?, id?}); an Answer a line"
    )

    check.add(add)
    evaluation.add(add)
    tool.add(add)

    show = add("show", "Show a document's stored text.")
    show.add_argument("document_id", metavar="DOCUMENT_ID")
    show.add_argument("--version")
    show.add_argument("--start", type=int, metavar="N", help="first character (code points)")
    show.add_argument("--end", type=int, metavar="N")

    add("sources", "List what is in the base.", scope)
    add("verify", "Compare ledger, Chroma, keyword index and source text.")
    add("rebuild", "Make both indexes again from the ledger and the stored text.")
    remove = add("remove", "Take documents out of the base.")
    remove.add_argument("names", nargs="+", metavar="DOCUMENT", help="document id, the start of one, or a path")
    serve = add("serve", "Serve the web chat.")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    doctor = add("doctor", "Show settings, store, model and cache.")
    doctor.add_argument(
        "--live", action="store_true", help="also ask each source of live metrics that is switched on, once"
    )
    return top


def run(argv: Sequence[str], wiring: Wiring, *, out: TextIO | None = None) -> int:
    """Run one command and return its exit code; every failure is shown with what to do."""
    out = out or sys.stdout
    if out is sys.stdout and isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or pipe of another encoding (Windows) must not break an answer with a "“" in it.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    as_json = "--json" in argv
    try:
        top = parser()
        arguments, rest = top.parse_known_args(list(argv))
        if rest and arguments.command != "tool":
            top.error(f"unrecognized arguments: {' '.join(rest)}")
        if not arguments.command:
            top.print_help(out)
            return WRONG
        settings = _settings(arguments)
        logs.start(settings)
        if arguments.command == "tool":  # its arguments are those of the tool
            return tool.run(arguments, rest, settings, out)
        return _COMMANDS[arguments.command](arguments, settings, wiring, out)
    except ThesisError as error:
        return _fail(error, as_json=as_json, out=out)
    except BrokenPipeError:
        # The reader of our output closed it (a pager, head): nothing is left to say.
        return DONE
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return FAILED


def _fail(error: ThesisError | Failure, *, as_json: bool, out: TextIO) -> int:
    if as_json:
        _print_json({"error": {"kind": error.kind, "message": error.message, "what_to_do": error.what_to_do}}, out)
    else:
        print(f"thesis: {error.message}", file=sys.stderr)
        if error.what_to_do:
            print(f"  {error.what_to_do}", file=sys.stderr)
    return WRONG if error.kind == SettingsError.kind else FAILED


def _readable(text: str) -> str:
    """Return an argument whose bytes were no UTF-8 with a sign in place of each."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _settings(arguments: argparse.Namespace) -> Settings:
    overrides = {"store": arguments.store}
    if arguments.command == "serve":
        overrides |= {"host": arguments.host, "port": arguments.port}
    return load_settings(file=Path(arguments.config) if arguments.config else None, overrides=overrides)


def _print_json(value: object, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), file=out, flush=True)


def scope_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the filters that the flags gave."""
    names = ("kind", "publisher", "company", "ticker", "form", "collection", "since", "until")
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name)}


def _ingest(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    meta = {}
    for pair in a.meta:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise SettingsError(f"--meta {pair!r} is not KEY=VALUE.", "For example: --meta publisher='Acme Research'")
        meta[key.strip()] = value.strip()
    with wiring.open_ingestor(settings) as ingestor:
        report = ingestor.ingest(
            a.paths, meta=meta, collection=a.collection, sync=a.sync, progress=wiring.progress(sys.stderr)
        ).to_json()
    if a.json:
        _print_json(report, out)
    else:
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
    return FAILED if report["failed"] else DONE


def _search(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    if a.k < 1:
        raise SettingsError(f"-k {a.k} is not a number of passages.", "Give a number from 1 up.")
    with wiring.open_assistant(settings) as assistant:
        passages = assistant.search(_readable(a.query), k=a.k, as_of=a.as_of, filters=scope_of(a))
    if a.json:
        _print_json({"passages": [passage_json(p) for p in passages]}, out)
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
    rows = _batch(a.batch) if a.batch else []
    with wiring.open_assistant(settings) as assistant:
        if a.batch:
            failed = False
            for row in rows:
                answer = assistant.ask(
                    row["question"],
                    as_of=row.get("as_of", a.as_of),
                    filters=scope_of(a) | (row.get("filters") or {}),
                    history=row.get("history") or (),
                    model=a.model,
                )
                failed |= answer.status == "error"
                shown = answer.model_dump(mode="json")
                _print_json(({"id": row["id"]} if "id" in row else {}) | shown, out)
            return FAILED if failed else DONE
        asked = {"as_of": a.as_of, "filters": scope_of(a), "model": a.model}
        written = (assistant.settings.model if a.model is None else a.model) not in {"", "extractive"}
        told = sys.stderr if written and not a.json else None
        answer = _followed(assistant.stream(_readable(a.question), **asked), told)
    if answer.status == "error" and answer.error is not None:
        return _fail(answer.error, as_json=a.json, out=out)
    if a.json:
        _print_json(answer.model_dump(mode="json"), out)
    else:
        print(answer_text(answer, datetime.now(UTC).date()), file=out)
    return DONE


def _followed(events: Iterable[Mapping[str, Any]], told: TextIO | None) -> Answer:
    """Return the answer of a stream; what a model has written and the check has passed is told while it comes."""
    for event in events:
        if event["type"] == "answer":
            answer: Answer = event["answer"]
        elif told is not None and event["type"] in {"status", "sentence"}:
            print(
                printable(str(event["text"])) if event["type"] == "sentence" else f"[{printable(str(event['text']))}]",
                file=told,
                flush=True,
            )
    return answer


def _batch(name: str) -> list[dict[str, Any]]:
    path = Path(name)
    try:
        text = sys.stdin.read() if name == "-" else path.read_text(encoding="utf-8")
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
        _print_json(
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
    """Return the one document id that starts so, as `thesis sources` shows ids; else ``start`` itself."""
    found = [s.document_id for s in assistant.sources() if s.document_id.startswith(start)] if len(start) >= 6 else []
    if len(found) > 1 and start not in found:
        raise NotFound(f"{start} is the start of {len(found)} document ids.", "Give more of the id.")
    return found[0] if len(found) == 1 else start


def _sources(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from assistant.assistant import make_filters

    with wiring.open_assistant(settings) as assistant:
        sources = assistant.store.sources(make_filters(scope_of(a), a.as_of))
    if a.json:
        _print_json({"sources": [source_json(s) for s in sources]}, out)
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
        _print_json({"clean": not problems, "problems": problems}, out)
    else:
        print(
            "\n".join(problems) if problems else "Clean: ledger, Chroma, keyword index and source text agree.", file=out
        )
    return FAILED if problems else DONE


def _rebuild(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings, repair=True) as ingestor:
        chunks = ingestor.rebuild(wiring.progress(sys.stderr))
    if a.json:
        _print_json({"chunks": chunks}, out)
    else:
        print(f"Both indexes made again: {chunks} chunks.", file=out)
    return DONE


def _remove(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    with wiring.open_ingestor(settings) as ingestor:
        removed = ingestor.remove(a.names)
    if a.json:
        _print_json({"removed": removed}, out)
    else:
        print(f"{removed} removed.", file=out)
    return DONE


def _serve(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    return wiring.serve(settings)


def _doctor(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from assistant.doctor import examine, sound

    findings = examine(settings, wiring.open_assistant, live=a.live)
    if a.json:
        _print_json(findings, out)
    else:
        for section, entries in findings.items():
            if isinstance(entries, dict):
                print(f"{section}:", file=out)
                for key, value in entries.items():
                    if section == "live" and isinstance(value, dict):
                        value = f"{value['status']}, {value['message']} {value['what_to_do']}".rstrip()
                    print(f"  {key}: {value}", file=out)
    return DONE if sound(findings) else FAILED


_COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Wiring, TextIO], int]] = {
    "ingest": _ingest,
    "search": _search,
    "ask": _ask,
    "check": check.run,
    "eval": evaluation.run,
    "show": _show,
    "sources": _sources,
    "verify": _verify,
    "rebuild": _rebuild,
    "remove": _remove,
    "serve": _serve,
    "doctor": _doctor,
}

__all__ = ["Ingestor", "Wiring", "answer_text", "parser", "run"]
