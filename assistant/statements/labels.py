"""Figures of rows that a question calls by their label, where they are no item of the list. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from assistant.statements.figures import Absent, Figure, Reader, Refused, header_span, where
from assistant.statements.items import Item, find, items
from assistant.statements.sections import Row
from assistant.statements.tables import Statement, primary
from assistant.statements.vocabulary import ROW, row_words, words

# "In millions, except share and per share data": shares are printed in full. "Except per share data": they are not.
_UNSCALED = re.compile(r"\bexcept\b[^)]*?(?<!per )(?<!per-)\bshares?\b", re.I)
# Rows of a cash flow statement that are money paid out: a question for the amount wants it without the sign.
_PAID = re.compile(
    r"(?:cash )?(?:purchases?|payments?|repayments?|repurchases?|additions?|acquisitions?|dividends?|distributions?|capital|expenditures?|cash paid|cash used|cash dividends|"
    r"investments? in|redemptions?|redeem\w*|buybacks?|share repurchases?|stock repurchases?|business combinations?|debt issuance costs?|issuance costs?|retirement of|settlement of|removal costs?|(?:principal )?payments?)\b"
    r"|.*\b(?:repurchased|purchased|paid|acquired|spent|spending|expenditures)\b"
)
_EXPENSE = re.compile(
    r".*\b(?:expenses?|costs?|charges?|provision|taxes|tax|impairments?|losses|loss|depreciation|amorti[sz]ation)\b"
)


def figure(name: str, reader: Reader, year: int, *, kinds: Collection[str] = (), hint: str = "") -> Figure:
    """Return the figure of the row called ``name`` ("row:" and its stems) for a fiscal year.

    ``kinds``: of these statements only. ``hint``: the question, which may name the heading that tells two rows of one label apart.
    Raises Refused where rows of that label differ or cannot be read, Absent where no statement has one.
    """
    called, _, heading = name.removeprefix(ROW).partition("@")
    label, under = tuple(called.split(" ")), tuple(heading.split(" ")) if heading else ()
    trouble: Refused | None = None
    for document in reader.documents:
        hits = [
            (statement, row)
            for statement in primary(reader.statements(document))
            if not kinds or statement.kind in kinds
            for row in statement.rows
            if row_words(row.label) == label and (not under or row_words(row.section) == under)
        ]
        if not re.search(r"\bcash[- ]flow|\bchang|\bincrease|\bdecrease", hint, re.I):
            # A change in an account is called as the account is; the account itself stands on the balance sheet.
            owned = any(s.kind == "balance" for s, _ in hits)
            hits = [
                (s, r)
                for s, r in hits
                if not (_movement(s, r) or (owned and s.kind == "cash" and r.part == "operating"))
            ]
        columns = [(s, r, c) for s, r in hits if (c := reader.column(s, year)) is not None]
        if not columns:
            if hits and reader.quarter is not None:
                trouble = trouble or Refused(
                    f"{where(hits[0][0])} has no column for the period alone with the row “{hits[0][1].label}”",
                    [header_span(hits[0][0])],
                )
            continue
        found = _one(_narrowed(columns, label, hint), reader, year)
        reader.used.append(found)
        return found
    if trouble is not None:
        raise trouble
    raise Absent


def _narrowed(
    hits: Sequence[tuple[Statement, Row, int]], label: Sequence[str], hint: str
) -> list[tuple[Statement, Row, int]]:
    """Return the rows that are meant among those of one label."""
    chosen = list(hits)
    share_asked = bool(re.search(r"\bper (?:\w+ )?share\b", hint, re.I))
    chosen = [h for h in chosen if _per_share(h[1]) == share_asked] or chosen
    if any(s.kind != "cash" for s, _, _ in chosen) and not re.search(r"\bcash[- ]flow", hint, re.I):
        chosen = [h for h in chosen if h[0].kind != "cash" or h[1].part != "operating"]
    # "Loans" and "Loans, net of allowance": the label in full.
    exact = [
        h
        for h in chosen
        if tuple(w for w in words(re.sub(r"\([^()]*\)", " ", h[1].label)) if w[0].isalnum()) == tuple(label)
    ]
    chosen = exact or chosen
    if len({r.value(c) * (s.unit.scale if s.unit else 1) for s, r, c in chosen if r.complete}) > 1:
        asked = set(words(hint))
        under = [
            h
            for h in chosen
            if h[1].section
            and (own := {w for w in words(h[1].section) if w[0].isalnum()} - {"and", "of", "the", "net", "total"})
            and own <= asked
        ]
        best = max((len(words(h[1].section)) for h in under), default=0)
        chosen = [h for h in under if len(words(h[1].section)) == best] or chosen
    return chosen


def _one(hits: Sequence[tuple[Statement, Row, int]], reader: Reader, year: int) -> Figure:
    read: list[Figure] = []
    for statement, row, column in hits:
        spot = header_span(statement)
        if not row.complete:
            raise Refused(
                f"the row “{row.label}” of {where(statement)} does not show a value for each of its {len(statement.columns)} columns",
                [(spot[0], spot[1], row.start, row.end)],
            )
        share = _per_share(row)
        if statement.unit is None:
            raise Refused(f"{where(statement)} does not say in what unit its figures are", [spot])
        item = _item(statement, row, "per_share" if share else "shares" if _shares(row) else "money")
        reader.adds_up(statement, column)
        printed = row.value(column)
        if item.sign == "cost" and _negative(row):
            printed = -printed
        scale = (
            1.0 if share or (item.kind == "shares" and _UNSCALED.search(statement.unit.text)) else statement.unit.scale
        )
        read.append(Figure(printed * scale, printed, item, year, (row,), statement, column))
    values = {f.value for f in read}
    if len(values) > 1 and max(values) - min(values) > 0.51 * max(
        f.statement.unit.scale for f in read if f.statement.unit
    ):
        places = "; ".join(f"“{f.rows[0].label}”{_under(f.rows[0])} in {where(f.statement)}" for f in read[:3])
        raise Refused(
            f"several rows are called that, with different values: {places}", [s for f in read for s in f.spans]
        )
    return read[0]


def _item(statement: Statement, row: Row, kind: str) -> Item:
    """Return the listed item that is read from the row, or one for the row itself."""
    for item in items().values():
        if item.statement == statement.kind and item.kind == kind and find(item, statement).rows == (row,):
            return Item(item.name, row.label.rstrip(": "), statement.kind, (), (), sign=item.sign, kind=kind)
    paid = (
        statement.kind == "cash" and row.part in {"investing", "financing", "other"} and _PAID.match(row.plain)
    ) or (
        statement.kind == "income"
        and _EXPENSE.match(row.plain)
        and "income" not in row.plain
        and "gain" not in row.plain
    )
    return Item(row.plain, row.label.rstrip(": "), statement.kind, (), (), sign="cost" if paid else "", kind=kind)


def _movement(statement: Statement, row: Row) -> bool:
    """Whether a row of a cash flow statement is the change of an account."""
    net = re.match(r"(?:total |net )*cash\b", row.plain)
    return (
        statement.kind == "cash"
        and row.part == "operating"
        and not net
        and bool(re.search(r"\bchanges?\b", row.section, re.I))
    )


def _negative(row: Row) -> bool:
    shown = [c.value for c in row.cells if not c.nil]
    return bool(shown) and all(v < 0 for v in shown)


def _per_share(row: Row) -> bool:
    return (
        bool(re.search(r"\bper (?:\w+ ){0,3}share", f"{row.section} {row.label}", re.I))
        and any("." in c.text for c in row.cells)
        and not re.search(r"\bshares\b", row.label, re.I)
    )


def _shares(row: Row) -> bool:
    return bool(
        re.search(r"\bshares (?:outstanding|used|issued)|weighted[- ]average", f"{row.section} {row.label}", re.I)
    )


def _under(row: Row) -> str:
    return f" under “{row.section}”" if row.section else ""
