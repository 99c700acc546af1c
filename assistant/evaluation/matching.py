"""Does an answer say what the reference says? Deterministic, without a model. Pure.

``answer_match`` judges the two kinds of reference that a rule can judge as a person would: numbers and yes/no. All other
references are prose: they get no verdict, only the overlap of ``answer_match_text``, which says that it is an
approximation by its name. docs/evaluation.md gives the rules in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from assistant.evaluation.amounts import WORD, Amount, amounts, asks_money, asks_percent, scale_hint

TOLERANCE = 0.01
# A reference that states more numbers than this is prose.
MOST_NUMBERS = 3

Kind = Literal["number", "yes_no", "text"]


@dataclass(frozen=True, slots=True)
class Match:
    """``value`` 1.0 right, 0.0 wrong, None where no rule can tell; ``reason`` says why."""

    value: float | None
    kind: Kind
    reason: str = ""


_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\"“])")
_YES_NO = re.compile(r"\W*(yes|no)\b(?P<stop>\s*(?:[,.;:!–—-]|$))?", re.I)
_ASKS_YES_NO = re.compile(
    r"(?:^|[,:;]\s+|\.\s+)(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", re.I
)
_ASKS_WORDS = re.compile(r"\b(?:why|who|whose|which|what (?:drove|caused|explains?))\b", re.I)
_ANSWER_LABEL = re.compile(r"^\W*(?:the\s+)?(?:final\s+)?answer(?:\s+is)?\s*[:=]\**\s*", re.I | re.M)
_ASKS_TIME = re.compile(r"\b(?:days|weeks|months|years|how long)\b", re.I)
_OUTFLOW = re.compile(
    r"\b(?:pay|pays|paid|payments?|payout|dividends?|spend|spent|spending|capital expenditures?|capex|purchases?|repurchase[sd]?|outflows?|costs?|expenses?|invested)\b",
    re.I,
)
_LOSS = re.compile(r"\b(?:loss(?:es)?|negative|deficit|shortfall|minus)\b", re.I)
_NEGATIVE = re.compile(
    r"\b(?:negative|minus|(?:loss(?:es)?|deficit)(?:\s+(?:was|were|of))?)\s*(?:of|about|approximately|around)?\s*$",
    re.I,
)
_NEGATIVE_AFTER = re.compile(r"\s(?:net\s|operating\s)?(?:loss|deficit)\b", re.I)
_UP = re.compile(
    r"\b(?:increas\w*|rose|risen|rise[sn]?|rising|grew|grown|growth|gain\w*|rais\w*|higher|up|improv\w*|expand\w*)\b",
    re.I,
)
_DOWN = re.compile(
    r"\b(?:decreas\w*|fell|fall(?:en|s|ing)?|declin\w*|drop(?:ped|s)?|reduc\w*|lower(?:ed)?|down|shrank|contract(?:ed|ion))\b",
    re.I,
)
_OPERATOR = re.compile(r"[-–−+*×÷/]")


def reference_kind(reference: str, question: str = "") -> Kind:
    """Return how a reference is compared.

    ``yes_no``: it opens with yes or no, as an answer does. ``number``: its first sentence states one to three numbers, and the
    question does not ask who, which or why (or the reference is little else than the number). ``text``: all else.
    """
    opening = _YES_NO.match(reference)
    if opening and (opening["stop"] is not None or _ASKS_YES_NO.search(question)):
        return "yes_no"
    lead = _SENTENCE.split(reference.strip())[0]
    stated = _stated(lead, question)
    if not 1 <= len(stated) <= MOST_NUMBERS:
        return "text"
    bare = len(WORD.findall(_without(lead, stated))) <= 3
    return "number" if bare or not _ASKS_WORDS.search(question) else "text"


def answer_match(answer: str, reference: str, question: str = "") -> Match:
    """Compare an answer's text with the reference; the question gives the unit and scale asked for.

    Numbers: the first number of the answer that is of the kind asked for must be the reference's (the first n, in
    any order, where the reference states n), within 1% or when rounded to the reference's digits. A match further
    back in a long answer does not count.
    """
    kind = reference_kind(reference, question)
    if kind == "text":
        return Match(None, kind, "the reference is prose, which no rule can judge")
    if not answer.strip():
        return Match(0.0, kind, "the answer is empty")
    if kind == "yes_no":
        return _yes_no(answer, reference, question)
    return _numbers(answer, _SENTENCE.split(reference.strip())[0], question)


def _yes_no(answer: str, reference: str, question: str) -> Match:
    opening = _YES_NO.match(reference)
    assert opening is not None
    body = _after_label(answer)
    said = _YES_NO.match(body)
    if said and re.match(r"\W*yes and no\b", body, re.I):
        return Match(None, "yes_no", "the answer says yes and no")
    if said:
        same = said[1].lower() == opening[1].lower()
        return Match(
            float(same), "yes_no", "" if same else f"says {said[1].lower()}, the reference {opening[1].lower()}"
        )
    lead = _SENTENCE.split(reference.strip(), maxsplit=1)
    stated = next((s for s in lead if 1 <= len(_stated(s, question)) <= MOST_NUMBERS), None)
    if stated is not None and _numbers(answer, stated, question).value == 1.0:
        return Match(1.0, "yes_no", "says neither yes nor no but leads with the reference's number")
    return Match(None, "yes_no", "the answer says neither yes nor no")


def _numbers(answer: str, reference: str, question: str) -> Match:
    wanted = [_as_asked(a, reference, question) for a in _stated(reference, question)]
    body = _after_label(answer)
    held = _stated(body, question, keep=wanted)
    if not held:
        return Match(0.0, "number", "the answer states no number")
    groups: dict[str, list[Amount]] = {}
    for one in wanted:
        groups.setdefault(one.dimension, []).append(one)
    for group in groups.values():
        lead = _distinct(_of_kind(group[0], held, question))[: len(group)]
        for one in group:
            if not any(_same(one, a, body, reference, question) for a in lead):
                shown = ", ".join(body[a.start : a.end].strip() for a in lead) or "no number of that kind"
                return Match(0.0, "number", f"leads with {shown} where the reference has {_shown(reference, one)}")
    return Match(1.0, "number")


def _shown(text: str, amount: Amount) -> str:
    return text[amount.start : amount.end].strip()


def _after_label(answer: str) -> str:
    """Return what follows the last "Answer:" of a text, or the whole text."""
    labels = list(_ANSWER_LABEL.finditer(answer))
    return answer[labels[-1].end() :] if labels and answer[labels[-1].end() :].strip() else answer


def _without(text: str, found: list[Amount]) -> str:
    for one in reversed(found):
        text = text[: one.start] + " " + text[one.end :]
    return text


def _stated(text: str, question: str, keep: list[Amount] | None = None) -> list[Amount]:
    """Return the numbers that a text states: no operands of a calculation, and none that only repeat the question.

    Of a reference: no dates, years and spans of time either, unless there is nothing else. Of an answer (``keep``: the
    reference's): the question's numbers too where one that is looked for is among them.
    """
    found = [a for a in amounts(text) if not _operand(text, a)]
    asked = [] if not question else [(a.dimension, a.value) for a in amounts(question)]
    if keep is None or not any((a.dimension, a.value) in asked for a in keep):
        repeated = [a for a in found if (a.dimension, a.value) not in asked]
        found = repeated or (found if keep is None else [])
    if keep is not None:
        return found
    timeless = [a for a in found if a.dimension not in {"date", "year", "time"}]
    return timeless or [a for a in found if a.dimension == "time"] or found


def _operand(text: str, amount: Amount) -> bool:
    """Whether a number is an operand of a calculation that the sentence prints: "1,001 / 577 = 1.73"."""
    low = max(text.rfind("\n", 0, amount.start), text.rfind(". ", 0, amount.start)) + 1
    stops = [p for p in (text.find("\n", amount.end), text.find(". ", amount.end)) if p >= 0]
    high = min(stops, default=len(text))
    if "=" not in text[low:high] and "≈" not in text[low:high]:
        return False
    before = text[low : amount.start].rstrip(" ([$€£")
    after = text[amount.end : high].lstrip(" )]")
    return bool(_OPERATOR.fullmatch(before[-1:]) or _OPERATOR.fullmatch(after[:1]))


def _as_asked(amount: Amount, reference: str, question: str) -> Amount:
    """Give a bare number of the reference the scale and kind that the question (or the reference itself) asks for."""
    hint = scale_hint(reference) or scale_hint(question)
    if amount.dimension in {"plain", "money"} and not amount.scaled and hint:
        # "$400,000,000" under "in USD millions" is written out already.
        factor = 1.0 if abs(amount.value) >= hint else hint
        return replace(amount, value=amount.value * factor, step=amount.step * factor, scaled=True, dimension="money")
    if amount.dimension == "plain" and not amount.scaled and asks_percent(question):
        return replace(amount, dimension="percent")
    if amount.dimension == "plain" and amount.scaled and asks_money(question):
        return replace(amount, dimension="money")
    return amount


def _of_kind(wanted: Amount, held: list[Amount], question: str) -> list[Amount]:
    """Return the numbers that may answer: those of the wanted kind, else those whose kind is not stated."""
    plain = [a for a in held if a.dimension == "plain"]
    by = {name: [a for a in held if a.dimension == name] for name in ("percent", "points", "time", "year", "date")}
    money = [
        a for a in held if a.dimension == "money" or (a.dimension == "plain" and (a.scaled or abs(a.value) >= 1000))
    ]
    if wanted.dimension == "money":
        return money or plain
    if wanted.dimension == "percent":
        return by["percent"] or by["points"] or plain
    if wanted.dimension == "points":
        return by["points"] or by["percent"] or plain
    if wanted.dimension == "time":
        return by["time"] or plain
    if wanted.dimension in {"year", "date"}:
        return by["date"] + by["year"]
    if by["time"] and _ASKS_TIME.search(question):
        return by["time"]
    ratios = [a for a in held if a.dimension in {"plain", "ratio"} and a.scaled == wanted.scaled]
    return ratios or [a for a in money if a.scaled or a.dimension == "money"] or by["percent"] or by["time"]


def _distinct(found: list[Amount]) -> list[Amount]:
    kept: dict[tuple[str, float], Amount] = {}
    for one in found:
        kept.setdefault((one.dimension, one.value), one)
    return list(kept.values())


def _same(wanted: Amount, got: Amount, answer: str, reference: str, question: str) -> bool:
    values = {got.value}
    if wanted.dimension == "money" and not got.scaled:
        hint = scale_hint(answer) or scale_hint(question)
        if hint:
            values.add(got.value * hint)
        if wanted.scaled and got.cell and got.significant >= 3 and (not hint or WORD.search(answer)):
            # A cell of a quoted row, whose scale stands in the head of its table.
            values |= {got.value * 1e3, got.value * 1e6}
    if wanted.dimension in {"plain", "ratio"} and got.dimension == "percent":
        values.add(got.value / 100)
    if wanted.dimension in {"year", "date"}:
        return wanted.value == got.value
    a_loss = bool(_LOSS.search(question))
    negative = got.value < 0 or (_called_negative(answer, got) and not a_loss)
    wanted_negative = wanted.value < 0 or (_called_negative(reference, wanted) and not a_loss)
    down, up = _direction(answer, got)
    was_down, was_up = _direction(reference, wanted)
    if (down and was_up) or (up and was_down):
        return False
    if wanted_negative and not (negative or down or a_loss):
        return False
    if negative and not (wanted_negative or was_down or a_loss or _OUTFLOW.search(question)):
        return False
    return any(_close(abs(wanted.value), abs(value), wanted) for value in values)


def _called_negative(text: str, amount: Amount) -> bool:
    """Whether the words at a number make it a negative one: "a loss of $5 million", "a $5 million deficit"."""
    return bool(_NEGATIVE.search(text[: amount.start].rstrip("$€£ ")) or _NEGATIVE_AFTER.match(text[amount.end :]))


def _direction(text: str, amount: Amount) -> tuple[bool, bool]:
    """Return (down, up): what the five words on each side of a number say, if they say one thing only."""
    before = " ".join(re.split(r"[.;,]\s|\n", text[: amount.start])[-1].split()[-5:])
    after = " ".join(re.split(r"[.;,]\s|\n", text[amount.end :])[0].split()[:5])
    near = f"{before} {after}"
    down, up = bool(_DOWN.search(near)), bool(_UP.search(near))
    return (down and not up, up and not down)


def _close(wanted: float, got: float, reference: Amount) -> bool:
    if abs(wanted - got) <= TOLERANCE * wanted:
        return True
    # Rounded to the reference's digits; a single digit ("5 billion") says too little of how it was rounded.
    precise = reference.significant >= 2 or reference.step < 1
    return precise and abs(wanted - got) <= reference.step / 2 * (1 + 1e-9)
