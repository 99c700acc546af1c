"""The metrics of an answer: grounding, rightness, refusals and tools. Pure; docs/evaluation.md defines each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from assistant.evaluation.amounts import amounts
from assistant.evaluation.dataset import Place, Row, ToolCall
from assistant.evaluation.matching import Match, answer_match
from assistant.evaluation.prediction import Found, Prediction, Statement
from assistant.evaluation.ranking import Score, at_place, gold, ok, unscored
from assistant.evaluation.support import claim_supported, content_words, derived_number, number_found, text_overlap
from assistant.grounding import check
from vectorstore.text import sentences

Outcome = Literal["right", "wrong", "refused", "unjudged", "error"]
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "refused", "unjudged", "error")
# (document_id, version) -> the stored text; None where it is not in the base
Texts = Callable[[str, str], str | None]


# grounding


def _cites(place: Place, found: Found) -> bool:
    if place.text is not None:
        return bool(found.text) and " ".join(found.text.split()) in " ".join(place.text.split())
    if place.names_document:
        if place.page is not None:
            return at_place(place, found, level="page")
        return at_place(place, found, level="document" if place.start is None else "chunk")
    return at_place(place, found, level="chunk")


def citations(row: Row, prediction: Prediction) -> dict[str, Score]:
    """Return citation_precision (citations that stand on gold) and citation_recall (gold that is cited)."""
    both = ("citation_precision", "citation_recall")
    pages = gold(row.evidence, "page")
    items = pages or gold(row.evidence, "chunk") or gold(row.evidence, "document")
    if not items:
        return dict.fromkeys(both, unscored("the row has no evidence"))
    if prediction.status == "error":
        return dict.fromkeys(both, unscored("the answer is an error"))
    if prediction.refused:
        return dict.fromkeys(both, unscored("refused: nothing is cited"))
    if prediction.citations is None:
        return dict.fromkeys(both, unscored("the answer made elsewhere brings no citations"))
    cited = prediction.citations
    recall = ok(sum(any(_cites(p, c) for c in cited) for p in items) / len(items))
    precision = ok(sum(any(_cites(p, c) for p in items) for c in cited) / len(cited)) if cited else None
    return {"citation_precision": precision or unscored("nothing is cited"), "citation_recall": recall}


def quote_fidelity(prediction: Prediction, texts: Texts | None) -> Score:
    """Return the share of citations whose quote is exactly the stored text of its span."""
    if not prediction.citations:
        return unscored("nothing is cited")
    if texts is None:
        return unscored("no base to read the cited documents from")
    exact = 0
    for c in prediction.citations:
        text = texts(c.document_id, c.version)
        exact += bool(
            text is not None
            and c.start is not None
            and c.end is not None
            and 0 <= c.start < c.end <= len(text)
            and text[c.start : c.end] == c.text
        )
    return ok(exact / len(prediction.citations))


def _flat(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _flat(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _claims(prediction: Prediction) -> list[tuple[Statement, str, str]] | None:
    """Return each claim with the text that stands behind it and its sources' titles; None for an answer without evidence."""
    titles = {c.marker: c.title or "" for c in prediction.citations or ()}
    behind = {c.marker: c.text for c in prediction.citations or ()}
    for result in prediction.tools or ():
        behind[str(result.get("marker") or "")] = " ".join(_flat(result.get("metrics") or ()))
    if prediction.statements is not None:
        return [
            (s, "\n".join(behind.get(m, "") for m in s.markers), " ".join(titles.get(m, "") for m in s.markers))
            for s in prediction.statements
        ]
    shared = "\n".join([*behind.values()] or [f.text for f in prediction.passages or () if f.given and f.text])
    if not shared.strip():
        return None
    named = " ".join(titles.values())
    spoken = [prediction.text[a:b] for a, b in sentences(prediction.text)]
    return [(Statement(text), shared, named) for text in spoken if content_words(text) or amounts(text)]


def grounding(prediction: Prediction) -> dict[str, Score]:
    """Return claims_supported (claims that the app's own check passes), faithfulness_lexical (claims that stand in their evidence by words and
    numbers alone) and numeric_support (numbers that do)."""
    both = ("claims_supported", "faithfulness_lexical", "numeric_support")
    if prediction.refused or prediction.status == "error":
        return dict.fromkeys(
            both, unscored("refused: nothing is claimed" if prediction.refused else "the answer is an error")
        )
    claims = _claims(prediction)
    if claims is None:
        return dict.fromkeys(both, unscored("the answer brings no evidence to compare with"))
    if not claims:
        return dict.fromkeys(both, unscored("the answer claims nothing"))
    supported = found = numbers = passed = checked = 0
    for statement, evidence, named in claims:
        verdict = check(statement.text, [evidence], context=[named]).verdict
        passed += verdict == "supported"
        checked += verdict != "unchecked"
        held = amounts(evidence)
        derived = tuple(d for text, how in statement.derivations if (d := derived_number(text, how, held)) is not None)
        supported += claim_supported(statement.text, evidence, derived, named)
        stated = [a for a in amounts(statement.text) if a.dimension not in {"year", "date", "time"}]
        numbers += len(stated)
        found += sum(number_found(a, held + derived) for a in stated)
    return {
        "claims_supported": ok(passed / checked)
        if checked
        else unscored("the answer states nothing that could be checked"),
        "faithfulness_lexical": ok(supported / len(claims)),
        "numeric_support": ok(found / numbers) if numbers else unscored("the answer states no number"),
    }


# the answer


def judge_answer(row: Row, prediction: Prediction) -> tuple[Outcome, str, dict[str, Score]]:
    """Return how the answer came out, why, and answer_match, answer_match_text and expect_recall."""
    scores = {
        "answer_match": unscored("the row has neither a reference nor expect"),
        "answer_match_text": unscored("the row has no reference"),
        "expect_recall": unscored("the row has no expect"),
    }
    if row.answerable is None:
        if prediction.status == "error":
            return "error", prediction.error, scores
        return "unjudged", "the row does not say what is right", scores
    if not row.answerable:
        scores = dict.fromkeys(scores, unscored("should be refused"))
        if prediction.status == "error":
            return "error", prediction.error, scores
        return (
            ("right", "", scores) if prediction.refused else ("wrong", "answered what the base does not hold", scores)
        )
    given = "" if prediction.refused or prediction.status == "error" else prediction.text
    match: Match | None = None
    if row.reference:
        match = answer_match(given, row.reference, row.question)
        overlap = text_overlap(given, row.reference)
        scores["answer_match_text"] = unscored("the reference has no words") if overlap is None else ok(overlap)
    if row.expect:
        hits = [bool(given) and bool(re.search(p, given, re.I | re.S)) for p in row.expect]
        scores["expect_recall"] = ok(sum(hits) / len(hits))
        lacking = [p for p, hit in zip(row.expect, hits, strict=True) if not hit]
        match = Match(float(not lacking), "text", f"lacks {', '.join(lacking)}" if lacking else "")
    if match is not None:
        scores["answer_match"] = unscored(match.reason) if match.value is None else ok(match.value)
    if prediction.status == "error":
        return "error", prediction.error, scores
    if prediction.refused:
        return "refused", "refused what should be answered", scores
    if match is None:
        return "unjudged", "the row has neither a reference nor expect", scores
    if match.value is None:
        return "unjudged", match.reason, scores
    return ("right" if match.value == 1.0 else "wrong"), match.reason, scores


def abstention(row: Row, prediction: Prediction) -> dict[str, Score]:
    """Return abstention_precision (of a refusal: was it right?) and abstention_recall (of what must be refused: was it?)."""
    if row.answerable is None:
        return dict.fromkeys(
            ("abstention_precision", "abstention_recall"), unscored("the row does not say what is right")
        )
    return {
        "abstention_precision": ok(not row.answerable) if prediction.refused else unscored("not refused"),
        "abstention_recall": unscored("should be answered") if row.answerable else ok(prediction.refused),
    }


# tools


def _equal(want: Any, got: Any) -> bool:
    if isinstance(want, str) and isinstance(got, str):
        return want.strip().casefold() == got.strip().casefold()
    if isinstance(want, list) and isinstance(got, list | tuple):
        return len(want) == len(got) and all(_equal(a, b) for a, b in zip(want, got, strict=True))
    if isinstance(want, int | float | str) and isinstance(got, int | float | str) and not isinstance(want, bool):
        try:
            return math.isclose(float(want), float(got), rel_tol=1e-9)
        except (ValueError, OverflowError):
            return False
    return bool(want == got)


def tool_call_f1(expected: Sequence[ToolCall] | None, called: Sequence[Mapping[str, Any]] | None) -> Score:
    """Return the F1 of the tool calls: a call is right with the tool's name and each expected argument, each used once."""
    if expected is None:
        return unscored("the row does not say which tools are right")
    if called is None:
        return unscored("the answer made elsewhere does not say which tools it called")
    if not expected and not called:
        return ok(1.0)
    left = list(called)
    right = 0
    # The most particular first, so that a call without arguments does not take the one that another needs.
    for want in sorted(expected, key=lambda call: -len(call.arguments)):
        for one in left:
            arguments = one.get("arguments") or {}
            if str(one.get("tool")) == want.tool and all(
                key in arguments and _equal(value, arguments[key]) for key, value in want.arguments.items()
            ):
                left.remove(one)
                right += 1
                break
    return ok(2 * right / (len(expected) + len(called)))
