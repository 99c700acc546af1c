"""`thesis …`: arguments in, one call on Assistant or Ingestor, text or JSON out.

Standard output holds the result only; progress and logs go to standard error. Exit codes: 0 done, 1 the work
failed or a threshold was missed, 2 the call was wrong.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TextIO

from assistant import check, logs, store_commands
from assistant.access import command as access
from assistant.catalysts import claim_command as claims
from assistant.catalysts import command as board
from assistant.catalysts import companies_command as companies
from assistant.commands import COMMANDS, DONE, FAILED, WRONG, fail
from assistant.evaluation import command as evaluation
from assistant.handover import caller
from assistant.records import command as records
from assistant.shown import answer_text
from assistant.tools import command as tool
from assistant.wiring import Ingestor, Wiring
from vectorstore.errors import SettingsError, ThesisError
from vectorstore.settings import Settings, load_settings


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
    scope.add_argument("--watchlist", metavar="FILE", help="of the companies whose tickers stand in this CSV file")
    scope.add_argument("--within", action="append", metavar="COLLECTION[,…]", help=evaluation.WITHIN)

    top = _Parser(prog="thesis", description="Answers over an investment-thesis knowledge base, each sentence cited.")
    top.add_argument("--version", action="version", version=f"thesis {version('thesis-assistant')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def add(name: str, text: str, *parents: _Parser) -> _Parser:
        return commands.add_parser(name, help=text, description=text, parents=[shared, *parents])

    ingest = add("ingest", "Read documents into the base.")
    ingest.add_argument(
        "paths",
        nargs="+",
        metavar="PATH_OR_URL",
        help="a file, a folder, an http(s) URL, or s3://BUCKET/PREFIX and the like",
    )
    ingest.add_argument(
        "--sync", action="store_true", help="also remove documents whose file is gone from a folder named"
    )
    ingest.add_argument(
        "--meta", action="append", default=[], metavar="KEY=VALUE", help="metadata that wins over what is found"
    )
    ingest.add_argument("--collection", metavar="NAME")
    ingest.add_argument(
        "--engine", choices=["plain", "ray"], help="who reads and embeds: this machine, or Ray (default: ingest_engine)"
    )
    ingest.add_argument(
        "--address", metavar="HOST:PORT", help="a Ray cluster (default: ray_address, or Ray on this machine)"
    )

    search = add("search", "Show the passages that a question finds.", scope)
    search.add_argument("query")
    search.add_argument("-k", type=int, default=10, help="how many (default 10)")

    ask = add("ask", "Answer a question, each sentence cited.", scope)
    ask.add_argument("question", nargs="?")
    ask.add_argument("--model", metavar="NAME", help="provider:name, or extractive for none (default: the setting)")
    ask.add_argument(
        "--batch", metavar="FILE", help="questions as JSON lines ({question, as_of?, filters?, id?}); an Answer a line"
    )
    ask.add_argument("--export", metavar="FILE", help="write the answer to FILE too (.md, .html or .pdf)")

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
    store_commands.add(add)
    board.add(add)
    claims.add(add)
    companies.add(add)
    records.add(add)
    access.add(add)
    remove = add("remove", "Take documents out of the base.")
    remove.add_argument("names", nargs="+", metavar="DOCUMENT", help="document id, the start of one, or a path")
    serve = add("serve", "Serve the web chat.")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--root-path", metavar="/PATH", help="the path that a proxy in front serves it under")
    serve.add_argument("--workers", type=int, default=1, metavar="N", help="processes: 1, as one process owns a base")
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
        if arguments.command in {"check", "audit", "feedback"}:  # need not own the store
            return COMMANDS[arguments.command](arguments, settings, wiring, out)
        return caller.run(arguments, settings, wiring, out)
    except ThesisError as error:
        return fail(error, as_json=as_json, out=out, err=wiring.err)
    except BrokenPipeError:
        # The reader of our output closed it (a pager, head): nothing is left to say.
        return DONE
    except KeyboardInterrupt:
        print("Stopped.", file=wiring.err)
        return FAILED


def _settings(arguments: argparse.Namespace) -> Settings:
    overrides = {"store": arguments.store}
    if arguments.command == "serve":
        overrides |= {"host": arguments.host, "port": arguments.port, "root_path": arguments.root_path}
    if arguments.command == "ingest":
        overrides |= {"ingest_engine": arguments.engine, "ray_address": arguments.address}
    return load_settings(file=Path(arguments.config) if arguments.config else None, overrides=overrides)


__all__ = ["Ingestor", "Wiring", "answer_text", "parser", "run"]
