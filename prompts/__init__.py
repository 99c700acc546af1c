"""Prompts for a language model: one a file, with strict variables and a sha256 that names what was used.

A file holds plain text with ``$name`` where a value goes, and ``$$`` for a dollar sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template


class PromptError(ValueError):
    """A prompt that does not exist, or values that do not fit its variables."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: its name, its text with variables, and the sha256 of that text."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(Template(self.text).get_identifiers())

    def render(self, **values: str) -> str:
        """Return the text with every variable filled. Raises PromptError for a missing or an unknown one."""
        wanted, given = self.variables, frozenset(values)
        if wanted != given:
            lacking, unknown = ", ".join(sorted(wanted - given)), ", ".join(sorted(given - wanted))
            told = "; ".join(t for t in (lacking and f"missing: {lacking}", unknown and f"unknown: {unknown}") if t)
            raise PromptError(f"The prompt {self.name!r} cannot be filled ({told}).")
        return Template(self.text).substitute(values)


@cache
def load(name: str) -> Prompt:
    """Return the prompt of ``NAME.md``. Raises PromptError where there is none, or where a ``$`` in it names nothing."""
    source = files(__name__) / f"{name}.md"
    if not name.replace("_", "").isalnum() or not source.is_file():
        raise PromptError(f"There is no prompt {name!r}.")
    text = source.read_text(encoding="utf-8").replace("\r\n", "\n").strip()
    if not Template(text).is_valid():
        raise PromptError(f"The prompt {name!r} has a $ that names no variable; write $$ for the sign.")
    return Prompt(name, text)


def names() -> tuple[str, ...]:
    """Return the names of all prompts."""
    return tuple(sorted(f.name[:-3] for f in files(__name__).iterdir() if f.name.endswith(".md")))


def combined_sha(prompts: Iterable[Prompt]) -> str:
    """Return one sha256 over the prompts that an answer was made with, whatever their order."""
    digest = hashlib.sha256()
    for prompt in sorted(set(prompts), key=lambda p: p.name):
        digest.update(f"{prompt.name}\0{prompt.sha256}\0".encode())
    return digest.hexdigest()
