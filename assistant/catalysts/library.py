"""The catalysts that are in force: those shipped, and the user's own YAML files (the setting ``catalysts``).

A user's catalyst with a shipped id takes its place; others follow in the order of their files. The shipped file's head
tells the format. Every error names the file, the catalyst, the field, and what to write.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from assistant.catalysts.parse import Problem, catalysts_of
from assistant.catalysts.schema import Catalyst
from vectorstore.errors import NotFound, ThesisError
from vectorstore.settings import Settings

SHIPPED = "catalysts.yaml"
EXAMPLES = "stance_examples.yaml"
GENERAL = "general"  # of the examples: sentences that speak of no catalyst
SUFFIXES = (".yaml", ".yml")
SIZE_LIMIT = 1 << 20  # bytes of one file: some thousand catalysts


class CatalystsError(ThesisError):
    """A file of catalysts that cannot be used as it is. ``problems`` lists all that is wrong with it."""

    kind = "catalysts"

    def __init__(self, message: str, what_to_do: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, what_to_do)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file or folder of catalysts holds, and what is wrong with it (nothing where it can be used)."""

    catalysts: tuple[Catalyst, ...]
    problems: tuple[Problem, ...]


class _Loader(yaml.SafeLoader):
    """Plain YAML in which a key that stands twice, or an alias, is an error; PyYAML would take the last, or expand it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "an alias (*name): write the value out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


@cache
def shipped() -> tuple[Catalyst, ...]:
    """Return the catalysts that are shipped, in their order."""
    found = _sound(_parsed(_data(SHIPPED), SHIPPED, tools=False))
    examples = _examples()
    return tuple(
        replace(
            one,
            examples_for=tuple(examples[one.id]["for"]),
            examples_against=tuple(examples[one.id]["against"]),
            examples_neither=tuple(examples[one.id]["neither"]),
        )
        for one in found
    )


@cache
def general() -> tuple[str, ...]:
    """Return example sentences, of our own, that speak of no catalyst."""
    return tuple(_examples()[GENERAL]["neither"])


@cache
def _examples() -> dict[str, dict[str, list[str]]]:
    loaded: dict[str, dict[str, list[str]]] = yaml.load(_data(EXAMPLES), Loader=_Loader)  # noqa: S506  (a SafeLoader)
    return loaded


def _data(name: str) -> str:
    return files("assistant").joinpath("data", name).read_text(encoding="utf-8")


def load(settings: Settings) -> tuple[Catalyst, ...]:
    """Return the shipped catalysts and the user's own. The user's files are read at each call. Raises CatalystsError."""
    if not settings.catalysts:
        return shipped()
    own = _sound(check(Path(settings.catalysts)))
    by_id = {one.id: one for one in own}
    first = tuple(by_id.pop(one.id, one) for one in shipped())
    return (*first, *by_id.values())


def check(path: Path) -> Checked:
    """Return what a file, or the YAML files of a folder, hold, with every problem. Raises CatalystsError where none can be read."""
    names = _files(path)
    found: list[Catalyst] = []
    problems: list[Problem] = []
    for name in names:
        one = _parsed(_text(name), str(name), tools=True)
        problems += one.problems
        for catalyst in one.catalysts:
            twin = next((other for other in found if other.id == catalyst.id), None)
            if twin is not None:
                what = f"{twin.source} has a catalyst with this id too"
                problems.append(Problem(str(name), catalyst.id, "id", what, "Give each an id of its own."))
            found.append(catalyst)
    return Checked(tuple(found), tuple(problems))


def need(catalysts: Sequence[Catalyst], identity: str) -> Catalyst:
    """Return the catalyst with an id. Raises NotFound."""
    for one in catalysts:
        if one.id == identity:
            return one
    raise NotFound(f"There is no catalyst {identity!r}.", f"Catalysts are: {', '.join(one.id for one in catalysts)}.")


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        names = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        if not names:
            raise CatalystsError(f"{path} holds no file of catalysts.", "Put a .yaml file there, or clear the setting.")
        return names
    if not path.exists():
        raise CatalystsError(
            f"The file of catalysts {path} does not exist.", "Name an existing file or folder in `catalysts`."
        )
    return [path]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise CatalystsError(f"{path} is larger than {SIZE_LIMIT // 1024} KB.", "Split it into several files.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CatalystsError(f"{path} cannot be read: {error.strerror}.", "Name a file that you may read.") from error
    except UnicodeDecodeError as error:
        raise CatalystsError(f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error


def _parsed(text: str, where: str, *, tools: bool) -> Checked:
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        line = f", line {at.line + 1}" if at else ""
        raise CatalystsError(
            f"{where}{line}: not valid YAML: {error.problem or error.context}.", "Mend that line."
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CatalystsError(f"{where} is not valid YAML: {str(error)[:200]}.", "Mend it.") from error
    catalysts, problems = catalysts_of(data, where, tools=tools)
    return Checked(catalysts, problems)


def _sound(found: Checked) -> tuple[Catalyst, ...]:
    if found.problems:
        first, *others = found.problems
        more = f" ({len(others)} more: `thesis board --check` lists them.)" if others else ""
        raise CatalystsError(first.message + more, first.what_to_do, found.problems)
    return found.catalysts
