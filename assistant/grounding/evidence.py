"""The evidence of a claim, indexed: sentences with their owners, which of them say what the claim says. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from assistant.grounding.cells import Table, header_years, in_table, scale_note
from assistant.grounding.figure import Figure
from assistant.grounding.figures import figures
from assistant.grounding.reading import chunks, passives, read, spelled
from assistant.grounding.slots import initials
from assistant.grounding.words import Sentence, Token, alike
from assistant.models import ToolResult
from vectorstore.text import sentences

# Quotes, dashes and spaces of other kinds, one for one, so that places stay the same.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "‐": "-", "‑": "-", "−": "-", " ": " ", "\u00ad": "-"})


def plain(text: str) -> str:
    """Return ``text`` with typographic signs as plain ones, at the same places."""
    return text.translate(_PLAIN)


def folded(text: str) -> str:
    """Return what two texts are compared by when they should be verbatim."""
    return " ".join(plain(text).split()).casefold()


def _read_span(text: str, scale: float = 0.0) -> tuple[Sentence, ...]:
    table = Table(scale=scale)
    out = []
    for start, end in chunks(text, sentences(text)):
        line = " ".join(text[start:end].split())
        note = scale_note(line)
        years = header_years(line)
        if note or years:
            table = Table(note or table.scale, years or table.years)
        tokens, found = read(line), figures(line)
        cells = in_table(found, line, table)
        if cells != found:
            place = {f.start: f for f in cells}
            tokens = tuple(replace(t, figure=place.get(t.start, t.figure)) if t.figure else t for t in tokens)
        out.append(Sentence(line, tokens, spelled(line), cells, passive=passives(line, tokens)))
    return tuple(out)


_cached_span = lru_cache(maxsize=512)(_read_span)


def read_span(text: str, scale: float = 0.0) -> tuple[Sentence, ...]:
    """Return the sentences of a span; short ones are kept, since claims come several to a span."""
    text = plain(text)
    return _cached_span(text, scale) if len(text) < 8000 else _read_span(text, scale)


@dataclass
class Evidence:
    """All that a claim may rest on. ``owner``: the marker of each sentence; ``context`` holds words only, never figures."""

    sentences: list[Sentence] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    context: tuple[Token, ...] = ()
    context_figures: tuple[Figure, ...] = ()
    texts: list[tuple[str, str]] = field(default_factory=list)
    by_key: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, owner: str, text: str, scale: float = 0.0) -> None:
        """Take in the text of one span."""
        self.texts.append((owner, folded(text)))
        for sentence in read_span(text, scale):
            self._place(owner, sentence)

    def _place(self, owner: str, sentence: Sentence) -> None:
        number = len(self.sentences)
        self.sentences.append(sentence)
        self.owners.append(owner)
        for i, token in enumerate(sentence.tokens):
            for key in token.keys:
                self.by_key[key].append((number, i))
            if len(token.stem) >= 5 and not token.figure:
                self.by_key[f"~{token.stem[:5]}"].append((number, i))

    def add_tool(self, owner: str, result: ToolResult) -> None:
        """Take in the metrics of a tool's result, each as a sentence of its name, subject, value and time."""
        shown = []
        for metric in result.metrics:
            if metric.value is None:
                continue
            sign = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}.get(metric.unit.upper(), "")
            unit = {"percent": "%", "pct": "%", "ratio": "x"}.get(metric.unit.lower(), metric.unit)
            name = re.sub(r"[_/]+", " ", metric.name)
            minus = "-" if metric.value < 0 else ""
            amount = f"{minus}{sign}{abs(metric.value):.12g}" + (
                unit if unit in {"%", "x"} else "" if sign else f" {unit}"
            )
            text = f"{metric.subject} {name} was {amount} for {metric.period or metric.as_of}, as of {metric.as_of}, source {metric.source}"
            shown.append(text)
            self._place(owner, _tool_sentence(text, metric.value, metric.unit))
        named = " ".join(str(v) for v in result.arguments.values() if isinstance(v, str | int | float))
        self.context += read(plain(f"{result.tool.replace('_', ' ')} {named}"))
        self.texts.append((owner, folded(" ".join(shown))))

    def add_context(self, texts: Sequence[str]) -> None:
        """Take in headers of documents: names, dates and periods that sentences leave unsaid."""
        for text in texts:
            line = plain(" ".join(text.split()))
            self.context += read(line)
            self.context_figures += tuple(f for f in figures(line) if f.unit in {"year", "quarter", "date"})


def _tool_sentence(text: str, value: float, unit: str) -> Sentence:
    line = plain(text)
    tokens = read(line)
    return Sentence(line, tokens, tuple(line.lower().split()), tuple(t.figure for t in tokens if t.figure))


@dataclass(frozen=True)
class Support:
    """Which sentences say what the claim says: ``chosen`` are numbers of sentences, best first; ``best[t]`` how well token t is covered."""

    chosen: tuple[int, ...]
    best: tuple[float, ...]
    matches: Mapping[int, Mapping[int, float]]  # sentence -> token of the claim -> strength

    def share(self, number: int, tokens: Sequence[Token]) -> float:
        """Return how much of ``tokens`` one sentence covers, by weight."""
        total = sum(t.weight for t in tokens) or 1.0
        return sum(t.weight * self.matches.get(number, {}).get(i, 0.0) for i, t in enumerate(tokens)) / total


# What the second, third and fourth sentence, and all the rest, add is worth a little less: a claim is one thought.
_DISCOUNT = (1.0, 0.93, 0.88, 0.85)
_SCATTERED = 0.6
_FROM_CONTEXT = 0.9


def support(tokens: Sequence[Token], evidence: Evidence) -> Support:
    """Choose up to four sentences that together cover the claim's tokens best."""
    matches: dict[int, dict[int, float]] = defaultdict(dict)
    for t, token in enumerate(tokens):
        seen: set[tuple[int, int]] = set()
        keys = set(token.keys)
        if len(token.stem) >= 5 and not token.figure:
            keys.add(f"~{token.stem[:5]}")
        for key in keys:
            for number, i in evidence.by_key.get(key, ()):
                if (number, i) in seen:
                    continue
                seen.add((number, i))
                strength = alike(token, evidence.sentences[number].tokens[i])
                if strength > matches[number].get(t, 0.0):
                    matches[number][t] = strength
    weights = [t.weight or (1.0 if t.figure else 0.0) for t in tokens]
    anywhere = [max((m.get(t, 0.0) for m in matches.values()), default=0.0) for t in range(len(tokens))]
    best = [0.0] * len(tokens)
    chosen: list[int] = []
    for discount in _DISCOUNT:
        ranked = []
        for number, found in matches.items():
            if number in chosen:
                continue
            gain = sum(
                w * max(0.0, discount * found.get(t, 0.0) - best[t]) for t, w in enumerate(weights) if t in found
            )
            ranked.append((gain, evidence.sentences[number].text, number))
        if not ranked:
            break
        gain, _, number = max(ranked, key=lambda r: (round(r[0], 9), r[1]))
        if gain < (0.03 * sum(weights) if chosen else 1e-9):
            break
        chosen.append(number)
        for t, strength in matches[number].items():
            best[t] = max(best[t], discount * strength)
    letters: frozenset[str] | None = None
    for t, token in enumerate(tokens):
        if token.figure:
            continue
        if token.surface.isupper() and len(token.surface) >= 2 and not anywhere[t]:
            # AMD for Advanced Micro Devices.
            letters = (
                frozenset().union(*(initials(s.tokens) for s in evidence.sentences)) if letters is None else letters
            )
            best[t] = 1.0 if token.surface.lower() in letters else 0.0
        header = max((alike(token, c) for c in evidence.context), default=0.0) if evidence.context else 0.0
        best[t] = max(best[t], _SCATTERED * anywhere[t], (1.0 if token.name else _FROM_CONTEXT) * header)
    return Support(tuple(chosen), tuple(best), matches)
