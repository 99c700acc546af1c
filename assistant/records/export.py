"""The audit as a file: CSV for a sheet, JSON Lines with everything."""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from assistant.records.audit import rows
from assistant.records.chain import Row
from vectorstore.database import Connection
from vectorstore.errors import SettingsError, StoreError

CSV_COLUMNS = (
    "seq", "time", "user", "via", "kind", "channel", "answer_id", "conversation_id", "question", "status", "mode", "model",
    "index_fingerprint", "cited", "tools", "detail", "payload_sha", "prev", "hash",
)  # fmt: skip
_FIELDS = tuple(Row.__slots__)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def export(connection: Connection, target: Path, **wanted: str) -> int:
    """Write rows to a .csv or .jsonl file, whole or not at all, readable for this user only; return how many.

    ``wanted`` as ``rows``. Raises SettingsError for another kind of file, StoreError for one that exists or cannot be written.
    """
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise SettingsError(f"{target} is neither .csv nor .jsonl.", "Name the file so that its end says which.")
    if target.exists():
        raise StoreError(f"{target} exists already.", "Name a file that does not: an export overwrites nothing.")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            # A sheet takes a file without a mark for one in the encoding of the machine.
            encoding = "utf-8-sig" if write is _write_csv else "utf-8"
            with os.fdopen(descriptor, "w", encoding=encoding, errors="replace", newline="") as stream:
                count = write(stream, rows(connection, **wanted))
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error}.", "Name another place or free some space.") from error
    return count


def _write_jsonl(stream: TextIO, found: Iterator[Row]) -> int:
    count = 0
    for row in found:
        line = {name: getattr(row, name) for name in _FIELDS} | {"payload": _object(row.payload)}
        # ASCII, so that the canonical form of the payload (and its digest) can be made from the line again.
        stream.write(json.dumps(line, allow_nan=False, default=str) + "\n")
        count += 1
    return count


def _write_csv(stream: TextIO, found: Iterator[Row]) -> int:
    writer, count = csv.writer(stream), 0
    writer.writerow(CSV_COLUMNS)
    for row in found:
        payload = _object(row.payload)
        values = _cells(payload if isinstance(payload, Mapping) else {})
        values |= {name: getattr(row, name) for name in CSV_COLUMNS if name in _FIELDS}
        writer.writerow([safe(values.get(name)) for name in CSV_COLUMNS])
        count += 1
    return count


def _object(payload: bytes | None) -> Any:
    """Return a payload as an object; as its text where it was changed and is no JSON."""
    if payload is None:
        return None
    try:
        return json.loads(payload, parse_constant=str)  # NaN is no JSON: it was put there
    except ValueError:
        return payload.decode("utf-8", "replace")


_WRITERS: Mapping[str, Callable[[TextIO, Iterator[Row]], int]] = {".csv": _write_csv, ".jsonl": _write_jsonl}
_OWN = frozenset({"history", "answer", "retrieved", "tool_calls", "settings", *CSV_COLUMNS})


def _cells(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that come from the payload; "detail" holds what has no column, without the Answer (JSON Lines has it)."""
    cells = {name: payload.get(name) for name in CSV_COLUMNS}
    cited: Sequence[Sequence[str]] = payload.get("cited") or ()
    calls: Sequence[Mapping[str, Any]] = payload.get("tool_calls") or ()
    cells["cited"] = " ".join("@".join(map(str, pair)) for pair in cited)
    cells["tools"] = " ".join(f"{call.get('tool')}={call.get('status')}" for call in calls)
    rest = {key: value for key, value in payload.items() if key not in _OWN and value not in (None, "", [], {})}
    cells["detail"] = json.dumps(rest, ensure_ascii=False, sort_keys=True)
    return cells


def safe(value: object) -> str:
    """Return a cell that no sheet takes for a formula, and no terminal for a command: control characters as \\x1b."""
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", "" if value is None else str(value))
    start = text.lstrip()[:1]  # some trim the cell first
    return f"'{text}" if text[:1] in {"\t", "\r", "\n"} or (start and start in "=+-@＝＋－＠") else text
