"""What a question asks of the statements: which formula, of which periods, in which unit. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.periods import periods
from assistant.statements.clause import Clause, clause
from assistant.statements.expression import expression
from assistant.statements.formulas import Name, Node, Op, Over, Unreadable, fold, formula, leaves, mentions, unit_of
from assistant.statements.items import items, metrics
from assistant.statements.phrasing import (
    ACTIVITIES,
    ASKING,
    COUNT,
    DEFINED,
    FORMERLY,
    PLACES,
    RISKY,
    SCALE,
    SCALES,
    USING,
    cleaned,
)
from assistant.statements.tagging import Own, Tag, tags
from assistant.statements.vocabulary import Vocabulary, Words, vocabulary, words
from assistant.statements.when import When, marked, newest, resolve
from vectorstore.records import Document

How = Literal["value", "average", "sum", "growth", "cagr", "change"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to work out. ``years``: fiscal years, oldest first; ``scale`` and ``places`` None: as the statement has it."""

    label: str
    node: Node
    how: How
    years: tuple[int, ...]
    quarter: int | None
    unit: str  # money, ratio, percent, days, per_share, shares, activities
    scale: float | None
    places: int | None
    percent: bool = False
    alternative: str = ""
    yes_no: str = ""  # positive, negative, increased, decreased, shown
    months: int | None = None  # of a figure to date
    date: tuple[int, int] | None = None  # (year, month) as asked
    newest: bool = False  # no period is named: the newest that is held


def names_figure(text: str) -> bool:
    """Whether a question names a line item or ratio and a year at all."""
    return bool(mentions(fold(text)) and periods(text))


def wanted(
    text: str, *, known: Vocabulary | None = None, documents: Sequence[Document] = (), ignored: Collection[str] = ()
) -> tuple[Wanted, ...]:
    """Return what is asked of the statements; () for nothing. Raises Unreadable for what is not understood.

    ``known``: what figures may be called; ``documents``: the company's, whose ends of periods say which fiscal year a date
    is in, and which is the newest; ``ignored``: stems of words that name the company.
    """
    known = known or vocabulary()
    raw = " ".join(text.replace("’", "'").split())
    read = marked(FORMERLY.sub(" ", raw))
    text, percent = cleaned(read.text)
    whens = [w for p, m in zip(read.found, read.months, strict=True) if (w := resolve(p, m, documents)) is not None]
    if len(whens) < len(read.found):
        return ()
    years = [w.year for w in whens]
    own = definitions(text, known, years)
    low = fold(text)
    if ACTIVITIES.search(low) and re.search(r"\b(?:most|highest|largest|least|lowest|biggest)\b", low) and years:
        least = re.search(r"\b(?:lowest|least)\b", low) and not re.search(r"\b(?:most|highest|largest|biggest)\b", low)
        how = "lowest" if least else "highest"
        return (Wanted(how, Name("cfo"), "value", (years[-1],), None, "activities", None, None),)
    found, sentence = _main(text, known, own, ignored, years)
    if found is None:
        return ()
    indices = found.years or tuple(range(len(whens)))
    chosen = [whens[i] for i in indices]
    latest = False
    if not chosen:
        one = newest(documents)
        if one is None:
            return ()
        chosen, latest = [one], True
    if len({(w.quarter, w.months) for w in chosen}) > 1:
        raise Unreadable("periods of different length")
    return tuple(
        _wanted(raw, sentence, found, part, chosen, percent, own, known, latest=latest) for part in found.asked
    )


def _main(
    text: str, known: Vocabulary, own: Own, ignored: Collection[str], years: Sequence[int]
) -> tuple[Clause | None, str]:
    """Return the clause of the first sentence that asks for a figure, and that sentence."""
    for pattern in (*DEFINED, USING):
        text = pattern.sub(lambda m: m.group() if ASKING.match(m["name"]) else " ", text)
    problem: Unreadable | None = None
    named = False
    for sentence in re.split(r"(?<=\?)\s+|(?<=[.!])\s+(?=[A-Z⟦])", text):
        listed = tags(_unprefixed(sentence, known, own, ignored), known, own, ignored)
        if not any(t.kind in "I$" for t in listed):
            if named and not sentence.endswith("?") and re.search(r"\b(?:exclud|adjust|without|only)", sentence, re.I):
                raise Unreadable(sentence)
            continue
        if RISKY.search(sentence):
            raise Unreadable(RISKY.search(sentence).group())  # type: ignore[union-attr]
        named = True
        try:
            return clause(listed, years), sentence
        except Unreadable as error:
            problem = problem or error
    roots = [
        key for key in own if not any(_uses(other, own[key][0]) for name, (other, _) in own.items() if name != key)
    ]
    if roots and not named and len({repr(own[k][0]) for k in roots}) == 1:
        node, label = own[roots[0]]
        return Clause(((node, label, ""),), (), frozenset()), text
    if problem is not None:
        raise problem
    return None, text


def _uses(node: Node, part: Node) -> bool:
    if node == part:
        return True
    if isinstance(node, Op):
        return _uses(node.left, part) or _uses(node.right, part)
    return isinstance(node, Over) and _uses(node.inner, part)


def _unprefixed(sentence: str, known: Vocabulary, own: Own, ignored: Collection[str]) -> str:
    """Cut what stands before "..., what is", where it names no figure ("As an analyst who can only use the accounts, what was")."""
    match = re.match(
        r"(?P<before>.*?)[,:]\s*(?P<rest>(?:what|how|which|by how|calculate|compute|find)\b.*)$", sentence, re.I
    )
    if (
        not match
        or RISKY.search(match["before"])
        or re.search(r"\b(?:if|without|except|before|after)\b", match["before"], re.I)
    ):
        return sentence
    before = tags(match["before"], known, own, ignored)
    if any(t.kind in "I$" for t in before):
        return sentence
    return " ".join([*(t.word for t in before if t.kind == "Y"), match["rest"]])


def definitions(text: str, known: Vocabulary, years: Sequence[int]) -> dict[Words, tuple[Node, str]]:
    """Return the names that a question defines with their formulas. Raises Unreadable."""
    waiting = [(m["name"], m["body"]) for pattern in DEFINED for m in pattern.finditer(text)]
    waiting = [(n, b) for n, b in waiting if len(n.split()) < 9 and not ASKING.match(n)]
    out: dict[Words, tuple[Node, str]] = {}
    # A definition may use one that stands after it.
    while waiting:
        later: list[tuple[str, str]] = []
        problem: Unreadable | None = None
        for name, body in waiting:
            inside = words(body)
            if any(other != name and _within(short, inside) for other, _ in waiting for short in _names_of(other)):
                later.append((name, body))
                continue
            listed = tags(body, known, out)
            try:
                node = expression(_whole(listed), years)
            except Unreadable as error:
                problem = error
                later.append((name, body))
                continue
            for short in _names_of(name):
                out[short] = (node, _label(name))
        if len(later) == len(waiting):
            raise problem or Unreadable(later[0][1])
        waiting = later
    return out


def _whole(listed: Sequence[Tag]) -> list[Tag]:
    """Take off what stands loose at the end of a definition."""
    out = [Tag("I", "cash", Name("cash")) if t.kind == "$" else t for t in listed]
    while out and out[-1].kind in {"&", ",", "b", "t", "=", "f"}:
        out.pop()
    return out


def _within(short: Words, inside: Sequence[str]) -> bool:
    return any(tuple(inside[i : i + len(short)]) == short for i in range(len(inside) - len(short) + 1))


def _label(name: str) -> str:
    return re.sub(
        r"^(?:the |a |an |here,? |and )+", "", re.sub(r"⟦\d+⟧|\([^)]*\)", " ", name).strip(), flags=re.I
    ).strip()


def _names_of(name: str) -> list[Words]:
    """Return a defined name without brackets, and the short form inside them."""
    short = re.search(r"\(([\w&/ ]+)\)", name)
    spelt = [tuple(words(_label(name))), tuple(words(short.group(1))) if short else ()]
    return [n for n in dict.fromkeys(spelt) if n]


def _wanted(
    raw: str, sentence: str, found: Clause, part: tuple[Node, str, str], whens: Sequence[When], percent: bool, own: Own, known: Vocabulary, *, latest: bool
) -> Wanted:  # fmt: skip
    node, label, name = part
    scale_match = SCALE.search(raw)
    scale = SCALES[scale_match["s"].lower()] if scale_match else None
    places_match = PLACES.search(raw)
    places = None
    if places_match:
        word = places_match["n"].lower()
        places = COUNT.get(word, int(word) if word.isdigit() else 2)
    overrides = {n: own[key][0] for key in own for n in (_metric_of(key, known),) if n}
    if isinstance(node, Name) and node.name in known.doubles and scale and unit_of(node.name) == "percent":
        # "The gross margin in USD millions" is the row of that name.
        node = known.doubles[node.name]
        label, name = node.label, ""
    node = _replaced(node, overrides)
    if isinstance(node, Op):
        node = _in_money(node, known)
    # A name that the question defines keeps the unit of the ratio that it is.
    defined = next(
        (_metric_of(key, known) for key, (formula, _) in own.items() if formula == node and _metric_of(key, known)), ""
    )
    metric = metrics().get(name or defined)
    unit = metric.unit if metric else unit_of(node.name) if isinstance(node, Name) else dimension(node)
    low = fold(sentence)
    wants_percent = percent or found.share or "P" in found.marks
    if unit == "ratio" and wants_percent:
        unit = "percent"
    yes_no = _yes_no(low)
    how, years = _how(found, low, sorted({w.year for w in whens}), unit, yes_no, percent=percent)
    if how == "value" and unit in {"money", "shares", "per_share"} and found.marks & {"P"}:
        raise Unreadable("percentage")
    # Interest and taxes paid are not those of the income statement; what is owned or owed is not paid or earned.
    paid = re.search(r"\b(?:pay|pays|paid)\b", low) and not re.search(
        r"pay ?out|paid-in|paid in capital|payables?", low
    )
    flow = paid or re.search(r"\b(?:spend|spent|invest|invested|generate|generated|earn|earned|raise|raised)\b", low)
    parts = [
        items().get(n)
        for n in leaves(formula(node.name) if isinstance(node, Name) and node.name in metrics() else node)
    ]
    owned = bool(parts) and all(
        p is not None and p.statement == "balance" and "paid" not in p.label.lower() for p in parts
    )
    if flow and (
        (paid and isinstance(node, Name) and node.name in {"income_tax", "interest_expense"})
        or (owned and how == "value" and unit == "money")
    ):
        raise Unreadable("what was paid")
    one = whens[-1]
    quarter = one.quarter
    return Wanted(
        label=label, node=node, how=how, years=years, quarter=quarter, unit=unit, scale=scale, places=places, percent=wants_percent,
        alternative=metric.alternative if metric and not found.explicit and not defined else "", yes_no=yes_no, months=one.months, date=one.date, newest=latest,
    )  # fmt: skip


def _metric_of(key: Words, known: Vocabulary) -> str:
    node = known.phrases.get(key)
    return node.name if node is not None and node.name in metrics() else ""


def _replaced(node: Node, overrides: dict[str, Node]) -> Node:
    """Put the question's own definitions in place of the standard ones."""
    if isinstance(node, Name) and node.name in overrides:
        return overrides[node.name]
    if isinstance(node, Op):
        return Op(node.sign, _replaced(node.left, overrides), _replaced(node.right, overrides))
    return node


def _in_money(node: Node, known: Vocabulary) -> Node:
    """Put the amount for a margin that stands in a formula: "gross margin over net sales" means the row of that name."""
    if isinstance(node, Name) and node.name in metrics() and metrics()[node.name].unit == "percent":
        row = known.doubles.get(node.name)
        if row is not None:
            return row
        margin = formula(node.name)
        return margin.left if isinstance(margin, Op) and margin.sign == "/" and node.name.endswith("margin") else node
    if isinstance(node, Op) and not (node.sign == "-" and isinstance(node.left, Name) and isinstance(node.right, Name)):
        return Op(node.sign, _in_money(node.left, known), _in_money(node.right, known))
    return node


def dimension(node: Node) -> str:
    """Return money, ratio or days for a formula over money."""
    if isinstance(node, Op) and node.sign == "/":
        both = [any(unit_of(n) == "money" for n in leaves(x)) for x in (node.left, node.right)]
        return "ratio" if all(both) else "money"
    if isinstance(node, Op) and node.sign == "*":
        left, right = dimension(node.left), dimension(node.right)
        return "ratio" if "ratio" in (left, right) and "money" not in (left, right) else "money"
    if isinstance(node, Op):
        return dimension(node.left) if leaves(node.left) else dimension(node.right)
    if isinstance(node, Over):
        return dimension(node.inner)
    return unit_of(node.name) if isinstance(node, Name) else "ratio"


def _how(
    found: Clause, low: str, years: list[int], unit: str, yes_no: str, *, percent: bool
) -> tuple[How, tuple[int, ...]]:
    marks = found.marks
    first, last = years[0], years[-1]
    every = tuple(range(first, last + 1)) if found.ranged else tuple(years)
    if found.span and len(years) == 1 and ("M" in marks or "R" in marks or re.search(r"\btotal|\bsum|cumulat", low)):
        every = tuple(range(last - found.span + (0 if "R" in marks else 1), last + 1))
        first = every[0]
    if found.span and len(every) > 1 and len(every) not in {found.span, found.span + 1}:
        raise Unreadable(f"{found.span} years")
    if "R" in marks:
        if first == last:
            raise Unreadable("a growth rate of one year")
        return "cagr", (first, last)
    if "M" in marks:
        if len(every) < 2 or marks & {"G", "C"}:
            raise Unreadable("average")
        return "average", every
    if ("Z" in marks or "o" in marks or found.span) and len(every) > 1:
        if not re.search(r"\btotal|\bsum|cumulat|together|combined|in all|aggregate", low):
            raise Unreadable("several years")
        return "sum", every
    both = (first, last) if first != last else (first - 1, first)
    if len(years) > 2 and marks & {"G", "C"} and not found.ranged:
        raise Unreadable("a change over several years")
    if "G" in marks:
        return "growth", both
    if "C" in marks or yes_no in {"increased", "decreased"}:
        relative = percent and not re.search(r"\bpoints?\b", low)
        return "growth" if (relative or "P" in marks) and unit in {"money", "shares", "per_share"} else "change", both
    if "v" in marks and len(years) == 2 and "P" in marks and unit == "money":
        return "growth", both
    return "value", every


def _yes_no(text: str) -> str:
    if not re.match(r"(?:\W*)(?:does|do|did|is|are|was|were|has|have|had)\b", text):
        return ""
    if "positive" in text:
        return "positive"
    if "negative" in text:
        return "negative"
    if re.search(r"\b(?:increas\w+|rise|rose|risen|grow\w*|grew|improv\w*|higher)\b", text):
        return "increased"
    if re.search(r"\b(?:decreas\w+|declin\w+|fall|fell|fallen|reduc\w+|lower)\b", text):
        return "decreased"
    return "shown"
