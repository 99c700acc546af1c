"""Answers from the rows of financial statements: the figure or ratio asked for, with its rows and its arithmetic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.kept import Kept
from assistant.question import Question
from assistant.statements.evaluate import Worked, number, work
from assistant.statements.figures import (
    Absent,
    Figure,
    Reader,
    Refused,
    Span,
    fiscal,
    header_span,
    held_statements,
    where,
)
from assistant.statements.formulas import Name, Unreadable, label_of, own_syntax, unit_of, years_in
from assistant.statements.items import find, items, metrics
from assistant.statements.phrasing import own_definition, statements_named
from assistant.statements.tables import Statement, primary
from assistant.statements.vocabulary import Vocabulary, row_words, vocabulary, words
from assistant.statements.wanted import Wanted, names_figure, wanted
from assistant.statements.written import (
    Shown,
    as_printed,
    capital,
    currency,
    in_unit,
    in_words,
    inputs_of,
    named_period,
    period_of,
    rows_named,
    spans_of,
    unit_of_result,
    written,
    yes_or_no,
)
from vectorstore.records import Document


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One sentence of an answer; ``spans``: (document_id, version, start, end) of the rows and headers it rests on."""

    text: str
    spans: tuple[Span, ...]
    numbers: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class StatementAnswer:
    """Lines, or a ``refusal`` that names what could not be read with certainty, with the ``spans`` of where it stands."""

    lines: tuple[StatementLine, ...] = ()
    refusal: str = ""
    spans: tuple[Span, ...] = ()


def answer(text: str, *, question: Question, documents: Sequence[Document]) -> StatementAnswer | None:
    """Answer a question for a line item or a ratio from ``documents`` (one company's, newest first).

    None: it asks for neither, or no document holds such a statement, so that another path may answer.
    """
    # "Based on FY2022 data" reads as asking what a note is based on.
    if question.live or question.intent == "for_against" or set(question.metadata) - {"after"}:
        return None
    companies = list(dict.fromkeys(d.metadata.company for d in documents if d.metadata.company))
    if len(companies) > 1 or not documents:
        return None
    company = companies[0] if companies else "the company"
    known = _known([held_statements(d) for d in documents if d.metadata.kind in {"filing", "release", "other"}])
    try:
        asked = wanted(text, known=known, documents=documents, ignored=words_of(companies))
    except Unreadable as error:
        if not (own_definition(text) and names_figure(text)):
            return None
        return StatementAnswer(
            refusal=f"The question defines its measure with a part that is no line item of a statement: “{error.word}”."
        )
    named = statements_named(text)
    lines: list[StatementLine] = []
    try:
        for one in asked:
            item = items().get(one.node.name) if isinstance(one.node, Name) else None
            if item is not None and len(named) == 1 and item.statement not in named:
                return None
            kinds = named if isinstance(one.node, Name) else ()
            target = max((*one.years, *years_in(one.node)))
            reader = Reader(
                documents, target, one.quarter, months=one.months, date=one.date, question=text, kinds=kinds
            )
            lines += _lines(one, company, reader)
    except Refused as error:
        return StatementAnswer(refusal=f"This cannot be read with certainty: {error.message}.", spans=error.spans)
    except Absent:
        quarters = [(one.years[-1], one.quarter) for one in asked if one.quarter]
        if quarters and not any(fiscal(d) in quarters for d in documents):
            # An annual report does not tell its quarters apart, and prose about the year is no answer.
            return StatementAnswer(
                refusal=f"No filing in the base reports on Q{quarters[0][1]} {quarters[0][0]} of {company}."
            )
        return None
    return StatementAnswer(tuple(lines)) if lines else None


# What rows are called, by the lists of statements that were read together.
_VOCABULARIES: Kept[tuple[int, ...], tuple[list[list[Statement]], Vocabulary]] = Kept(128)


def _known(held: list[list[Statement]]) -> Vocabulary:
    """Return what figures may be called in these documents' statements; the last ones are kept with the lists they are of."""
    # The lists are held, so that no other has their ids.
    key = tuple(map(id, held))
    return _VOCABULARIES.made(key, lambda: (held, vocabulary(s for found in held for s in primary(found))))[1]


def words_of(companies: Sequence[str]) -> frozenset[str]:
    """Return the stems of the words of company names, which say nothing about the figure."""
    return frozenset(w for name in companies for w in words(name) if w[0].isalnum())


def _lines(one: Wanted, company: str, reader: Reader) -> list[StatementLine]:
    if one.unit == "activities":
        return [_activities(one, company, reader)]
    if one.how == "value" and len(one.years) > 1 and not years_in(one.node):
        return [_value(replace(one, years=(year,)), company, reader) for year in reversed(one.years)]
    if one.how == "value":
        first = _value(one, company, reader)
        return [first, *_beside(one, company, reader), *_elsewhere(one, reader)]
    return [_over_years(one, company, reader)]


def _value(one: Wanted, company: str, reader: Reader) -> StatementLine:
    year = max((*one.years, *(y for y in years_in(one.node) if len(one.years) > 1)))
    got = work(one.node, year, reader)
    if got.figures and all(f.assumed for f in got.figures):
        first = got.figures[0]
        raise Refused(
            f"{first.item.label} for FY{first.year}: no row of {where(first.statement)} is called that",
            [header_span(first.statement)],
        )
    unit = unit_of_result(one, got)
    shown, value, code = written(got.value, unit, one, got)
    when = period_of(one, got, year)
    single = (
        isinstance(one.node, Name)
        and one.node.name not in metrics()
        and len(got.figures) == 1
        and got.shown.lstrip("−(").replace(",", "").replace(".", "").rstrip(")").isdigit()
    )
    verdict = yes_or_no(one, got.value)
    if single:
        return _read_line(one, got, company, year, verdict)
    derivation = got.shown
    text = f"{verdict}{capital(one.label)} of {company} {when}: {shown} = {derivation}{in_unit(got)} ({rows_named(got.figures)})."
    return StatementLine(text, spans_of(got.figures), ((shown, value, code, derivation), *inputs_of(got)))


def _read_line(one: Wanted, got: Worked, company: str, year: int, verdict: str = "") -> StatementLine:
    """Return the line of one figure as read."""
    shown, value, code = written(got.value, unit_of_result(one, got), one, got)
    printed = as_printed(got.figures[0])
    same = got.figures[0].item.kind != "money" or re.search(
        rf"(?<![\d.,]){re.escape(number(abs(got.figures[0].printed)))}(?![\d.,])", shown
    )
    also = "" if same else f", printed as {printed}"
    text = f"{verdict}{capital(one.label)} of {company} {period_of(one, got, year)}: {shown} ({rows_named(got.figures)}{also})."
    return StatementLine(text, spans_of(got.figures), ((shown, value, code, None),))


def _over_years(one: Wanted, company: str, reader: Reader) -> StatementLine:
    each = [work(one.node, year, reader) for year in one.years]
    figures = tuple(f for got in each for f in got.figures)
    inputs = tuple(n for got in each for n in inputs_of(got))
    unit = unit_of_result(one, each[0])
    percent = unit == "percent"
    first, last = each[0], each[-1]
    periods = [named_period(one, year) for year in one.years]
    span = f"from {periods[0]} to {periods[-1]}"
    note = f"{in_unit(first)} ({rows_named(figures)})"
    label = capital(one.label)
    how = one.how
    if how in {"growth", "change"} and percent:
        how = "change"
    elif how == "change" and one.percent:
        how = "growth"
    if how in {"average", "sum"}:
        total = sum(got.value for got in each)
        mean = total / len(each) if how == "average" else total
        shown, value, code = written(mean, unit, one, first)
        parts = "; ".join(
            f"{period}: {written(g.value, unit, one, g)[0]} = {g.shown}"
            if len(g.figures) > 1
            else f"{period}: {written(g.value, unit, one, g)[0]}"
            for period, g in zip(periods, each, strict=True)
        )
        derivation = " + ".join(g.inside(2) for g in each)
        if how == "average":
            derivation = f"({derivation}) ÷ {len(each)}"
        name = f"{len(each)}-year average" if how == "average" else "sum of"
        text = f"{label} of {company}, {name} {periods[0]}–{periods[-1]}: {shown} ({parts}){note}."
        return StatementLine(text, spans_of(figures), ((shown, value, code, derivation), *inputs))
    if how in {"growth", "cagr"}:
        if first.value <= 0 or (how == "cagr" and last.value <= 0):
            raise Refused(
                f"{one.label}: a growth rate from {first.shown} to {last.shown} has no meaning", spans_of(figures)
            )
        n = one.years[-1] - one.years[0]
        rate = (last.value / first.value) ** (1 / n) - 1 if how == "cagr" else last.value / first.value - 1
        shown = f"{number(100 * rate, one.places if one.places is not None else 1)}%"
        derivation = (
            f"({last.inside(2)} ÷ {first.inside(2, right=True)})^(1 ÷ {n}) − 1"
            if how == "cagr"
            else f"{last.inside(2)} ÷ {first.inside(2, right=True)} − 1"
        )
        name = f"{n}-year compound annual growth rate" if how == "cagr" else "growth"
        text = f"{label} of {company}, {name} {span}: {shown} = {derivation}{note}."
        return StatementLine(text, spans_of(figures), ((shown, 100 * rate, "%", derivation), *inputs))
    difference = last.value - first.value
    was, now = (written(g.value, unit, one, g)[0] for g in (first, last))
    if percent:
        amount, value, code = (
            f"{number(100 * difference, one.places if one.places is not None else 1)} percentage points",
            100 * difference,
            "pp",
        )
    else:
        amount, value, code = written(abs(difference), unit, one, first)
        value = difference
    moved = (
        "did not change"
        if difference == 0
        else f"{'increased' if difference > 0 else 'decreased'} by {amount.lstrip('−')}"
    )
    derivation = f"{last.inside(1)} − {first.inside(1, right=True)}"
    verdict = (
        ""
        if not one.yes_no or one.yes_no not in {"increased", "decreased"}
        else "Yes: "
        if moved.startswith(one.yes_no)
        else "No: "
    )
    text = f"{verdict}{label} of {company} {moved} {span}, from {was} to {now}: {derivation}{note}."
    return StatementLine(text, spans_of(figures), ((amount, value, code, derivation), *inputs))


def _activities(one: Wanted, company: str, reader: Reader) -> StatementLine:
    year = one.years[-1]
    named = {"operating": "cfo", "investing": "cfi", "financing": "cff"}
    got = {name: work(Name(item), year, reader) for name, item in named.items()}
    order = sorted(got, key=lambda name: got[name].value, reverse=one.label != "lowest")
    each = {name: written(g.value, "money", one, g)[0] for name, g in got.items()}
    most = "the least" if one.label == "lowest" else "the most"
    rest = " and ".join(f"{each[name]} from {name}" for name in order[1:])
    figures = tuple(f for name in order for f in got[name].figures)
    text = f"In FY{year} {order[0]} activities brought in {most} cash for {company}: {each[order[0]]}, against {rest} activities ({rows_named(figures)})."
    numbers = tuple((each[name], got[name].value, currency(got[name]), None) for name in order)
    return StatementLine(text, spans_of(figures), numbers)


def _beside(one: Wanted, company: str, reader: Reader) -> list[StatementLine]:
    """Return the other definition of a ratio in use, and figures that belong beside it; what cannot be read is left out."""
    out: list[StatementLine] = []
    metric = metrics().get(one.node.name) if isinstance(one.node, Name) else None
    if metric is None:
        return out
    others = (
        [(f"{one.label}, counted as {in_words(one.alternative)},", own_syntax(one.alternative), one.unit)]
        if one.alternative
        else []
    )
    if one.yes_no:
        others += [(label_of(name), Name(name), unit_of(name)) for name in metric.beside]
    for label, node, unit in others:
        try:
            out.append(
                _value(
                    replace(one, label=label, node=node, unit=unit, yes_no="", alternative="", scale=None),
                    company,
                    reader,
                )
            )
        except (Refused, Absent):
            continue
    return out


def _elsewhere(one: Wanted, reader: Reader) -> list[StatementLine]:
    """Return a line for each filing that shows another value of the figure: a later one, or another source on the same period."""
    if len(reader.used) != 1 or reader.date or len(reader.used[0].rows) != 1:
        return []
    read = reader.used[0]
    own = fiscal(read.statement.document)
    out: list[StatementLine] = []
    kept: set[str] = set()
    order = sorted(reader.documents, key=lambda d: (fiscal(d)[0] or 0, d.metadata.published or "", d.document_id))
    for document in order:
        period = fiscal(document)
        later = (period[0] or 0) > (own[0] or 0)
        if document is read.statement.document or period[1] != own[1] or not (later or period == own):
            continue
        how = "restated" if later else "other"
        figure = _shown_in(document, read, reader)
        if figure is None or how in kept:
            continue
        kept.add(how)
        if abs(figure.value - read.value) <= max(0.001 * abs(read.value), 0.51 * _coarse(figure, read)):
            continue
        got = Worked(figure.value, "", 3, 1 if read.item.kind == "money" else 0, (figure,))
        shown, amount, code = written(figure.value, unit_of_result(one, got), one, got)
        if how == "restated":
            why = "the figure was restated"
        elif (read.statement.document.metadata.form or "").upper().endswith("/A"):
            why = "the amendment replaces it"
        else:
            why = "the two sources differ"
        text = (
            f"{capital(_source(document))}{',' if document.metadata.published else ''} shows {shown} for {named_period(one, read.year)}: {why} "
            f"({rows_named((figure,))}); the figure above is from {_source(read.statement.document)}."
        )
        out.append(StatementLine(text, spans_of((figure, read)), ((shown, amount, code, None),)))
    return out


def _shown_in(document: Document, read: Figure, reader: Reader) -> Figure | None:
    """Return the same row's figure for the same period as another document shows it."""
    item = items().get(read.item.name)
    for statement in primary(reader.statements(document)):
        if statement.kind != read.statement.kind or statement.unit is None:
            continue
        column = reader.column(statement, read.year)
        same = (
            find(item, statement).rows
            if item
            else [r for r in statement.rows if row_words(r.label) == row_words(read.rows[0].label)]
        )
        rows = [r for r in same if r.complete]
        if column is None or len(rows) != 1:
            continue
        sign = -1 if read.value * read.rows[0].value(read.column) < 0 else 1
        value = sign * rows[0].value(column) * (statement.unit.scale if read.item.kind == "money" else 1.0)
        return replace(
            read, value=value, printed=rows[0].value(column), rows=(rows[0],), statement=statement, column=column
        )
    return None


def _coarse(*figures: Figure) -> float:
    return max((f.statement.unit.scale for f in figures if f.statement.unit and f.item.kind == "money"), default=0.0)


def _source(document: Document) -> str:
    """Return "the FY2022 10-K, published 2023-02-21"."""
    meta = document.metadata
    name = " ".join(x for x in (meta.fiscal_period, meta.form or meta.kind) if x)
    return f"the {name}, published {meta.published}" if meta.published else f"the {name}"
