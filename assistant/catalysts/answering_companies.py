"""The answer to "which companies speak of …, and have …": a table in which each cell is cited or plainly empty."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.catalysts import companies as rows
from assistant.catalysts.answering import READING_S, Telling
from assistant.catalysts.asking import BoardQuestion
from assistant.evidence import fold
from assistant.live_text import cell
from assistant.models import ToolResult

MOST = 8  # companies of an answer; `thesis companies` lists all
_WITHOUT = ("net_debt_to_ebitda", "interest_cover")  # the figures where no condition is asked


def companies(question: BoardQuestion, telling: Telling) -> tuple[str, ...]:
    """Write the answer; return its warnings. Raises StoreError."""
    catalyst = question.catalyst
    assert catalyst is not None
    telling.face.update(seconds=READING_S)
    found, sources, _ = telling.face.found(catalyst.id, as_of=telling.as_of)
    spoken = rows.spoken(found, sources)
    chosen = [one for one in spoken if not question.size or one.size in ("", question.size)]
    where = [rows.condition(name) for name in question.where]
    columns = tuple(dict.fromkeys(c.metric for c in where)) or _WITHOUT
    asked: dict[tuple[str, str], ToolResult] = {}

    def call(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        key = (name, json.dumps(arguments, sort_keys=True))
        if key not in asked:
            asked[key] = telling.face.call(telling.as_of)(name, arguments)
        return asked[key]

    table = rows.table(catalyst.id, chosen, call, where=where, columns=columns, as_of=telling.as_of)
    rule = f" ({' and '.join(c.rule for c in where)})" if where else ""
    by_name = {one.name: one for one in chosen}
    untold = [rows.measured(by_name[name], columns, call) for name, _ in table.unknown[:MOST]]
    if table.companies:
        telling.paragraph(f"**Companies that speak of “{catalyst.name}”**{rule}\n")
        _table(table.companies[:MOST], columns, asked, telling)
    elif spoken:
        telling.paragraph(f"No company that speaks of “{catalyst.name}” is known to meet this{rule}.")
    else:
        telling.paragraph(f"No company of the base speaks of “{catalyst.name}”.")
    if untold:
        telling.paragraph(f"**Companies that speak of it, for which this cannot be told** ({len(table.unknown)})\n")
        _table(untold, columns, asked, telling)
    if reasons := _reasons([*table.companies[:MOST], *untold]):
        telling.paragraph("Empty cells: " + " ".join(reasons))
    return (*table.notes, *_warnings(question, chosen, table))


def _warnings(question: BoardQuestion, chosen: Sequence[rows.Company], table: rows.Table) -> list[str]:
    out = []
    unsized = sum(not one.size for one in chosen)
    if question.size and unsized:
        companies = f"Of {unsized} of the companies" if unsized < len(chosen) else "Of the companies"
        out.append(
            f"{companies} no document tells the size, so they are not left out (`thesis ingest --meta size={question.size}`)."
        )
    if table.failed:
        out.append(f"{table.failed} more speak of it and do not meet this.")
    left = max(0, len(table.companies) - MOST) + max(0, len(table.unknown) - MOST)
    if left:
        out.append(f"{left} more are not shown: thesis companies --catalyst {table.catalyst}")
    return out


def _table(
    shown: Sequence[rows.Company],
    columns: Sequence[str],
    asked: Mapping[tuple[str, str], ToolResult],
    telling: Telling,
) -> None:
    writer = telling.writer
    heads = ["Company", "What its documents say", *(rows.METRICS[name][2] for name in columns)]
    writer.write(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for one in shown:
        writer.write(f"\n| {_plain(one.name)}{f' ({_plain(one.ticker)})' if one.ticker else ''} | ")
        # A bar would end the cell; the sentence is then one of the others.
        sentence = next((s for s in one.sentences if "|" not in s.quote), None)
        if sentence is None:
            writer.write("–")
        else:
            writer.write(f"{sentence.side}: ")
            telling.sentence(sentence.source.document_id, sentence.source.version, sentence.start, sentence.end)
        for name in columns:
            writer.write(" | ")
            _cell(one, name, asked, telling)
        writer.write(" |")


def _cell(one: rows.Company, name: str, asked: Mapping[tuple[str, str], ToolResult], telling: Telling) -> None:
    held = one.figures.get(name)
    if held is None or held.value is None:
        telling.writer.write("–")
        return
    key = next(k for k in asked if k == (held.tool, json.dumps(rows.arguments(one, held.tool), sort_keys=True)))
    metric = next(m for m in asked[key].metrics if m.name == name and m.value is not None)
    marker = telling.mark(key, asked[key]).marker
    text, numbers = cell(metric, marker, stale=held.stale)
    telling.writer.claim(text, [], tools=(marker,), checked=numbers, reason="read from the tool")


def _reasons(shown: Sequence[rows.Company]) -> list[str]:
    """Return why cells are empty: each reason once, with those it holds for."""
    held: dict[str, list[str]] = {}
    for one in shown:
        for figure in one.figures.values():
            if figure.value is None and figure.reason:
                held.setdefault(figure.reason, []).append(one.name)
    return [
        reason if len(held) == 1 else f"{_plain(', '.join(dict.fromkeys(names)))}: {reason}"
        for reason, names in held.items()
    ]


def _plain(text: str) -> str:
    """A name in a cell: one line, without a bar."""
    return fold(text).replace("|", "/")


__all__ = ["MOST", "companies"]
