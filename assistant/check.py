"""`thesis check FILE.jsonl`: each row's claim against its evidence. Needs no base."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from vectorstore.errors import SettingsError, ThesisError

_ROW = 'Write {"id": …, "claim": "…", "evidence": ["…"]} on each line.'


class RowError(ThesisError):
    """A line that cannot be checked; the others are."""

    kind = "row"


def check_row(line: str, name: str, number: int) -> dict[str, Any]:
    """Return ``{id, verdict, score, reason}`` of one JSON line; without an ``id`` it is the number of the line. Raises RowError."""
    from pydantic import ValidationError

    from assistant.grounding import check
    from assistant.models import ToolResult

    where = f"{name}, line {number}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"{where} is not JSON: {error}.", "One JSON object a line.") from error
    if not isinstance(row, dict) or not isinstance(row.get("claim"), str):
        raise RowError(f"{where} has no claim.", _ROW)
    evidence = row.get("evidence", [])
    evidence = [evidence] if isinstance(evidence, str) else evidence
    context = row.get("context", [])
    for key, value in (("evidence", evidence), ("context", context)):
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise RowError(f"{where}: {key} is no list of texts.", _ROW)
    results = row.get("tool_results", [])
    if not isinstance(results, list):
        raise RowError(
            f"{where}: tool_results is no list.", "Give ToolResults as `thesis tool NAME --json` prints them."
        )
    try:
        tools = [ToolResult.model_validate(result) for result in results]
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise RowError(
            f"{where}: a tool result is malformed: {place}: {problem['msg']}.",
            "Give ToolResults as `thesis tool NAME --json` prints them.",
        ) from error
    claim = check(row["claim"], evidence, tools, context=context)
    return {"id": row.get("id", number), "verdict": claim.verdict, "score": claim.score, "reason": claim.reason}


def _lines(name: str) -> Iterator[tuple[int, str]]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} cannot be read: {error}.", "Name a UTF-8 file of JSON lines.") from error
    # Not splitlines(): a line separator of Unicode may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def add(adder: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = adder("check", "Check claims against their evidence.")
    command.add_argument(
        "file",
        metavar="FILE",
        help="JSON lines {id, claim, evidence: [text, …], tool_results?, context?}; - reads standard input",
    )


def run(arguments: argparse.Namespace, settings: object, wiring: object, out: TextIO) -> int:
    """Print a row's result a line, or with ``--json`` one object with ``results`` and ``failed``; return 1 if a row was bad."""
    results, failed = [], []
    for number, line in _lines(arguments.file):
        try:
            result = check_row(line, arguments.file, number)
        except RowError as error:
            failed.append(
                {
                    "line": number,
                    "error": {"kind": error.kind, "message": error.message, "what_to_do": error.what_to_do},
                }
            )
            print(f"thesis: {error}", file=sys.stderr)
            continue
        results.append(result)
        if not arguments.json:
            print(json.dumps(result, ensure_ascii=False, allow_nan=False), file=out, flush=True)
    if arguments.json:
        print(
            json.dumps({"results": results, "failed": failed}, ensure_ascii=False, allow_nan=False),
            file=out,
            flush=True,
        )
    return 1 if failed else 0
