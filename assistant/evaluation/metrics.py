"""The metrics of one question. Pure: rankings, citations and texts in, Scores out; docs/evaluation.md defines each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistant.evaluation.amounts import amounts
from assistant.evaluation.dataset import Place, Row, ToolCall
from assistant.evaluation.matching import (
    Match,
    answer_match,
    claim_supported,
    content_words,
    derived_number,
    number_found,
    text_overlap,
)
from assistant.evaluation.prediction import Found, Prediction, Statement
from vectorstore.text import sentences

CUTOFFS = (1, 5, 10, 20)
NDCG_AT = 10
LEVELS = ("chunk", "page", "document")
# Share of the words of a gold passage that make a chunk the passage, where only its words are known.
SAME_PASSAGE = 0.8

ScoreStatus = Literal["ok", "unscored", "error"]
Outcome = Literal["right", "wrong", "refused", "unjudged", "error"]
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "refused", "unjudged", "error")
# (document_id, version) -> the stored text; None where it is not in the base
Texts = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Score:
    """A value, or the reason why there is none; never NaN."""

    value: float | None
    status: ScoreStatus = "ok"
    reason: str = ""


def ok(value: float) -> Score:
    return Score(float(value))


def unscored(reason: str) -> Score:
    return Score(None, "unscored", reason)


# where things stand


def base_name(path: str) -> str:
    """Return the last part of a path or URL, of either system, in lower case."""
    return re.split(r"[\\/]", path.split("?", 1)[0].rstrip("/\\"))[-1].casefold()


def same_document(place: Place, found: Found) -> bool:
    """Whether a found stretch stands in the gold document: by id, sha256, file name or title, whichever is given."""
    return bool(
        (place.document_id and place.document_id == found.document_id)
        or (place.sha256 and place.sha256.casefold() == found.version.casefold())
        or (place.document and found.path and base_name(place.document) == base_name(found.path))
        or (place.title and found.title and place.title.strip().casefold() == found.title.strip().casefold())
    )


def _overlap(place: Place, found: Found) -> bool:
    if place.start is None or place.end is None or found.start is None or found.end is None:
        return False
    shared = min(place.end, found.end) - max(place.start, found.start)
    return shared > 0 and 2 * shared >= min(place.end - place.start, found.end - found.start)


def _same_words(gold: str, text: str) -> bool:
    want = content_words(gold)
    if not want or not text:
        return " ".join(gold.split()) == " ".join(text.split()) != ""
    held = set(content_words(text))
    return sum(w in held for w in want) / len(want) >= SAME_PASSAGE and all(
        number_found(a, amounts(text)) for a in amounts(gold)
    )


def at_place(place: Place, found: Found, *, level: str) -> bool:
    """Whether a found stretch is the gold one, seen at a level.

    ``chunk``: the same chunk, half of the gold span (or of the chunk), the gold words, or, where the gold gives no
    more than a page, any chunk of that page. ``page`` and ``document`` compare just these.
    """
    if level == "document":
        return same_document(place, found)
    if level == "page":
        return same_document(place, found) and place.page == found.page
    if place.chunk_id:
        return place.chunk_id == found.chunk_id
    if place.text is not None:
        return _same_words(place.text, found.text)
    if not same_document(place, found):
        return False
    return _overlap(place, found) if place.start is not None else place.page == found.page


def gold(places: Iterable[Place], level: str) -> list[Place]:
    """Return the distinct gold items at a level; a place that says too little for the level is none."""
    items: dict[object, Place] = {}
    for place in places:
        names = (place.document, place.sha256, place.title, place.document_id)
        if level == "document":
            if place.names_document:
                items.setdefault(names, place)
        elif level == "page":
            if place.names_document and place.page is not None:
                items.setdefault((names, place.page), place)
        elif place.chunk_id or place.text is not None or place.start is not None or place.page is not None:
            items.setdefault(place, place)
    return list(items.values())


def units(ranking: Sequence[Found], level: str) -> list[Found]:
    """Return the ranking at a level: each chunk, page or document once, where its best passage first stands."""
    kept: dict[object, Found] = {}
    for place, found in enumerate(ranking):
        document = found.document_id or found.path
        key: object = found.chunk_id or (document, found.start, found.end, found.text or place)
        if level == "page":
            key = (document, found.page)
        elif level == "document":
            key = document or place
        kept.setdefault(key, found)
    return list(kept.values())


# retrieval


def ranks(ranking: Sequence[Found], items: Sequence[Place], level: str) -> list[int | None]:
    """Return for each gold item the rank (from 1) of the first unit that holds it; None where none does."""
    listed = units(ranking, level)
    return [next((r for r, unit in enumerate(listed, 1) if at_place(item, unit, level=level)), None) for item in items]


def rank_metrics(found_at: Sequence[int | None], cutoffs: Sequence[int]) -> dict[str, float]:
    """Return hit@k, recall@k, mrr and ndcg@10 from the ranks of the gold items (at least one item).

    nDCG has binary gains: an item counts once, at its first rank (Järvelin and Kekäläinen 2002).
    """
    found = sorted(r for r in found_at if r is not None)
    out: dict[str, float] = {}
    for k in cutoffs:
        out[f"hit@{k}"] = float(bool(found) and found[0] <= k)
    for k in cutoffs:
        out[f"recall@{k}"] = sum(r <= k for r in found) / len(found_at)
    out["mrr"] = 1 / found[0] if found else 0.0
    gain = sum(1 / math.log2(1 + r) for r in found if r <= NDCG_AT)
    ideal = sum(1 / math.log2(1 + r) for r in range(1, min(len(found_at), NDCG_AT) + 1))
    # One chunk may hold two gold spans, which no ideal order of single items foresees.
    out[f"ndcg@{NDCG_AT}"] = min(1.0, gain / ideal)
    return out


def retrieval(row: Row, ranking: Sequence[Found] | None, cutoffs: Sequence[int]) -> dict[str, Score]:
    """Return the retrieval metrics of a question at chunk, page and document level."""
    out: dict[str, Score] = {}
    names = list(rank_metrics([None], cutoffs))
    for level in LEVELS:
        items = gold(row.evidence, level)
        if not items:
            what = {"chunk": "passage, span or page", "page": "page", "document": "document"}[level]
            scores = dict.fromkeys(names, unscored(f"the gold names no {what}"))
        elif ranking is None:
            scores = dict.fromkeys(names, unscored("the answer made elsewhere brings no ranking"))
        elif level != "chunk" and ranking and not any(f.document_id or f.path or f.version for f in ranking):
            scores = dict.fromkeys(names, unscored("the retrieved contexts name no document"))
        else:
            scores = {name: ok(v) for name, v in rank_metrics(ranks(ranking, items, level), cutoffs).items()}
        out |= {f"{level}_{name}": score for name, score in scores.items()}
    return out


def context(row: Row, prediction: Prediction) -> dict[str, Score]:
    """Return context_precision and context_recall: of the contexts that were given to the answer, by identity."""
    items = gold(row.evidence, "chunk")
    if not items:
        return dict.fromkeys(
            ("context_precision", "context_recall"), unscored("the gold names no passage, span or page")
        )
    if prediction.passages is None:
        return dict.fromkeys(("context_precision", "context_recall"), unscored("the answer brings no contexts"))
    given = units([f for f in prediction.passages if f.given], "chunk")
    hits = [[at_place(item, f, level="chunk") for item in items] for f in given]
    recall = sum(any(hit[i] for hit in hits) for i in range(len(items))) / len(items)
    precision = ok(sum(any(hit) for hit in hits) / len(given)) if given else unscored("no context was given")
    return {"context_precision": precision, "context_recall": ok(recall)}


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
    """Return faithfulness_lexical (claims that stand in their evidence) and numeric_support (numbers that do)."""
    both = ("faithfulness_lexical", "numeric_support")
    if prediction.refused or prediction.status == "error":
        return dict.fromkeys(
            both, unscored("refused: nothing is claimed" if prediction.refused else "the answer is an error")
        )
    claims = _claims(prediction)
    if claims is None:
        return dict.fromkeys(both, unscored("the answer brings no evidence to compare with"))
    if not claims:
        return dict.fromkeys(both, unscored("the answer claims nothing"))
    supported = found = numbers = 0
    for statement, evidence, named in claims:
        held = amounts(evidence)
        derived = tuple(d for text, how in statement.derivations if (d := derived_number(text, how, held)) is not None)
        supported += claim_supported(statement.text, evidence, derived, named)
        stated = [a for a in amounts(statement.text) if a.dimension not in {"year", "date", "time"}]
        numbers += len(stated)
        found += sum(number_found(a, held + derived) for a in stated)
    return {
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
