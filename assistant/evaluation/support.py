"""Do words and numbers stand in a text? Overlap, evidence, and calculations done again. Pure."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections import Counter
from collections.abc import Callable
from functools import cache

from assistant.evaluation.amounts import WORD, Amount, amounts
from assistant.lexicon import stem, stopwords

# Content words of a claim that must stand in its evidence: the threshold that AttributionBench's dev part gave.
CLAIM_SHARE = 0.68


@cache
def _content(word: str) -> str | None:
    return None if word in stopwords() or word.replace("’", "'") in stopwords() else stem(word)


def content_words(text: str) -> list[str]:
    """Return the stems of a text's words, without the function words and numbers."""
    return [key for m in WORD.finditer(text.lower()) if (key := _content(m.group())) is not None]


def text_overlap(answer: str, reference: str) -> float | None:
    """Return the F1 (0..1) of the content words and numbers of the two (SQuAD's, stemmed); None for an empty reference."""
    want, got = Counter(_tokens(reference)), Counter(_tokens(answer))
    if not want:
        return None
    shared = sum((want & got).values())
    return 2 * shared / (sum(want.values()) + sum(got.values()))


def _tokens(text: str) -> list[str]:
    return content_words(text) + [f"{abs(a.value):.6g}" for a in amounts(text)]


def number_found(amount: Amount, evidence: tuple[Amount, ...]) -> bool:
    """Whether evidence states a number: the same once rounded to the digits that the claim prints (at most 5% apart), or
    its digits where the evidence gives no scale. Signs are not compared: brackets and words say them in many ways."""
    named = {"year", "date"}
    for held in evidence:
        if (amount.dimension in named) or (held.dimension in named):
            if amount.value == held.value:
                return True
            continue
        if amount.dimension in {"percent", "points"} and held.dimension not in {"percent", "points", "plain"}:
            continue
        factors = (1.0, 1e3, 1e6, 1e9) if amount.scaled and not held.scaled else (1.0,)
        for factor in factors:
            value = abs(held.value) * factor
            apart = abs(abs(amount.value) - value)
            if apart <= 1e-9 * value or (apart <= amount.step / 2 * (1 + 1e-9) and apart <= 0.05 * value):
                return True
    return False


def claim_supported(claim: str, evidence: str, derived: tuple[Amount, ...] = (), titles: str = "") -> bool:
    """Whether a claim stands in its evidence: at least .68 of its content words, and all of its numbers (or in ``derived``).

    ``titles`` of the cited documents may hold the words (a claim names its source), never the numbers.
    """
    words = set(content_words(claim))
    stated = amounts(claim)
    if not words and not stated:
        return False
    if words and len(words & set(content_words(f"{titles}\n{evidence}"))) / len(words) < CLAIM_SHARE:
        return False
    held = amounts(evidence) + derived
    return all(number_found(a, held) for a in stated)


_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda base, power: math.pow(base, power),
}
# What a calculation may hold that no source states: counts of periods, percent, days of a year.
_CONSTANTS = frozenset({*map(float, range(1, 13)), 100.0, 365.0, 366.0})


def _calculate(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_calculate(node.left), _calculate(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_calculate(node.operand)
    raise ValueError("no arithmetic")


def derived_number(printed: str, calculation: str, evidence: tuple[Amount, ...]) -> Amount | None:
    """Return the printed number if the calculation behind it gives it and each operand stands in the evidence; else None.

    A calculation is digits, + - * / ^ and brackets ("(5,200 - 4,700) / 4,700"); counts up to 12, 100, 365 and 366 need no
    evidence. One in letters can't be checked.
    """
    plain = (
        re.sub(r"(?<=\d),(?=\d{3})|[$€£%]", "", calculation).translate(str.maketrans("×÷−–", "*/--")).replace("^", "**")
    )
    result = next(iter(amounts(printed)), None)
    if result is None or not re.fullmatch(r"[\d\s.+*/()-]{1,300}", plain):
        return None
    operands = tuple(float(x) for x in re.findall(r"\d+(?:\.\d+)?", plain))
    held = {abs(a.value) for a in evidence}
    for one in operands:
        if one not in _CONSTANTS and not any(
            abs(one - v * f) <= 1e-9 * one for v in held for f in (1.0, 1e3, 1e6, 1e9, 1e-3, 1e-6, 1e-9)
        ):
            return None
    try:
        value = _calculate(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError):
        return None
    for candidate in (value, value * 100 if result.dimension == "percent" else value):
        if abs(candidate - result.value) <= result.step / 2 * (1 + 1e-9):
            return result
    return None
