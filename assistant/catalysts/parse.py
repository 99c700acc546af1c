"""Plain data (what YAML gives) -> catalysts, with everything that is wrong with it. Pure."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from types import MappingProxyType
from typing import Any

from assistant.catalysts.schema import COMPARISONS, DIRECTIONS, NUMERIC, SIDES, Catalyst, Comparison, Condition, Move

VERSION = 1
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ID_LIMIT = 60
_TEXT_LIMITS = {"name": 80, "statement": 400, "mechanism": 800}  # characters
_LISTS = ("look_for", "not_about", "signs_for", "signs_against", "examples_for", "examples_against", "examples_neither")
_LIST_LIMIT, _ITEM_LIMIT = 200, dict.fromkeys(("look_for", "not_about", "signs_for", "signs_against", "of"), 80)
_EXAMPLE_LIMIT = 500
_CATALYST = tuple(f.name for f in fields(Catalyst) if f.name != "source")
_REQUIRED = ("id", "name", "statement", "mechanism", "direction", "look_for")
_CONDITION = ("tool", "arguments", "metric", "subject", *COMPARISONS, "unit", "why")
_PARTS = ("confirms", "refutes")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which file, catalyst and field, what, and what to write."""

    file: str
    catalyst: str  # its id, or its place in the list
    field: str
    what: str
    what_to_do: str

    @property
    def message(self) -> str:
        where = ", ".join(part for part in (f"catalyst {self.catalyst}" if self.catalyst else "", self.field) if part)
        end = "" if self.what.endswith("?") else "."
        return f"{self.file}: {where}: {self.what}{end}" if where else f"{self.file}: {self.what}{end}"

    def __str__(self) -> str:
        return f"{self.message} {self.what_to_do}".strip()


class _Reader:
    """Reads one catalyst, noting what is wrong."""

    def __init__(self, file: str, catalyst: str) -> None:
        self.file, self.catalyst = file, catalyst
        self.problems: list[Problem] = []

    def wrong(self, field: str, what: str, what_to_do: str) -> None:
        self.problems.append(Problem(self.file, self.catalyst, field, what, what_to_do))

    def unknown(self, names: Sequence[object], known: Sequence[str], inside: str = "") -> None:
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"Is {near[0]} meant? " if near else ""
                self.wrong(f"{inside}{name}"[:100], "there is no such field", f"{hint}Fields are: {', '.join(known)}.")

    def text(self, row: Mapping[str, Any], name: str, inside: str = "", *, limit: int = 200, need: bool = False) -> str:
        value = row.get(name)
        if value is None:
            if need:
                self.wrong(f"{inside}{name}", "is missing", f"Write {name}: and a text.")
            return ""
        if not isinstance(value, str):
            self.wrong(
                f"{inside}{name}",
                f"{_shown(value)} is no text",
                'Write a text, in "quotes" if YAML takes it for something else.',
            )
            return ""
        folded = " ".join(value.split())
        if need and not folded:
            self.wrong(f"{inside}{name}", "is empty", "Write a text.")
        if len(folded) > limit:
            self.wrong(f"{inside}{name}", f"has {len(folded)} characters", f"Write at most {limit}.")
        return folded

    def texts(self, row: Mapping[str, Any], name: str, inside: str = "") -> tuple[str, ...]:
        value = row.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            odd = (
                next((one for one in value if not isinstance(one, str) or not one.strip()), None)
                if isinstance(value, list)
                else value
            )
            self.wrong(
                f"{inside}{name}",
                f"{_shown(odd)} is no text" if isinstance(value, list) else f"{_shown(value)} is no list",
                "Write a list of texts: [one, another].",
            )
            return ()
        limit = _ITEM_LIMIT.get(name, _EXAMPLE_LIMIT)
        items = tuple(dict.fromkeys(" ".join(one.split()) for one in value))
        if len(items) > _LIST_LIMIT:
            self.wrong(f"{inside}{name}", f"has {len(items)} entries", f"Write at most {_LIST_LIMIT}.")
        for one in items:
            if len(one) > limit:
                self.wrong(f"{inside}{name}", f"{_shown(one)} has {len(one)} characters", f"Write at most {limit}.")
            elif not re.search(r"\w", one):
                self.wrong(f"{inside}{name}", f"{_shown(one)} holds no word", "Write a word or a phrase.")
        return items

    def moves(self, row: Mapping[str, Any]) -> tuple[Move, ...]:
        value = row.get("moves")
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(
                "moves", f"{_shown(value)} is no list", "Write - {of: [margin, returns], up: for, down: against}."
            )
            return ()
        found = []
        for place, one in enumerate(value, 1):
            inside = f"moves[{place}]."
            if not isinstance(one, dict):
                self.wrong(
                    inside[:-1], f"{_shown(one)} is no move", "Write {of: [margin, returns], up: for, down: against}."
                )
                continue
            self.unknown(list(one), ("of", "up", "down"), inside)
            of = self.texts(one, "of", inside)
            if not of and not any(p.field == f"{inside}of" for p in self.problems):
                self.wrong(f"{inside}of", "is missing or empty", "Write a list of what rises or falls.")
            sides = [next((s for s in SIDES if s == one.get(end)), None) for end in ("up", "down")]
            for end, side in zip(("up", "down"), sides, strict=True):
                if side is None:
                    self.wrong(f"{inside}{end}", f"{_shown(one.get(end))} is unknown", "Write for or against.")
            up, down = sides
            if up is not None and down is not None:
                found.append(Move(of, up, down))
        return tuple(found)

    def conditions(self, row: Mapping[str, Any], part: str, *, tools: bool) -> tuple[Condition, ...]:
        value = row.get(part)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(
                part, f"{_shown(value)} is no list", "Write a list of conditions: - {tool: …, metric: …, at_least: …}."
            )
            return ()
        found = [self._condition(one, f"{part}[{n}].", tools=tools) for n, one in enumerate(value, 1)]
        return tuple(one for one in found if one is not None)

    def _condition(self, row: object, inside: str, *, tools: bool) -> Condition | None:
        before = len(self.problems)
        if not isinstance(row, dict):
            self.wrong(inside[:-1], f"{_shown(row)} is no condition", "Write {tool: …, metric: …, at_least: …}.")
            return None
        self.unknown(list(row), _CONDITION, inside)
        tool = self.text(row, "tool", inside, need=True)
        metric = self.text(row, "metric", inside, need=True)
        given = row.get("arguments")
        arguments: dict[str, object] = {}
        if given is not None and not (isinstance(given, dict) and all(isinstance(key, str) for key in given)):
            self.wrong(f"{inside}arguments", f"{_shown(given)} is no mapping", "Write {name: value}.")
        elif given:
            arguments = dict(given)
        compared = [name for name in COMPARISONS if name in row]
        if len(compared) != 1:
            what = "no comparison" if not compared else f"several comparisons ({', '.join(compared)})"
            self.wrong(inside[:-1], f"has {what}", f"Write one of {', '.join(COMPARISONS)}.")
        if tools and len(self.problems) == before:
            self._known(tool, arguments, inside)
        number, other = self._compared(row, compared[0], inside) if len(compared) == 1 else (None, "")
        subject, unit, why = (self.text(row, name, inside) for name in ("subject", "unit", "why"))
        if len(self.problems) > before:
            return None
        compare: Comparison = next(name for name in COMPARISONS if name in row)
        return Condition(tool, metric, compare, number, other, MappingProxyType(arguments), subject, unit, why)

    def _compared(self, row: Mapping[str, Any], name: str, inside: str) -> tuple[float | None, str]:
        if name not in NUMERIC:
            return None, self.text(row, name, inside, need=True)
        value = row[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.wrong(
                f"{inside}{name}", f"{_shown(value)} is no number", "Write a number without its unit, such as 2.5."
            )
            return None, ""
        return float(value), ""

    def _known(self, tool: str, arguments: Mapping[str, object], inside: str) -> None:
        # The tools load their libraries: only a user's file is checked against them, the shipped one by a test.
        from assistant.tools import registry

        if tool not in registry.NAMES:
            near = difflib.get_close_matches(tool, registry.NAMES, n=1)
            hint = f"Is {near[0]} meant? " if near else ""
            self.wrong(
                f"{inside}tool",
                f"there is no tool {_shown(tool)}",
                f"{hint}`thesis tool` lists them: {', '.join(registry.NAMES)}.",
            )
            return
        if wrong := registry.wrong_arguments(tool, arguments):
            self.wrong(f"{inside}arguments", wrong[0].rstrip("."), wrong[1])


def catalysts_of(data: object, file: str, *, tools: bool) -> tuple[tuple[Catalyst, ...], tuple[Problem, ...]]:
    """Return the sound catalysts of a file's data and every problem. ``tools``: check tools and arguments too."""
    top = _Reader(file, "")
    if not isinstance(data, dict):
        top.wrong("", "holds no mapping", f"Write version: {VERSION} and catalysts: with a list.")
        return (), tuple(top.problems)
    top.unknown(list(data), ("version", "catalysts"))
    if data.get("version") != VERSION or isinstance(data.get("version"), bool):
        top.wrong("version", f"{_shown(data.get('version'))} is not known", f"Write version: {VERSION}.")
    rows = data.get("catalysts")
    if not isinstance(rows, list) or not rows:
        top.wrong(
            "catalysts", "is no list of catalysts" if rows is not None else "is missing", "Write catalysts: and a list."
        )
        return (), tuple(top.problems)
    found: list[Catalyst] = []
    problems = list(top.problems)
    for place, row in enumerate(rows, 1):
        said = row.get("id") if isinstance(row, dict) else None
        reader = _Reader(file, said if isinstance(said, str) and said else f"number {place}")
        catalyst = _catalyst(row, reader, tools=tools)
        if catalyst is not None and any(one.id == catalyst.id for one in found):
            reader.wrong("id", "stands twice in this file", "Give each an id of its own.")
        elif catalyst is not None:
            found.append(catalyst)
        problems += reader.problems
    return tuple(found), tuple(problems)


def _catalyst(row: object, reader: _Reader, *, tools: bool) -> Catalyst | None:
    if not isinstance(row, dict):
        reader.wrong("", f"{_shown(row)} is no catalyst", f"Write a mapping with {', '.join(_REQUIRED)}.")
        return None
    reader.unknown(list(row), _CATALYST)
    texts = {name: reader.text(row, name, limit=limit, need=True) for name, limit in _TEXT_LIMITS.items()}
    identity = reader.text(row, "id", limit=_ID_LIMIT, need=True)
    if identity and not _ID.fullmatch(identity):
        reader.wrong(
            "id", f"{_shown(identity)} is no id", "Write lower-case words with hyphens, such as water-scarcity."
        )
    direction = reader.text(row, "direction", need=True)
    if direction and direction not in DIRECTIONS:
        reader.wrong("direction", f"{_shown(direction)} is unknown", f"Write {' or '.join(DIRECTIONS)}.")
    lists = {name: reader.texts(row, name) for name in _LISTS}
    if not lists["look_for"] and not any(p.field == "look_for" for p in reader.problems):
        reader.wrong("look_for", "is missing or empty", "Write a list of words and phrases that such sentences use.")
    moves = reader.moves(row)
    confirms, refutes = (reader.conditions(row, part, tools=tools) for part in _PARTS)
    for yes, no in product(confirms, refutes):
        if overlap(yes, no):
            reader.wrong(
                "confirms, refutes", f"{yes.rule} and {no.rule} can hold at once", "Leave a gap between the thresholds, so that no value means both.",
            )  # fmt: skip
    if reader.problems:
        return None
    return Catalyst(
        id=identity,
        name=texts["name"],
        statement=texts["statement"],
        mechanism=texts["mechanism"],
        direction=next(d for d in DIRECTIONS if d == direction),
        look_for=lists["look_for"],
        not_about=lists["not_about"],
        moves=moves,
        signs_for=lists["signs_for"],
        signs_against=lists["signs_against"],
        confirms=confirms,
        refutes=refutes,
        examples_for=lists["examples_for"],
        examples_against=lists["examples_against"],
        examples_neither=lists["examples_neither"],
        source=reader.file,
    )


def overlap(one: Condition, other: Condition) -> bool:
    """Whether two conditions on the same metric of the same subject can both hold."""
    same_subject = one.subject.startswith(other.subject) or other.subject.startswith(one.subject)
    if (one.call, one.metric) != (other.call, other.metric) or not same_subject:
        return False
    if one.compare in NUMERIC and other.compare in NUMERIC:
        assert one.value is not None
        assert other.value is not None
        if one.compare == other.compare:
            return True
        low, high = (one, other) if one.compare == "at_least" else (other, one)
        assert low.value is not None
        assert high.value is not None
        return low.value <= high.value
    return one.compare == other.compare and one.other == other.other


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
