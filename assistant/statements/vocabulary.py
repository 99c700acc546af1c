"""What a question may call a figure: the listed items and ratios, and the rows of the company's own statements. Pure.

Words are compared by stem ("inventories", "inventory"), without marks of punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from assistant.statements.formulas import Name
from assistant.statements.items import find, items, names
from assistant.statements.rows import plain
from assistant.statements.tables import Statement

ROW = "row:"
Words = tuple[str, ...]
_TOKEN = re.compile(r"⟦\d+⟧|\d[\d,]*(?:\.\d+)?|[^\W\d_][\w']*|[()%+*/×·÷=,;:–—−-]|\.(?=\s|$)")
# Labels that say too little alone: other rows are called the same.
_BARE = frozenset(
    ["asset", "basic", "capital", "cash", "common", "current", "debt", "deferr", "diluted", "equity", "income", "interest", "liability",
     "loss", "net", "note", "operation", "other", "purchas", "sal", "share", "subtotal", "tax", "total", "year"]
)  # fmt: skip

# Headings whose rows are called by their own label and the heading's last word.
_SECTIONS = frozenset(["revenu", "sal", "expens", "cost", "incom"])


def stem(word: str) -> str:
    """Return a word without its plural ending: "taxes", "tax"; "companies", "company"; "expenses", "expense"."""
    word = re.sub(r"(?:'s|s'|')$", lambda m: "s" if m.group() == "s'" else "", word.lower())
    if len(word) < 4 or word.isdigit():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-1] if word.endswith("e") else word


def words(text: str) -> list[str]:
    """Return the stems and signs of a text in order; hyphens inside words and "&" are no signs."""
    return [stem(word) for word in surfaces(text)]


def surfaces(text: str) -> list[str]:
    """Return the words and signs that ``words`` returns the stems of, as written."""
    text = text.replace("’", "'").replace("‘", "'").replace("&", " and ")
    text = re.sub(r"(?<=[^\W\d_])[-–](?=[^\W_])|(?<=\d)-(?=[a-zA-Z])", " ", text)
    return _TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Phrases, as stems, with the node each asks for; ``mixed``: row labels by their sorted stems; ``doubles``: rows called as a ratio is."""

    phrases: Mapping[Words, Name]
    mixed: Mapping[Words, Name]
    doubles: Mapping[str, Name]
    longest: int

    def at(self, tokens: Sequence[str], start: int) -> tuple[int, Name] | None:
        """Return (length, node) of the longest phrase that begins at ``start``."""
        # Commas inside a name are written or not.
        spots = [i for i in range(start, min(len(tokens), start + self.longest + 4)) if tokens[i] != ","][
            : self.longest
        ]
        if not spots or spots[0] != start:
            return None
        for length in range(len(spots), 0, -1):
            window = tuple(tokens[i] for i in spots[:length])
            node = self.phrases.get(window)
            if node is None and length > 2:
                # "Common and preferred dividends" is the row "Dividends - common and preferred".
                node = self.mixed.get(tuple(sorted(window)))
            if node is not None:
                return spots[length - 1] + 1 - start, node
        return None


def named(text: str) -> Words:
    """Return the stems of a name, without its commas."""
    return tuple(w for w in words(text) if w not in {",", ";", ":"})


@cache
def _listed() -> dict[Words, Name]:
    return {named(phrase): Name(name) for phrase, name in reversed(names())}


@lru_cache(maxsize=20_000)
def row_words(label: str) -> Words:
    """Return the stems of a row's label without brackets, notes and marks."""
    return named(plain(label))


def vocabulary(statements: Iterable[Statement] = ()) -> Vocabulary:
    """Return what figures may be called where these statements are held: a row by its label, unless the label names a listed item of that row."""
    phrases = dict(_listed())
    mixed: dict[Words, Name] = {}
    doubles: dict[str, Name] = {}
    loose: list[tuple[Words, Name]] = []  # what a label may be shortened to, where no row is called that
    for statement in statements:
        for row in statement.rows:
            label = row_words(row.label)
            if not label:
                continue
            # Amounts in brackets are no part of the name: "Deposits (included $51 at fair value)".
            shown = " ".join(re.sub(r"\([^()]*\d[^()]*\)", " ", row.label).split()).rstrip(": ") or row.label
            node = Name(ROW + " ".join(label), label=shown)
            under = named(plain(row.section)) if row.section else ()
            if under and under[-1] in _SECTIONS and len(under) < 4 and not set(label) & {"total", *under}:
                # "Product" under "Revenues" is product revenue.
                whole = Name(
                    f"{node.name}@{' '.join(under)}", label=f"{node.label} ({row.section.rstrip(':').lower()})"
                )
                loose += [((*label, under[-1]), whole), ((*label, *under), whole)]
            if not _telling(label):
                continue
            known = _listed().get(label)
            if known is not None and known.name not in items():
                doubles.setdefault(known.name, node)
                continue
            if known is not None:
                item = items()[known.name]
                found = find(item, statement).rows
                # "Inventories" of a cash flow statement is a change.
                if item.statement == statement.kind and found in {(row,), ()}:
                    phrases.setdefault(named(row.label), Name(known.name))
                elif item.statement == statement.kind and {row_words(r.label) for r in found} != {(*label, "net")}:
                    phrases[label] = node
                continue
            for spelt in (label, named(row.label)):
                phrases.setdefault(spelt, node)
            if label[-1] in {"expens", "charg"} and len(label) > 2:
                loose.append((label[:-1], node))
            if label[0] in {"cash", "total"} and len(label) > 2:
                loose.append((label[1:], node))
            mixed.setdefault(tuple(sorted(label)), node)
    for spelt, node in loose:
        if _telling(spelt):
            phrases.setdefault(spelt, node)
    return Vocabulary(phrases, mixed, doubles, max(len(p) for p in phrases))


def _telling(label: Words) -> bool:
    own = [w for w in label if w.isalpha() and w not in _BARE and len(w) > 2]
    return bool(own) and (len(label) > 1 or len(own[0]) > 3) and len(label) < 25
