"""Ask, score, sum up: rows and an Assistant in, an Evaluation out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from assistant.evaluation import metrics, ranking
from assistant.evaluation.bootstrap import Statistic, interval95, statistic
from assistant.evaluation.dataset import Row, load, parse
from assistant.evaluation.metrics import OUTCOMES, Outcome
from assistant.evaluation.prediction import Found, Prediction, from_answer, from_passage
from assistant.evaluation.ranking import CUTOFFS, LEVELS, Score, ScoreStatus, ok, unscored
from assistant.models import Answer
from vectorstore.errors import NotFound, SettingsError, StoreEmpty, ThesisError
from vectorstore.records import Document, Passage

DEPTH = 40
LATENCIES: dict[str, tuple[str, Statistic]] = {
    "latency_ms_p50": ("latency_ms", "p50"),
    "latency_ms_p95": ("latency_ms", "p95"),
    "search_ms_p50": ("search_ms", "p50"),
    "search_ms_p95": ("search_ms", "p95"),
}
ANSWER_METRICS = (
    "answer_match",
    "answer_match_text",
    "expect_recall",
    "citation_precision",
    "citation_recall",
    "quote_fidelity",
    "claims_supported",
    "faithfulness_lexical",
    "numeric_support",
    "context_precision",
    "context_recall",
    "abstention_precision",
    "abstention_recall",
    "tool_call_f1",
)
# Where less is better.
FALLING = frozenset({"wrong_share", "refused_share", "unjudged_share", "error_share", *LATENCIES})


class Asked(Protocol):
    """What is evaluated: an Assistant, or anything with its three calls."""

    def ask(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: Sequence[Mapping[str, str]] = (),
        model: str | None = None,
    ) -> Answer: ...
    def search(
        self, query: str, *, k: int = 10, as_of: str | None = None, filters: Mapping[str, Any] | None = None
    ) -> list[Passage]: ...
    def document(self, document_id: str, version: str | None = None) -> Document: ...


class Judge(Protocol):
    """A model's opinion, opt-in and in columns of its own (``judge:NAME:METRIC``). None ships.

    Called once a question; returns finite numbers by metric, None for one that it can't judge. What it raises is
    an ``error`` of its own columns and touches no other metric.
    """

    name: str
    metrics: tuple[str, ...]

    def __call__(self, row: Row, prediction: Prediction) -> Mapping[str, float | None]: ...


@dataclass(frozen=True, slots=True)
class Result:
    """One question: how it came out and all its scores. ``gold_ranks``: level -> rank of each gold item, None if not found."""

    row: Row
    prediction: Prediction
    outcome: Outcome
    reason: str
    scores: Mapping[str, Score]
    gold_ranks: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        return self.scores[metric].value if metric in self.scores else None


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric over all questions: never NaN; a value only where ``n_scored`` > 0.

    ``n_total`` counts the questions, ``n_error`` those where scoring failed (they are in no mean, and a threshold
    on the metric is missed).
    """

    value: float | None
    status: ScoreStatus
    reason: str
    n_scored: int
    n_total: int
    n_error: int
    interval95: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "status": self.status,
            "reason": self.reason,
            "n_scored": self.n_scored,
            "n_total": self.n_total,
            "n_error": self.n_error,
            "interval95": None if self.interval95 is None else list(self.interval95),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``metrics``: name -> Summary over all questions; ``groups``: the same for each ``type`` of question."""

    results: tuple[Result, ...]
    metrics: Mapping[str, Summary]
    groups: Mapping[str, Mapping[str, Summary]]
    seed: int
    cutoffs: tuple[int, ...]
    seconds: float
    embedding_fingerprint: str = ""
    index_fingerprint: str = ""

    def summary(self, name: str) -> Summary:
        """Return a metric's Summary; ``TYPE/METRIC`` is that of one type. Raises SettingsError for an unknown one."""
        group, _, metric = name.rpartition("/")
        held = self.groups.get(group) if group else self.metrics
        if held is None:
            raise SettingsError(
                f"No question has the type {group!r}.", f"Types are: {', '.join(self.groups) or 'none'}."
            )
        if metric not in held:
            raise SettingsError(f"There is no metric {metric!r}.", f"Metrics are: {', '.join(held)}.")
        return held[metric]

    def value(self, name: str) -> float | None:
        """Return a metric's value, None where it is unscored."""
        return self.summary(name).value


def metric_names(cutoffs: Sequence[int] = CUTOFFS) -> tuple[str, ...]:
    """Return the names of all metrics, in the order of the reports (without a judge's)."""
    levels = tuple(f"{level}_{name}" for level in LEVELS for name in ranking.rank_metrics([None], cutoffs))
    return (*(f"{name}_share" for name in OUTCOMES), *ANSWER_METRICS, *levels, *LATENCIES)


def evaluate(
    assistant: Asked | None,
    rows: str | Path | Iterable[Row | Mapping[str, Any]],
    *,
    cutoffs: Sequence[int] = (),
    seed: int = 0,
    model: str | None = None,
    judge: Judge | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Ask and score each row; rows that bring an answer are scored as they are.

    ``rows``: a file of JSON lines, Rows, or mappings of the same format. ``cutoffs`` are added to 1, 5, 10, 20.
    ``assistant`` may be None where every row brings its answer. Two runs over the same base give the same figures,
    but for the latencies. Raises SettingsError for a malformed row, StoreEmpty for an empty base.
    """
    started = time.perf_counter()
    listed = _rows(rows)
    if any(type(k) is not int or k < 1 for k in cutoffs):
        raise SettingsError(f"The cut-offs {list(cutoffs)} are no ranks.", "Give whole numbers from 1 up.")
    ks = tuple(sorted({*CUTOFFS, *cutoffs}))
    lacking = [row.id for row in listed if row.prediction is None]
    if assistant is None and lacking:
        raise SettingsError(
            f"{len(lacking)} questions bring no answer ({', '.join(lacking[:3])} …) and no base is given to ask.",
            "Name a base with --store.",
        )
    texts = _texts(assistant) if assistant is not None else None
    results = []
    for done, row in enumerate(listed):
        if progress:
            progress(done, len(listed))
        results.append(_one(assistant, row, ks, model, judge, texts))
    if progress:
        progress(len(listed), len(listed))
    names = list(metric_names(ks))
    if judge is not None:
        names += [f"judge:{judge.name}:{metric}" for metric in judge.metrics]
    groups = {g: [r for r in results if r.row.group == g] for g in sorted({r.row.group for r in results} - {""})}
    store = getattr(assistant, "store", None)
    return Evaluation(
        tuple(results),
        {name: summarize(name, results, seed) for name in names},
        {g: {name: summarize(name, members, seed) for name in names} for g, members in groups.items()},
        seed,
        ks,
        round(time.perf_counter() - started, 3),
        getattr(store, "embedding_fingerprint", ""),
        getattr(store, "index_fingerprint", ""),
    )


def _rows(rows: str | Path | Iterable[Row | Mapping[str, Any]]) -> list[Row]:
    if isinstance(rows, str | Path):
        return load(rows)
    listed = list(rows)
    made = [r for r in listed if isinstance(r, Row)]
    if len(made) < len(listed) or not listed:
        if made:
            raise SettingsError("The rows are partly Rows and partly mappings.", "Give the one or the other.")
        return parse(r for r in listed if not isinstance(r, Row))
    if len({r.id for r in made}) < len(made):
        raise SettingsError("Two rows have the same id.", "Give each its own.")
    return made


def _texts(assistant: Asked) -> metrics.Texts:
    @lru_cache(maxsize=8)
    def text(document_id: str, version: str) -> str | None:
        try:
            return assistant.document(document_id, version or None).text
        except NotFound:
            return None

    return text


def _one(
    assistant: Asked | None,
    row: Row,
    cutoffs: Sequence[int],
    model: str | None,
    judge: Judge | None,
    texts: metrics.Texts | None,
) -> Result:
    prediction = row.prediction
    found: list[Found] | None = None
    scores: dict[str, Score] = {"search_ms": unscored("not searched")}
    fault = ""
    if prediction is None:
        assert assistant is not None
        t0 = time.perf_counter()
        answer = assistant.ask(row.question, as_of=row.as_of, filters=row.filters, history=row.history, model=model)
        milliseconds = (time.perf_counter() - t0) * 1000
        if answer.error is not None and answer.error.kind == StoreEmpty.kind:
            raise StoreEmpty(answer.error.message, answer.error.what_to_do)
        prediction = replace(from_answer(answer.model_dump(mode="json")), latency_ms=milliseconds)
        if row.evidence:
            try:
                t0 = time.perf_counter()
                passages = assistant.search(
                    answer.standalone_question or row.question,
                    k=max(DEPTH, *cutoffs),
                    as_of=row.as_of,
                    filters=row.filters,
                )
                scores["search_ms"] = ok((time.perf_counter() - t0) * 1000)
                found = [from_passage(p) for p in passages]
            except ThesisError as error:
                fault = str(error)
    elif prediction.passages is not None:
        found = list(prediction.passages)
    retrieved = ranking.retrieval(row, found, cutoffs)
    if fault:
        retrieved = dict.fromkeys(retrieved, Score(None, "error", fault))
    outcome, reason, answered = metrics.judge_answer(row, prediction)
    scores |= answered | retrieved
    scores |= metrics.citations(row, prediction) | metrics.grounding(prediction) | ranking.context(row, prediction)
    scores |= metrics.abstention(row, prediction)
    scores["quote_fidelity"] = metrics.quote_fidelity(prediction, texts)
    scores["tool_call_f1"] = metrics.tool_call_f1(row.tools, prediction.tools)
    for name in OUTCOMES:
        known = row.answerable is not None
        scores[f"{name}_share"] = ok(outcome == name) if known else unscored("the row does not say what is right")
    latency = prediction.latency_ms
    scores["latency_ms"] = unscored("the answer made elsewhere has no time") if latency is None else ok(latency)
    if judge is not None:
        scores |= _judged(judge, row, prediction)
    ranks = {
        level: tuple(ranking.ranks(found, items, level))
        for level in LEVELS
        if found is not None and (items := ranking.gold(row.evidence, level))
    }
    return Result(row, prediction, outcome, reason, scores, ranks)


def _judged(judge: Judge, row: Row, prediction: Prediction) -> dict[str, Score]:
    names = [f"judge:{judge.name}:{metric}" for metric in judge.metrics]
    try:
        given = judge(row, prediction)
    except Exception as error:  # noqa: BLE001 - the judge is the user's code; its failure is a value of its own columns
        return dict.fromkeys(names, Score(None, "error", f"{type(error).__name__}: {error}"))
    out: dict[str, Score] = {}
    for name, metric in zip(names, judge.metrics, strict=True):
        value = given.get(metric)
        if value is None:
            out[name] = unscored("the judge gave no value")
        elif isinstance(value, int | float) and math.isfinite(value):
            out[name] = ok(value)
        else:
            out[name] = Score(None, "error", f"the judge gave {value!r}")
    return out


def summarize(name: str, results: Sequence[Result], seed: int = 0) -> Summary:
    """Return a metric over questions: the mean of those scored (a percentile for latencies), with its interval."""
    column, kind = LATENCIES.get(name, (name, "mean"))
    scores = [r.scores[column] for r in results if column in r.scores]
    values = [s.value for s in scores if s.value is not None]
    faults = [s.reason for s in scores if s.status == "error"]
    n, total = len(values), len(results)
    if not values:
        why = faults or [s.reason for s in scores]
        reason = max(sorted(set(why)), key=why.count) if why else "no question"
        return Summary(None, "error" if faults else "unscored", reason, 0, total, len(faults), None)
    reason = f"{len(faults)} questions could not be scored: {faults[0]}" if faults else ""
    return Summary(statistic(values, kind), "ok", reason, n, total, len(faults), interval95(values, kind, seed=seed))
