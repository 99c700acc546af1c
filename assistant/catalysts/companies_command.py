"""`thesis companies`: which companies speak of a catalyst, with their sentences and figures; as text, JSON, CSV or XLSX."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, urlencode

from assistant.filters import parse_date, readers_of
from assistant.shown import printable
from assistant.wiring import Wiring
from vectorstore.errors import SettingsError, StoreError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.catalysts.companies import Company, Figure, Sentence, Table
    from assistant.export.tables import Cell
    from assistant.export.tables import Table as Sheet

DONE = 0
_QUOTE = 400  # characters of a sentence in a terminal


def add(command: Callable[..., Any]) -> None:
    """Add the parser."""
    parser = command("companies", "Show which companies speak of a catalyst, with cited sentences and figures.")
    parser.add_argument("--catalyst", required=True, metavar="ID", help="as `thesis board` lists it")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="net_debt_to_ebitda<=1.5, or a name such as little_debt",
    )
    parser.add_argument("--columns", metavar="FIGURE,…", help="which figures are shown")
    parser.add_argument("--sort", metavar="FIGURE", help="smallest first; -FIGURE for largest first")
    parser.add_argument("--size", metavar="SIZE", help="small, mid or large, as the documents' key size says")
    parser.add_argument("--watchlist", metavar="FILE", help="of the companies whose tickers stand in this CSV file")
    parser.add_argument("--as-of", metavar="DATE", help="nothing published, filed or observed after this day")
    parser.add_argument(
        "--within", action="append", metavar="COLLECTION[,…]", help="as a reader of these collections only"
    )
    parser.add_argument("--csv", metavar="FILE", help="also write the table to this file")
    parser.add_argument("--xlsx", metavar="FILE", help="also write the table and its sentences to this workbook")
    parser.add_argument("--links", metavar="ADDRESS", help="the address of the web chat, to which links of a file lead")


def run(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run `thesis companies`; returns the exit code."""
    from assistant.catalysts import companies, watchlist

    conditions = [companies.condition(text) for text in a.where]
    columns = [c.strip() for c in a.columns.split(",") if c.strip()] if a.columns else companies.COLUMNS
    files = [(wiring.at(name), suffix) for name, suffix in ((a.csv, ".csv"), (a.xlsx, ".xlsx")) if name]
    for path, suffix in files:
        _free(path, suffix)
    day = parse_date("as_of", a.as_of) if a.as_of else None
    listed = watchlist.load(wiring.at(a.watchlist)) if a.watchlist else None
    within = readers_of(a.within)
    with wiring.open_assistant(settings) as whole:
        assistant = whole if within is None else whole.within(within)
        if listed is not None and (note := watchlist.told(listed, assistant.store.sources())):
            print(note, file=wiring.err)
        face = assistant.catalysts
        face.update()
        tickers = listed.tickers if listed is not None else ()
        found, sources, pending = face.found(a.catalyst, as_of=day, tickers=tickers)

        def call(name: str, arguments: Mapping[str, Any]) -> Any:
            return assistant.tool(name, arguments, as_of=day)

        table = companies.table(
            a.catalyst, companies.spoken(found, sources), call, where=conditions, columns=columns, size=a.size or "", sort=a.sort or "",
            as_of=day, go_on=wiring.go_on,
        )  # fmt: skip
    if pending:
        print(f"{pending} documents are not read for the board yet.", file=wiring.err)
    for path, suffix in files:
        _write(path, in_form(table, suffix, (a.links or _address(settings)).rstrip("/")))
    if a.json:
        shown = table.to_json() | ({"files": [str(path) for path, _ in files]} if files else {})
        print(json.dumps(shown, ensure_ascii=False, allow_nan=False), file=out, flush=True)
    else:
        print(text(table), file=out)
        for path, _ in files:
            print(f"Written: {printable(str(path))}", file=out)
    return DONE


def _address(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}{settings.root_path}"


def _free(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise SettingsError(f"{path} does not end in {suffix}.", f"Name the file so that it ends in {suffix}.")
    if path.exists():
        raise StoreError(f"{path} exists already.", "Name a file that does not: nothing is overwritten.")


def _write(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as stream:
            stream.write(data)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.", "Name another place.") from error


def in_form(table: Table, suffix: str, address: str) -> bytes:
    """Return a table as a file. ``suffix``: ".csv" or ".xlsx"; ``address``: of a server, for links."""
    """Return a table as a file; ``suffix``: ".csv" or ".xlsx", ``address``: of a server, for links."""
    from assistant.export.tables import to_csv, to_xlsx

    sheets = sheets_of(table, address)
    return to_csv(sheets[0]) if suffix == ".csv" else to_xlsx(sheets)


def link(sentence: Sentence, address: str) -> str:
    """Return the address under which the web chat shows a sentence, highlighted."""
    span = urlencode({"version": sentence.source.version, "start": sentence.start, "end": sentence.end})
    return f"{address}/document/{quote(sentence.source.document_id)}?{span}"


def sheets_of(table: Table, address: str) -> list[Sheet]:
    """Return the table with a row a company, and one with a row a sentence; every cell with its source or the reason why it is empty."""
    from assistant.catalysts.companies import METRICS
    from assistant.export.tables import Cell
    from assistant.export.tables import Table as Sheet

    names = list(dict.fromkeys(name for c in table.companies for name in c.figures))
    labels = [f"{METRICS[name][2]} ({'%' if METRICS[name][1] == 'percent' else METRICS[name][1]})" for name in names]
    columns = (
        "company",
        "ticker",
        "documents",
        "for",
        "against",
        "newest sentence for",
        "newest sentence against",
        *labels,
    )
    rows = tuple(
        (
            Cell(c.name), Cell(c.ticker or None, note="" if c.ticker else "no document states a ticker"), Cell(c.documents), Cell(c.speak_for),
            Cell(c.speak_against), _first(c, "for", address), _first(c, "against", address), *(_cell(c.figures[n]) for n in names),
        )
        for c in table.companies
    )  # fmt: skip
    notes = (
        f"Catalyst: {table.catalyst}" + (f", as of {table.as_of}" if table.as_of else ""),
        *(f"Only companies with {c.rule}" for c in table.conditions),
        f"Order: {table.order}",
        *((f"{table.failed} companies do not meet the conditions.",) if table.conditions else ()),
        *(f"Cannot be told for {name}: {reason}" for name, reason in table.unknown),
        *table.notes,
    )
    said = tuple(
        (Cell(c.name), Cell(s.side), Cell(" ".join(s.quote.split()), link(s, address), _cited(s)), Cell(s.source.metadata.published), Cell(s.source.metadata.kind))
        for c in table.companies
        for s in c.sentences
    )  # fmt: skip
    return [
        Sheet(table.catalyst, columns, rows, notes),
        Sheet("Sentences", ("company", "side", "sentence", "published", "kind"), said),
    ]


def _first(company: Company, side: str, address: str) -> Cell:
    from assistant.export.tables import Cell

    one = next((s for s in company.sentences if s.side == side), None)
    if one is None:
        return Cell(None, note=f"no sentence {side} it")
    return Cell(" ".join(one.quote.split()), link(one, address), _cited(one))


def _cited(sentence: Sentence) -> str:
    meta = sentence.source.metadata
    page = f", page {sentence.page}" if sentence.page else ""
    return f"{meta.title or sentence.source.path}, {meta.published or 'undated'}{page}"


def _cell(figure: Figure) -> Cell:
    from assistant.export.tables import Cell

    if figure.value is None:
        return Cell(None, note=figure.reason)
    told = f"{figure.tool}, as of {figure.as_of}, {figure.source}" + (" (old)" if figure.stale else "")
    return Cell(figure.value, figure.source_url, f"{told}; {figure.formula}".rstrip("; "))


def text(table: Table) -> str:
    """Return the table for a terminal: a block a company."""
    from assistant.catalysts.companies import METRICS

    lines = [f"Only companies with {c.rule}." for c in table.conditions]
    lines += [f"Order: {table.order}.", ""]
    for company in table.companies:
        named = f"{company.name} ({company.ticker})" if company.ticker else company.name
        lines.append(
            f"{named}: {company.documents} documents, {company.speak_for} for, {company.speak_against} against"
        )
        for name, figure in company.figures.items():
            if figure.value is None:
                lines.append(f"  {METRICS[name][2]}: none. {figure.reason}")
            else:
                unit = "%" if figure.unit == "percent" else f" {figure.unit}"
                old = ", old" if figure.stale else ""
                lines.append(
                    f"  {METRICS[name][2]}: {figure.value:,.2f}{unit} ({figure.tool}, as of {figure.as_of}, {figure.source}{old})"
                )
        for sentence in company.sentences:
            shown = " ".join(sentence.quote.split())
            shown = shown if len(shown) <= _QUOTE else f"{shown[:_QUOTE]}…"
            lines.append(f"  {sentence.side}: “{shown}” ({_cited(sentence)})")
    lines.append("")
    lines += [f"Cannot be told for {name}: {reason}" for name, reason in table.unknown]
    if table.conditions:
        lines.append(f"{table.failed} companies do not meet the conditions.")
    lines += table.notes
    lines.append(f"{len(table.companies)} companies")
    return "\n".join(map(printable, lines))


__all__ = ["add", "in_form", "link", "run", "sheets_of", "text"]
