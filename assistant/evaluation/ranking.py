"""Where retrieved stretches stand against the gold, and the metrics of a ranking. Pure; docs/evaluation.md defines each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.evaluation.amounts import amounts
from assistant.evaluation.dataset import Place, Row
from assistant.evaluation.prediction import Found, Prediction
from assistant.evaluation.support import content_words, number_found

CUTOFFS = (1, 5, 10, 20)
NDCG_AT = 10
LEVELS = ("chunk", "page", "document")
# Share of the words of a gold passage that make a chunk the passage, where only its words are known.
SAME_PASSAGE = 0.8


ScoreStatus = Literal["ok", "unscored", "error"]


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
