"""Questions with their gold, from JSON lines. Every fault of a line is a SettingsError that names file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from assistant.evaluation.prediction import Prediction, read_prediction
from vectorstore.errors import SettingsError

STATUSES = ("answered", "partial", "insufficient_evidence")
FILTER_NAMES = ("kind", "publisher", "company", "ticker", "form", "collection", "since", "until")


@dataclass(frozen=True, slots=True)
class Place:
    """One piece of gold evidence. The document is known by any of its names; page (1-based), span (code points) and
    chunk are as far as the row gives them; ``text`` is a gold passage known by its words only."""

    document: str | None = None
    sha256: str | None = None
    title: str | None = None
    document_id: str | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None
    chunk_id: str | None = None
    text: str | None = None

    @property
    def names_document(self) -> bool:
        return any((self.document, self.sha256, self.title, self.document_id))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that should be called, with the arguments that must be right."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A question and what is known of its right answer; absent gold leaves the metrics that need it unscored.

    ``tools`` is None where the row does not say which tools are right, and () where none is.
    ``prediction`` is an answer made elsewhere: such a row is scored and not asked.
    """

    id: str
    question: str
    group: str = ""
    reference: str | None = None
    expect: tuple[str, ...] = ()
    status: str | None = None
    evidence: tuple[Place, ...] = ()
    as_of: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, str], ...] = ()
    tools: tuple[ToolCall, ...] | None = None
    prediction: Prediction | None = None

    @property
    def answerable(self) -> bool | None:
        """Whether it should be answered; None where neither a status nor any gold says so."""
        if self.status is not None:
            return self.status != "insufficient_evidence"
        return True if self.reference or self.expect or self.evidence else None


def load(path: str | Path) -> list[Row]:
    """Read a data set. Raises SettingsError for a file or line that is none, naming the line."""
    return parse(read_lines(path), name=str(path))


def read_lines(path: str | Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Return (line number, object) for each line that is not empty. Raises SettingsError naming file and line."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Name a UTF-8 file of JSON lines.") from error
    rows: list[tuple[int, Mapping[str, Any]]] = []
    # Not splitlines(): a line separator of Unicode may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise SettingsError(f"{path}, line {number} is not JSON: {error}.", "One JSON object a line.") from error
        if not isinstance(value, dict):
            raise SettingsError(f"{path}, line {number} is not an object.", "One JSON object a line.")
        rows.append((number, value))
    return rows


def parse(rows: Iterable[Mapping[str, Any] | tuple[int, Mapping[str, Any]]], *, name: str = "rows") -> list[Row]:
    """Turn mappings (numbered, or counted from 1) into Rows. Raises SettingsError naming the line, also for an id twice."""
    out: list[Row] = []
    seen: dict[str, int] = {}
    for count, item in enumerate(rows, start=1):
        number, value = item if isinstance(item, tuple) else (count, item)
        where = f"{name}, line {number}"
        row = _row(value, where, default_id=f"line-{number}")
        if row.id in seen:
            raise SettingsError(f"{where}: the id {row.id!r} is that of line {seen[row.id]} too.", "Give each its own.")
        seen[row.id] = number
        out.append(row)
    if not out:
        raise SettingsError(f"{name} holds no questions.", "One JSON object a line, with at least a question.")
    return out


def _wrong(where: str, key: str, value: object, what: str) -> SettingsError:
    shown = repr(value)
    return SettingsError(
        f"{where}: {key} = {shown[:80]} is not {what}.",
        f"Give {key} as {what}, or leave it out; see docs/evaluation.md.",
    )


def _text(value: Mapping[str, Any], key: str, where: str) -> str | None:
    found = value.get(key)
    if found is not None and not isinstance(found, str):
        raise _wrong(where, key, found, "a text")
    return found or None


def _texts(value: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    found = value.get(key)
    if found is None:
        return ()
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(x, str) for x in listed):
        raise _wrong(where, key, found, "a list of texts")
    return tuple(listed)


def _row(value: Mapping[str, Any], where: str, *, default_id: str) -> Row:
    question = value.get("question", value.get("user_input"))
    if not isinstance(question, str) or not question.strip():
        raise SettingsError(f"{where} has no question.", 'Give "question" (or "user_input") as a text.')
    identity = value.get("id", default_id)
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise _wrong(where, "id", identity, "a text")
    group = value.get("type")
    if group is not None and not isinstance(group, str):
        raise _wrong(where, "type", group, "a text")
    reference = _text(value, "reference", where)
    if reference is None and isinstance(value.get("answer"), int | float) and not isinstance(value["answer"], bool):
        reference = str(value["answer"])
    elif reference is None and not isinstance(value.get("answer"), dict):
        reference = _text(value, "answer", where)
    status = value.get("status")
    if status is not None and status not in STATUSES:
        raise _wrong(where, "status", status, f"one of {', '.join(STATUSES)}")
    return Row(
        id=str(identity),
        question=question,
        group=group or "",
        reference=reference,
        expect=_patterns(value, where),
        status=status,
        evidence=_evidence(value, where),
        as_of=_date(value, "as_of", where),
        filters=_filters(value, where),
        history=_history(value, where),
        tools=_tools(value, where),
        prediction=read_prediction(value, where),
    )


def _patterns(value: Mapping[str, Any], where: str) -> tuple[str, ...]:
    patterns = _texts(value, "expect", where)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise SettingsError(
                f"{where}: expect = {pattern!r} is not a regular expression: {error}.", "Mend it (Python's re)."
            ) from error
    return patterns


def _date(value: Mapping[str, Any], key: str, where: str) -> str | None:
    found = value.get(key)
    if found is None or found == "":
        return None
    try:
        return date.fromisoformat(found).isoformat()
    except (TypeError, ValueError):
        raise _wrong(where, key, found, "a date (YYYY-MM-DD)") from None


def _filters(value: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    found = value.get("filters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _wrong(where, "filters", found, "an object")
    for name in found:
        if name not in FILTER_NAMES:
            raise SettingsError(f"{where}: there is no filter {name!r}.", f"Filters are: {', '.join(FILTER_NAMES)}.")
        if name in {"since", "until"}:
            _date(found, name, where)
        else:
            _texts(found, name, where)
    return found


def _history(value: Mapping[str, Any], where: str) -> tuple[Mapping[str, str], ...]:
    found = value.get("history")
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(turn, dict) for turn in found):
        raise _wrong(where, "history", found, "a list of turns")
    return tuple(found)


def _tools(value: Mapping[str, Any], where: str) -> tuple[ToolCall, ...] | None:
    if "tool" not in value:
        return None
    found, arguments = value["tool"], value.get("arguments") or {}
    if found is None or found == "" or found == []:
        return ()
    if isinstance(found, str):
        if not isinstance(arguments, dict):
            raise _wrong(where, "arguments", arguments, "an object")
        return (ToolCall(found, arguments),)
    if not isinstance(found, list):
        raise _wrong(where, "tool", found, "a name, or a list of names or of {tool, arguments}")
    calls = []
    for one in found:
        if isinstance(one, str):
            calls.append(ToolCall(one))
        elif isinstance(one, dict) and isinstance(one.get("tool"), str) and isinstance(one.get("arguments", {}), dict):
            calls.append(ToolCall(one["tool"], one.get("arguments", {})))
        else:
            raise _wrong(where, "tool", one, "a name or {tool, arguments}")
    return tuple(calls)


def _evidence(value: Mapping[str, Any], where: str) -> tuple[Place, ...]:
    found = value.get("evidence")
    places: list[Place] = []
    top = {key: _text(value, key, where) for key in ("document", "sha256", "title", "document_id")}
    if found is not None:
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise _wrong(where, "evidence", found, "a list of objects")
        places += [_place(one, top, where) for one in found]
    ids = value.get("reference_context_ids")
    if isinstance(ids, list):  # ragas allows whole numbers
        value = {**value, "reference_context_ids": [str(x) if type(x) is int else x for x in ids]}
    places += [Place(chunk_id=one) for one in _texts(value, "reference_context_ids", where)]
    if not value.get("reference_context_ids"):
        places += [Place(text=one) for one in _texts(value, "reference_contexts", where) if one.strip()]
    if not places and any(top.values()):
        places.append(_named(top))
    # A page that is named twice is one page.
    return tuple(dict.fromkeys(places))


def _place(one: Mapping[str, Any], top: Mapping[str, str | None], where: str) -> Place:
    names = {key: _text(one, key, where) for key in ("document", "sha256", "title", "document_id")}
    # What the row says of its document holds for evidence that names none, or the same one.
    if not any(names.values()) or (names["document"] and names["document"] == top["document"]):
        names = {key: names[key] or top[key] for key in names}
    numbers: dict[str, int | None] = {}
    for key, least in (("page", 1), ("start", 0), ("end", 0)):
        given = one.get(key)
        if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < least):
            raise _wrong(where, key, given, f"a whole number from {least} up")
        numbers[key] = given
    if (numbers["start"] is None) != (numbers["end"] is None):
        raise SettingsError(
            f"{where}: evidence needs both start and end, or neither.", "Give code points, end exclusive."
        )
    chunk = _text(one, "chunk_id", where)
    if not chunk and not any(names.values()):
        raise SettingsError(
            f"{where}: a piece of evidence names no document.", "Give document, sha256, title, document_id or chunk_id."
        )
    return replace(
        _named(names), page=numbers["page"], start=numbers["start"], end=numbers["end"], chunk_id=chunk or None
    )


def _named(names: Mapping[str, str | None]) -> Place:
    return Place(names["document"], names["sha256"], names["title"], names["document_id"])
