"""The board as a memo: one catalyst or all, each claim with its footnote, figures, contradictions and plots; and as tables. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from assistant.catalysts.shapes import Board, CatalystBoard, Evidence, Reading
from assistant.catalysts.status import number
from assistant.export import tables
from assistant.export.blocks import (
    Block,
    Bullets,
    Heading,
    Line,
    Note,
    Paper,
    Paragraph,
    Part,
    Plot,
    Ref,
    Spans,
    Table,
    Words,
    words,
)
from assistant.export.tables import Cell
from assistant.export.text import day, file_name, one_line, stem

MOST = 8  # claims of a side in the memo of the whole board
MOST_ALONE = 40
_FEWEST_YEARS = 3  # below that a curve says nothing
_SIDES = (("for", "Speaks for it"), ("against", "Speaks against it"))
_HOLDS = {True: "holds", False: "does not hold", None: "no figure"}


def paper(board: Board, made: datetime | None = None) -> Paper:
    """Return the memo of a board; ``made``: when, which it then says."""
    alone = len(board.catalysts) == 1
    title = board.catalysts[0].name if alone else "The catalyst board"
    facts = [f"Made {day(made.date().isoformat())}, {made:%H:%M} {made.tzname() or 'UTC'}"] if made is not None else []
    facts.append(f"As of {day(board.as_of)}" if board.as_of else "With all that is known today")
    facts.append(f"{board.documents} document{'s' * (board.documents != 1)}")
    facts += board.warnings
    parts = [] if alone else [_overview(board)]
    parts += [_part(one, MOST_ALONE if alone else MOST, alone=alone) for one in board.catalysts]
    rules = tuple(words(f"{name.capitalize()}: {text}") for name, text in board.rules.items())
    parts.append(Part((Heading(words("How this was made"), 1), Bullets(rules))))
    return Paper(one_line(title), tuple(parts), tuple(facts), stem(title, "board"))


def _overview(board: Board) -> Part:
    head = tuple(words(name) for name in ("Catalyst", "Status", "For", "Against", "Superseded", "Documents"))
    rows = tuple(
        (
            words(one_line(one.name)),
            words(_status(one)),
            *(words(str(count)) for count in (one.counts.speak_for, one.counts.speak_against, one.counts.superseded)),
            words(str(one.counts.documents)),
        )
        for one in board.catalysts
    )
    blocks: list[Block] = [Heading(words("Overview"), 1), Table(rows, head, "Claims and status", numbers=(2, 3, 4, 5))]
    for side, name in _SIDES:
        bars = tuple(
            (one_line(one.name), float(sum(e.superseded is None for e in (one.for_ if side == "for" else one.against))))
            for one in board.catalysts
        )
        if any(value for _, value in bars):
            blocks.append(Plot(f"{name}: claims that stand", bars=bars))
    return Part(tuple(blocks))


def _status(one: CatalystBoard) -> str:
    return one.status.replace("_", " ")


def _part(one: CatalystBoard, most: int, *, alone: bool) -> Part:
    notes: dict[str, Note] = {}
    blocks: list[Block] = [
        Heading(words("What it says" if alone else one_line(one.name)), 1),
        Paragraph(words(one_line(one.statement))),
        Paragraph(words(one_line(f"Why it matters: {one.mechanism}"), "quiet")),
        Heading(words(f"Live data: {_status(one)}"), 2),
        Paragraph(words(one_line(one.rule)), "note"),
    ]
    if any(reading.value is not None for reading in one.metrics):
        blocks.append(_figures(one.metrics))
    reasons = dict.fromkeys(one_line(f"{r.reason} {r.what_to_do}") for r in one.metrics if r.value is None)
    if reasons:
        blocks.append(Bullets(tuple((Words(f"Without a figure: {reason}", "quiet"),) for reason in reasons)))
    for side, name in _SIDES:
        listed = one.for_ if side == "for" else one.against
        if listed:
            shown = sorted(listed, key=lambda e: e.superseded is not None)[:most]
            blocks += [Heading(words(f"{name} ({len(listed)})"), 2), Bullets(tuple(_claim(e, notes) for e in shown))]
            if len(listed) > len(shown):
                blocks.append(Paragraph(words(f"{len(listed) - len(shown)} more are on the board."), "note"))
    if not one.for_ and not one.against:
        blocks.append(Paragraph(words("No sentence of the base is surely for or against it."), "alert"))
    if one.contradictions:
        by_id = {e.evidence_id: e for e in (*one.for_, *one.against)}
        items = []
        for pair in one.contradictions:
            cited = [by_id[name] for name in (pair.for_id, pair.against_id) if name in by_id]
            items.append((*words(one_line(pair.why)), *(_noted(e, notes) for e in cited)))
        blocks += [Heading(words("Contradictions"), 2), Bullets(tuple(items))]
    if (plot := _by_year(one)) is not None:
        blocks.append(plot)
    return Part(tuple(blocks), tuple(notes.values()))


def _figures(read: Sequence[Reading]) -> Table:
    head = tuple(words(name) for name in ("Condition", "Side", "Figure", "As of", "Holds", "Source"))
    rows = tuple(
        (
            words(one_line(one.rule)),
            words(one.side),
            words(number(one.value, one.unit) if one.value is not None else "none"),
            words(f"{day(one.as_of)}{' (old)' if one.old else ''}" if one.as_of else ""),
            words(_HOLDS[one.holds]),
            words(one_line(one.source)),
        )
        for one in read
    )
    return Table(rows, head, "Conditions", numbers=(2,))


def _claim(one: Evidence, notes: dict[str, Note]) -> Spans:
    said = [one.author or "unnamed", day(one.published) or "undated", one.kind]
    marks = [f"said {len(one.also) + 1} times"] * bool(one.also) + ["new"] * one.new
    if one.superseded is not None:
        marks.append(f"superseded {day(one.superseded.published)}, then {one.superseded.side}")
    told = one_line(f" ({', '.join([*said, *marks])})")
    return (Words(f"“{one_line(one.quote)}”"), _noted(one, notes), Words(f" {told}", "quiet"))


def _noted(one: Evidence, notes: dict[str, Note]) -> Ref:
    where = (one.author or "", day(one.published) or "undated", f"p. {one.page}" if one.page else "")
    notes[one.evidence_id] = Note(
        key=one.evidence_id,
        title=one.title or file_name(one.path),
        detail=tuple(part for part in where if part),
        place=f"{one.path}, characters {one.start}-{one.end}",
        link=one.url,
    )
    return Ref(one.evidence_id)


def _by_year(one: CatalystBoard) -> Plot | None:
    counts = {
        side: Counter(int(e.published[:4]) for e in listed if e.published)
        for side, listed in (("for", one.for_), ("against", one.against))
    }
    years = sorted(set().union(*counts.values()))
    if len(years) < _FEWEST_YEARS:
        return None
    every = range(years[0], years[-1] + 1)
    lines = tuple(
        Line(side, tuple((float(year), float(found[year]), str(year)) for year in every))
        for side, found in counts.items()
    )
    return Plot("Claims by the year of their document", lines=lines)


def as_tables(board: Board, base: str = "") -> tuple[tables.Table, tables.Table]:
    """Return the claims and the figures as tables; ``base``: the address of the server, without which sources have no links."""
    claims = tuple(
        (
            *(Cell(one.id), Cell(one.name), Cell(side), Cell(e.quote, base + e.url if base else "", _source(e))),
            *(Cell(e.author), Cell(e.published), Cell(e.kind), Cell(e.authority), Cell(e.title), Cell(e.page)),
            *(Cell(e.company), Cell(e.ticker), Cell(e.score), Cell(len(e.also))),
            Cell(None if e.superseded is None else f"{e.superseded.published}, then {e.superseded.side}"),
        )
        for one in board.catalysts
        for side, listed in (("for", one.for_), ("against", one.against))
        for e in listed
    )
    figures = tuple(
        (
            *(Cell(one.id), Cell(_status(one)), Cell(r.side), Cell(r.rule)),
            Cell(r.value, r.source_url or "", r.source or f"{r.reason} {r.what_to_do}".strip()),
            *(
                Cell(r.unit),
                Cell(r.threshold),
                Cell(r.as_of),
                Cell(_HOLDS[r.holds]),
                Cell("old" if r.old else None),
                Cell(r.why),
            ),
        )
        for one in board.catalysts
        for r in one.metrics
    )
    notes = (f"As of {board.as_of or 'today'}; {board.documents} documents.", *board.warnings)
    return (
        tables.Table(
            "Claims",
            ("catalyst", "name", "side", "sentence", "author", "published", "kind", "authority", "title", "page", "company", "ticker",
             "score", "repeats", "superseded"),
            claims,
            notes,
        ),
        tables.Table(
            "Figures",
            ("catalyst", "status", "side", "condition", "value", "unit", "threshold", "as of", "holds", "age", "why"),
            figures,
            tuple(f"{one.id}: {one.rule}" for one in board.catalysts),
        ),
    )  # fmt: skip


def _source(one: Evidence) -> str:
    page = f", page {one.page}" if one.page else ""
    return f"{one.title or file_name(one.path)}{page}, characters {one.start}-{one.end}"


__all__ = ["as_tables", "paper"]
