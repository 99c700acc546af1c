"""Compliance gates: restricted names, a note on questions for advice, a last line. They are read from the file ``gates_file`` names.

::

    disclaimer = "For information only."        # the last warning of every answer
    refusal = "This cannot be answered here."   # shown in place of an answer; the default names no name

    [advice]
    note = "This is no investment advice."      # a warning where the question asks for advice; nothing is refused
    phrases = ["what would the house do"]       # beside assistant/data/advice.txt

    [[restricted]]
    name = "Harbor Tools Inc."
    aliases = ["Harbor Hardware"]
    tickers = ["HRBR"]
    action = "refuse"                           # or "note": a warning on the answer
    reason = "Harbor Tools is restricted."      # in place of ``refusal``, or the text of the note
"""

from __future__ import annotations

import logging
import re
import threading
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.access import User
from assistant.models import Answer
from assistant.restricted import Names, folded
from assistant.service.ports import Refused
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
_REFUSAL = "This touches a name that is restricted here, and is not answered."
_ASK = "Ask whoever answers for compliance."


@dataclass(frozen=True, slots=True)
class _Entry:
    """One restricted name: what is shown, and whether it refuses."""

    refuses: bool
    text: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What a gates file says."""

    names: Names
    entries: Mapping[str, _Entry]
    advice: str = ""
    phrases: tuple[str, ...] = ()
    disclaimer: str = ""

    def refuse(self, text: str, where: str) -> None:
        """Raise Refused where ``text`` has a name that refuses."""
        for label in self.names.labels(text):
            if self.entries[label].refuses:
                raise Refused(self.entries[label].text, _ASK, why=f"restricted name {label!r} in the {where}")

    def notes(self, answer: Answer) -> tuple[str, ...]:
        """Return the warnings that an answer gets, the last line last."""
        found = {label: None for _, text in _texts(answer) for label in self.names.labels(text)}
        notes = [self.entries[label].text for label in found if not self.entries[label].refuses]
        asked = (answer.question, answer.standalone_question)
        if self.advice and any(asks_for_advice(text, self.phrases) for text in asked):
            notes.append(self.advice)
        if self.disclaimer:
            notes.append(self.disclaimer)
        return tuple(dict.fromkeys(notes))


@cache
def _advice() -> re.Pattern[str]:
    text = files("assistant").joinpath("data", "advice.txt").read_text(encoding="utf-8")
    return re.compile("|".join(f"(?:{line})" for line in text.splitlines() if line and not line.startswith("#")))


def asks_for_advice(text: str, phrases: tuple[str, ...] = ()) -> bool:
    """Whether a question asks what to do with one's money."""
    plain = folded(text[:_LONGEST])
    return bool(_advice().search(plain)) or any(phrase in plain for phrase in phrases)


_LONGEST = 8_000  # characters of a question; a longer one is refused for its length anyway


def _texts(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield (where, text) of all that an answer says: not what lies nearby (``passages``)."""
    yield "question", answer.question
    yield "standalone question", answer.standalone_question
    yield "answer", "\n".join((answer.text, *answer.warnings, *_failure(answer.error)))
    for cited in answer.citations:
        names = (cited.title, cited.publisher, Path(cited.path).name, cited.quote)
        yield "citations", "\n".join(part for part in names if part)
    for result in answer.tool_results:
        subjects = (metric.subject for metric in result.metrics)
        yield "live metrics", "\n".join(map(str, (*result.arguments.values(), *subjects, *result.warnings, *_failure(result.error))))  # fmt: skip


def _failure(error: Any) -> tuple[str, ...]:
    return (error.message, error.what_to_do) if error else ()


class Gates:
    """The gates of one file, which is read again when it changes. Safe in any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp, self._policy = _stamp(path), read(path)

    @classmethod
    def load(cls, settings: Settings) -> Gates | None:
        """Return the gates of the settings; None where there are none. Raises SettingsError for a file that is wrong."""
        return cls(Path(settings.gates_file).expanduser()) if settings.gates_file else None

    def question(self, user: User, question: str) -> None:
        self._current().refuse(str(question), "question")

    def sentence(self, user: User, text: str) -> None:
        self._current().refuse(text, "answer")

    def answer(self, user: User, answer: Answer) -> Answer:
        policy = self._current()
        for where, text in _texts(answer):
            policy.refuse(text, where)
        notes = policy.notes(answer)
        return answer.model_copy(update={"warnings": (*answer.warnings, *notes)}) if notes else answer

    def _current(self) -> Policy:
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._policy = read(self._path)
                except SettingsError as error:
                    # Half-written, or wrong: no gate opens by it.
                    log.error("%s What it said before stays in force. %s", error.message, error.what_to_do)  # noqa: TRY400
                else:
                    log.warning("%s has changed; the gates are as it says now.", self._path)
            return self._policy


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: Path) -> Policy:
    """Read a gates file. Raises SettingsError that names what is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"gates_file {path} cannot be read: {error.strerror}.", "Name a file that you may read.") from error  # fmt: skip
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"gates_file {path} is not valid TOML: {error}.", "Mend the line that it names.") from error
    found = _Reader(str(path))
    found.known(data, "", {"disclaimer", "refusal", "advice", "restricted"})
    advice = found.table(data, "advice", {"note", "phrases"})
    refusal = found.text(data, "refusal", "") or _REFUSAL
    names = Names()
    entries: dict[str, _Entry] = {}
    listed = data.get("restricted", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise found.wrong("restricted is not a list of tables", "Write [[restricted]] above each name.")
    for number, one in enumerate(listed, start=1):
        where = f"[[restricted]] {number}: "
        found.known(one, where, {"name", "aliases", "tickers", "action", "reason"})
        name, action = found.text(one, "name", where), found.text(one, "action", where) or "refuse"
        if action not in {"refuse", "note"}:
            raise found.wrong(f"{where}action = {action!r} is unknown", 'It is "refuse" or "note".')
        _add(found, names, where, name, one)
        reason = found.text(one, "reason", where)
        known = entries.get(name)
        if known is None or action == "refuse":  # named twice: the stricter holds
            note = reason or f"{name} stands on a list that compliance keeps."
            entries[name] = _Entry(True, reason or refusal) if action == "refuse" else _Entry(False, note)
    phrases = tuple(filter(None, map(folded, found.texts(advice, "phrases", "advice: "))))
    return Policy(names, entries, found.text(advice, "note", "advice: "), phrases, found.text(data, "disclaimer", ""))


def _add(found: _Reader, names: Names, where: str, name: str, one: Mapping[str, Any]) -> None:
    if not name:
        raise found.wrong(f"{where}it has no name", 'Write name = "…".')
    tickers = found.texts(one, "tickers", where)
    for text in (name, *found.texts(one, "aliases", where), *tickers):
        if not names.add(text, name, ticker=text in tickers):
            raise found.wrong(f"{where}{text!r} names nothing", "A name has letters or digits.")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes values of the right kind out of the file."""

    path: str

    def wrong(self, what: str, remedy: str) -> SettingsError:
        return SettingsError(f"gates_file {self.path}: {what}.", remedy)

    def known(self, table: Mapping[str, Any], where: str, names: set[str]) -> None:
        for key in table:
            if key not in names:
                raise self.wrong(f"{where}unknown key {key!r}", f"Known: {', '.join(sorted(names))}.")

    def table(self, data: Mapping[str, Any], key: str, names: set[str]) -> Mapping[str, Any]:
        found = data.get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(f"{key} is not a table", f"Write [{key}] on a line of its own.")
        self.known(found, f"{key}: ", names)
        return found

    def text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        found = table.get(key, "")
        if not isinstance(found, str):
            raise self.wrong(f"{where}{key} = {found!r} is not a text", f'Write {key} = "…".')
        return " ".join(found.split())

    def texts(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(f"{where}{key} = {found!r} is not a list of texts", f'Write {key} = ["…", "…"].')
        return tuple(found)


__all__ = ["Gates", "Policy", "asks_for_advice", "read"]
