"""What a question was understood as: what an answer to it would look for, and where. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.live import MOST_CALLS
from assistant.models import Answer
from assistant.periods import Period
from assistant.question import Question
from assistant.retrieval import filters_json
from assistant.routing import ToolCall
from vectorstore.errors import SettingsError
from vectorstore.records import Filters, SourceInfo

LONGEST = 4000  # characters of a question


def question_text(question: object) -> str:
    """Return a question as Unicode text: a lone surrogate would make an Answer no JSON."""
    return str(question).encode("utf-8", "replace").decode("utf-8")


def check(question: str) -> None:
    """Raise SettingsError for a question that is none."""
    if not question.strip():
        raise SettingsError("The question is empty.", "Ask something.")
    if len(question) > LONGEST:
        raise SettingsError(f"The question has {len(question)} characters.", f"Ask in {LONGEST:,} characters or fewer.")


@dataclass(frozen=True, slots=True)
class Understood:
    """Names as the base has them; what the caller's filters say stands in the place of what the question says.

    ``periods``: "FY2023" and "Q2 2020" of a company that the question names, "2023" without one, "June 2023" for a date; ``years``: all that the question names.
    ``kinds``, ``forms``, ``since``, ``until`` (ISO days): which documents may answer. ``live``: whether live metrics would be called,
    ``tools``: which. ``notes``: what of the question the base cannot meet.
    """

    standalone_question: str
    companies: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    live: bool = False
    tools: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def narrowing(question: Question, wanted: Filters) -> dict[str, Any]:
    """Return what an answer was narrowed to, for its ``filters``: what the question names, then what was asked for."""
    out: dict[str, Any] = {}
    if question.companies:
        out["company"] = list(question.companies)
        labels = [p.label for p in question.periods if not p.month]
        out |= {"fiscal_period": labels} if labels else {}
    elif question.publishers:
        out["publisher"] = list(question.publishers)
    return out | filters_json(wanted)


def asked_with(answer: Answer) -> dict[str, Any]:
    """Return the filters with which a given answer's standalone question can be read again: its periods stand in its words."""
    return {name: value for name, value in answer.filters.items() if name != "fiscal_period"}


def understood(
    question: Question,
    wanted: Filters,
    calls: Sequence[ToolCall],
    notes: Sequence[str],
    own: Sequence[SourceInfo],
    standalone: str,
) -> Understood:
    """Put together what the parts of an answer read. ``own``: the documents of the companies that are named."""
    found: Mapping[str, Any] = narrowing(question, wanted)
    companies = tuple(found.get("company", ()))
    tickers = (*wanted.ticker, *(s.metadata.ticker for s in own if s.metadata.ticker))
    tools = tuple(dict.fromkeys(call.name for call in calls[:MOST_CALLS]))
    return Understood(
        standalone_question=standalone,
        companies=companies,
        tickers=tuple(dict.fromkeys(tickers)),
        publishers=tuple(found.get("publisher", ())),
        kinds=wanted.kind,
        forms=wanted.form,
        periods=wanted.fiscal_period or tuple(_said(p, fiscal=bool(question.companies)) for p in question.periods),
        years=question.years,
        since=wanted.since,
        until=wanted.until,
        live=bool(tools),
        tools=tools,
        notes=tuple(dict.fromkeys(notes)),
    )


def _said(period: Period, *, fiscal: bool) -> str:
    if period.month:
        return f"{calendar.month_name[period.month]} {period.year}"
    return period.label if fiscal or period.quarter else str(period.year)


__all__ = ["LONGEST", "Understood", "asked_with", "check", "narrowing", "question_text", "understood"]
