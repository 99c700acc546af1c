"""Answers from the rows of financial statements: the figure or ratio asked for, with its rows and its arithmetic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.question import Question
from assistant.statements.evaluate import Worked, number, work
from assistant.statements.figures import STATEMENT_NAMES, Absent, Reader, Refused, Span, fiscal
from assistant.statements.formulas import Name, Unreadable, own_syntax, years_in
from assistant.statements.items import find, items, metrics
from assistant.statements.labels import figure as read_label
from assistant.statements.labels import labelled, words_of
from assistant.statements.target import label_of, unit_of
from assistant.statements.wanted import Wanted, beside_label, by_label, longest, names_figure, statements_named, wanted
from assistant.statements.written import (
    Shown,
    as_printed,
    capital,
    currency,
    in_unit,
    in_words,
    inputs_of,
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
    try:
        asked = wanted(text)
    except Unreadable as error:
        if not names_figure(text):
            return None
        return StatementAnswer(
            refusal=f"The question defines its measure with a part that is no line item of a statement: “{error.word}”."
        )
    named = statements_named(text)
    lines: list[StatementLine] = []
    try:
        labelled_lines, covered = _labelled(text, asked, named, company, documents)
        if labelled_lines:
            return StatementAnswer(labelled_lines)
        for one in asked:
            if not covered and not set(one.qualifier) <= words_of(companies):
                return None
            item = items().get(one.node.name) if isinstance(one.node, Name) else None
            if item is not None and len(named) == 1 and item.statement not in named:
                return None
            reader = Reader(documents, max((*one.years, *years_in(one.node))), one.quarter)
            lines += _lines(one, company, reader)
    except Refused as error:
        return StatementAnswer(refusal=f"This cannot be read with certainty: {error.message}.", spans=error.spans)
    except Absent:
        return None
    return StatementAnswer(tuple(lines)) if lines else None


def _labelled(
    text: str, asked: Sequence[Wanted], named: frozenset[str], company: str, documents: Sequence[Document]
) -> tuple[tuple[StatementLine, ...], bool]:
    """Answer a question that uses the label of a row; no lines, and True, where the list's item is that row."""
    request = by_label(text)
    if request is None or len(request.years) != 1:
        return (), False
    known = items().get(asked[0].node.name) if asked and isinstance(asked[0].node, Name) else None
    if asked and known is None and asked[0].how == "value":
        return (), False
    if known is not None and not set(asked[0].qualifier) <= words_of([company]):
        known = None
    year = request.years[0]
    reader = Reader(documents, year, request.quarter)
    every = named or frozenset(STATEMENT_NAMES)
    found = labelled(request.label, reader, every, beyond=longest(request.label))
    if found is None and known is not None:
        # A label that is just what the list calls an item counts too: the row may be another one here.
        found = labelled(request.label, reader, named or {known.statement}, beyond=longest(request.label) - 1)
    if found is None or not beside_label(request.label, found.label):
        return (), False
    same_kind = [(s, r) for s, r in found.rows if known is not None and s.kind == known.statement]
    if known is not None and same_kind and all(find(known, s).rows == (r,) for s, r in same_kind):
        return (), True
    figure = read_label(text, found, reader, year)
    one = replace(request, label=figure.rows[0].label.rstrip(":"), unit=figure.item.kind)
    got = Worked(figure.value, number(figure.printed), 3, 1 if figure.item.kind == "money" else 0, (figure,))
    return (_read_line(one, got, company, year), *_restated(one, company, reader)), True


def _lines(one: Wanted, company: str, reader: Reader) -> list[StatementLine]:
    if one.unit == "activities":
        return [_activities(one, company, reader)]
    if one.how == "value" and len(one.years) > 1 and not years_in(one.node):
        return [_value(replace(one, years=(year,)), company, reader) for year in reversed(one.years)]
    if one.how == "value":
        first = _value(one, company, reader)
        return [first, *_beside(one, company, reader), *_restated(one, company, reader)]
    return [_over_years(one, company, reader)]


def _value(one: Wanted, company: str, reader: Reader) -> StatementLine:
    year = max((*one.years, *(y for y in years_in(one.node) if len(one.years) > 1)))
    got = work(one.node, year, reader)
    unit = unit_of_result(one, got)
    shown, value, code = written(got.value, unit, one, got)
    when = period_of(one, got, year)
    single = (
        isinstance(one.node, Name)
        and one.node.name in items()
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
    span = f"from FY{one.years[0]} to FY{one.years[-1]}"
    note = f"{in_unit(first)} ({rows_named(figures)})"
    label = capital(one.label)
    how = one.how
    if how in {"growth", "change"} and percent:
        how = "change"
    elif how == "change" and one.percent:
        how = "growth"
    if how == "average":
        mean = sum(got.value for got in each) / len(each)
        shown, value, code = written(mean, unit, one, first)
        parts = "; ".join(
            f"FY{y}: {written(g.value, unit, one, g)[0]} = {g.shown}"
            if len(g.figures) > 1
            else f"FY{y}: {written(g.value, unit, one, g)[0]}"
            for y, g in zip(one.years, each, strict=True)
        )
        derivation = "(" + " + ".join(g.inside(2) for g in each) + f") ÷ {len(each)}"
        text = f"{label} of {company}, {len(each)}-year average FY{one.years[0]}–FY{one.years[-1]}: {shown} ({parts}){note}."
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


def _restated(one: Wanted, company: str, reader: Reader) -> list[StatementLine]:
    """Return a line for the first later filing whose row of that label has another value for the same year."""
    if len(reader.used) != 1 or reader.quarter or len(reader.used[0].rows) != 1:
        return []
    read = reader.used[0]
    own = fiscal(read.statement.document)[0] or 0
    later = [(fiscal(d)[0] or 0, d) for d in reader.documents if fiscal(d)[1] is None]
    for year, document in sorted(((y, d) for y, d in later if y > own), key=lambda pair: pair[0]):
        for statement in reader.statements(document):
            column = (
                reader.column(statement, read.year)
                if statement.kind == read.statement.kind and not statement.minor
                else None
            )
            item = items().get(read.item.name)
            same = find(item, statement).rows if item else [r for r in statement.rows if r.plain == read.rows[0].plain]
            rows = [r for r in same if r.complete]
            if column is None or len(rows) != 1 or statement.unit is None:
                continue
            sign = -1 if read.value * read.rows[0].value(read.column) < 0 else 1
            value = sign * rows[0].value(column) * (statement.unit.scale if read.item.kind == "money" else 1.0)
            coarse = (
                max(x.scale for x in (statement.unit, read.statement.unit) if x) if read.item.kind == "money" else 0.0
            )
            if abs(value - read.value) <= max(0.001 * abs(read.value), 0.51 * coarse):
                return []
            figure = replace(
                read, value=value, printed=rows[0].value(column), rows=(rows[0],), statement=statement, column=column
            )
            got = Worked(value, "", 3, 1 if read.item.kind == "money" else 0, (figure,))
            shown, amount, code = written(value, unit_of_result(one, got), one, got)
            dated = f", published {document.metadata.published}," if document.metadata.published else ""
            text = f"The FY{year} filing{dated} shows {shown} for FY{read.year}: the figure was restated ({rows_named((figure,))})."
            return [StatementLine(text, spans_of((figure,)), ((shown, amount, code, None),))]
    return []
