"""`thesis tool`: its options, the list of tools, and one call. Light to import; what it needs loads when it runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.models import Metric, ToolResult


def add(new: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command; ``new(name, text)`` makes a subparser with the options that all commands share."""
    command = new("tool", "Run a live-metrics tool, or list them: thesis tool NAME --argument value …")
    command.add_argument("name", nargs="?", metavar="NAME")
    command.add_argument("--as-of", metavar="DATE", help="nothing published, filed or observed after this day")
    command.add_argument("--export", metavar="FILE", help="write every input of the figures to FILE (.csv or .json)")


def run(a: argparse.Namespace, rest: Sequence[str], settings: Settings, out: TextIO) -> int:
    """Run the command; ``rest``: the tool's own arguments. 1 for a result with status "error"."""
    from assistant.tools.registry import call, listed, need
    from assistant.tools.wiring import make_context

    if a.name is None:
        if rest:
            raise SettingsError(f"{rest[0]} belongs to no tool.", "Write: thesis tool NAME --argument value")
        entries = listed()
        print(json.dumps({"tools": entries}) if a.json else "\n".join(map(_line, entries)), file=out)
        return 0
    need(a.name)
    to = _file(a.export) if a.export else None
    context = make_context(settings, as_of=_day(a.as_of) if a.as_of else None)
    result = call(a.name, _pairs(rest), context)
    told = _exported(result, to) if to else ""
    if a.json:
        print(json.dumps(result.model_dump(mode="json"), ensure_ascii=False, allow_nan=False), file=out)
    else:
        print(result_text(result), file=out)
    if told:
        print(told, file=sys.stderr)
    return 1 if result.status == "error" else 0


def _file(name: str) -> Path:
    """Raises SettingsError for a file that could not be written, before anything is asked of a source."""
    path = Path(name)
    if path.suffix.lower() not in {".csv", ".json"} or not path.parent.is_dir() or path.is_dir():
        raise SettingsError(f"export = {name!r} is no .csv or .json file in a folder.", "For example: --export out.csv")
    return path


def _exported(result: ToolResult, path: Path) -> str:
    from assistant.tools.export import export, rows

    count = len(rows(result))
    if not count:
        return f"No figure has inputs: {path} was not written."
    try:
        path.write_text(export(result, path.suffix[1:].lower()), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    return f"{count} inputs written to {path}."


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(
            f"as_of = {text!r} is not a date.", "Write it as YYYY-MM-DD, for example 2025-06-30."
        ) from None
    # A day more for those whose clock is ahead of UTC.
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise SettingsError(f"as_of = {day} lies in the future.", "Give a day that is over, or leave it out.")
    return day


def _pairs(rest: Sequence[str]) -> dict[str, Any]:
    """Return {argument: value} of "--argument value" and "--argument=value"; a name given twice makes a list."""
    found: dict[str, Any] = {}
    i = 0
    while i < len(rest):
        flag, sign, value = rest[i].partition("=")
        if not flag.startswith("--") or len(flag) < 3:
            raise SettingsError(f"{rest[i]!r} is no argument.", "Write arguments as --name value.")
        i += 1
        if not sign:
            if i == len(rest) or rest[i].startswith("--"):
                raise SettingsError(f"{flag} has no value.", "Write arguments as --name value.")
            value = rest[i]
            i += 1
        name = flag[2:].replace("-", "_")
        if name in found:
            held = found[name]
            found[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            found[name] = value
    return found


def _line(entry: dict[str, Any]) -> str:
    names = " ".join(f"--{argument['name'].replace('_', '-')}" for argument in entry["arguments"])
    return f"{entry['name']}: {entry['summary']}\n    {names}\n    from {', '.join(entry['sources'])}"


def result_text(result: ToolResult) -> str:
    """Return a ToolResult for a terminal."""
    given = ", ".join(f"{k}={v}" for k, v in result.arguments.items() if v not in (None, "", [], ()))
    lines = [f"{result.tool} ({given}): {result.status}" if given else f"{result.tool}: {result.status}"]
    lines += [f"  {_metric(metric)}" for metric in result.metrics]
    if result.error is not None:
        lines.append(f"  {result.error.message} {result.error.what_to_do}".rstrip())
    lines += [f"  note: {text}" for text in result.warnings]
    if result.retrieved_at:
        age = (
            " (saved, stale)"
            if result.stale and result.cached
            else " (saved)"
            if result.cached
            else " (stale)"
            if result.stale
            else ""
        )
        lines.append(f"  retrieved {result.retrieved_at}{age}")
    return "\n".join(lines)


def _metric(metric: Metric) -> str:
    number = metric.value
    value = "" if number is None else f"{number:,.4g} " if abs(number) < 1000 else f"{number:,.0f} "
    period = f", {metric.period}" if metric.period else ""
    span = next(
        (f" [{x['low']:,.4g} to {x['high']:,.4g}, 95%]" for x in metric.inputs if x.get("name") == "interval95"), ""
    )
    first = (
        f"{metric.name} of {metric.subject}: {value}{metric.unit}{span} (as of {metric.as_of}{period}; {metric.source})"
    )
    # Sentences are what such a metric is for; rows of statements stand in --json and --export.
    quotes = [x for x in metric.inputs if "quote" in x] if metric.unit in {"sentences", "percent"} else []
    said = [x for x in quotes if metric.unit == "sentences" or "name" not in x]
    return "\n".join(
        [
            first,
            *(
                f"    “{' '.join(str(x['quote']).split())}” ({x.get('company') or x['document_id']}, characters {x['start']}-{x['end']})"
                for x in said
            ),
        ]
    )
