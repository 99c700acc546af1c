"""Finding and reading the primary statements of a filing. Pure.

A statement is recognised by its title and by rows that only it has; its columns come from the header lines between
the two, its unit from the unit line there ("in millions, except per share data").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.statements.header import Column, Unit, columns, unit
from assistant.statements.rows import Line, lines, parse, plain
from assistant.statements.sections import RUN_ON, Row, grand, parts
from vectorstore.records import Document

Kind = Literal["income", "balance", "cash"]
KINDS: tuple[Kind, ...] = ("income", "balance", "cash")

_CASH = r"(?:statements? of (?:consolidated )?cash[- ]flows?|cash[- ]flows? statements?)"
_BALANCE = r"(?:balance sheets?|consolidated financial position|statements? of (?:consolidated )?(?:financial )?(?:position|condition))"
_INCOME = (
    r"(?:statements? of (?:consolidated )?(?:net )?(?:income|operations|earnings|profit|loss)|statements? of (?:total )?comprehensive (?:income|loss|earnings)"
    r"|(?:income|earnings|profit (?:and|&|or) loss) statements?|profit (?:and|&|or) loss accounts?|results of consolidated operations|consolidated results of operations)"
)
_TITLE = re.compile(rf"\b(?:(?P<cash>{_CASH})|(?P<balance>{_BALANCE})|(?P<income>{_INCOME}))\b", re.I)
_STOP = re.compile(
    r"^(?:(?:condensed |the )?(?:accompanying )?(?:consolidated )?(?:the )?(?:see |refer to )?(?:accompanying )?notes? (?:are an?|to (?:the )?(?:condensed |unaudited )?(?:consolidated |interim )*financial statements)"
    r"|the accompanying|see (?:the )?(?:accompanying )?notes|report of independent|notes to (?:the )?)|"
    r"\bstatements? of (?:consolidated )?(?:changes in )?(?:[\w’'/]+ ){0,3}(?:equity|deficit|capital|comprehensive)\b",
    re.I,
)
# Statements that are not the whole group's.
_MINOR = re.compile(
    r"\b(?:parent(?: company)?(?:[- ]only)?|registrant only|schedule i|guarantors?|subsidiary issuer|pro[- ]forma|unconsolidated|"
    r"condensed financial information of|condensed consolidating|consolidating|discontinued|selected|summar\w+|segments?|non-?gaap|adjusted|common[- ]size|"
    r"average|statement data|sheets? data|(?:variable interest|equity)[- ]method investees?)\b",
    re.I,
)
_SENTENCE = re.compile(
    r"[.;,]$|\b(?:is|are|was|were|has|have|which|that|our|we|following|see|refer|should|included|reflected|recorded|presented)\b"
)
_CONTENTS = re.compile(r"(?:\D|^)(?:[FS]-?)?\d{1,3}(?:\s?[-–]\s?\d{1,3})?$|\.{3,}|…")

_ANCHORS: dict[Kind, tuple[re.Pattern[str], ...]] = {
    "income": tuple(
        re.compile(p)
        for p in (
            r"(?:total )?(?:net )?(?:operating )?(?:revenues?|sales|net sales|turnover)\b.*",
            r"(?:total )?costs? of .*|gross (?:profit|margin).*",
            r"(?:total )?(?:operating|noninterest|other|administrative|general and administrative) (?:expenses?|costs?)\b.*|general and administrative.*|selling .*",
            r"(?:operating|net operating) (?:income|profit|loss|earnings).*|(?:income|loss|profit|earnings) from operations",
            r".*before .*tax.*|.*income tax.*|.*taxation.*",
            r"(?:consolidated )?net (?:income|loss|earnings|profit).*|(?:profit|loss) for the (?:year|period).*",
            r"basic\b.*|diluted\b.*|.*per (?:common |ordinary )?share.*|weighted.*",
        )
    ),
    "balance": tuple(
        re.compile(p)
        for p in (
            r"total assets",
            r"total current assets|cash .*",
            r"total current liabilities|(?:trade |accounts )+payable.*|deposits.*",
            r"total liabilities(?: and .*)?|total equity and liabilities|net assets",
            r"total .*(?:equity|deficit)|retained earnings|accumulated deficit",
        )
    ),
    "cash": tuple(
        re.compile(p)
        for p in (
            r"(?:net )?cash .*\boperat\w+.*",
            r"(?:net )?cash .*\binvest\w+.*",
            r"(?:net )?cash .*\bfinanc\w+.*",
            r".*(?:end|beginning) of (?:the )?(?:year|period).*",
            r"depreciation.*",
            r"net (?:income|loss|earnings|profit).*|(?:profit|loss) .*",
        )
    ),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One primary statement of one document. ``header`` is the span of its title, unit and column lines."""

    document: Document
    kind: Kind
    start: int
    end: int
    title: str
    columns: tuple[Column, ...]
    unit: Unit | None
    rows: tuple[Row, ...]
    header: tuple[int, int]
    minor: bool
    anchors: int

    @property
    def page(self) -> int | None:
        return self.document.page_at(self.start)


def _titles(text: str) -> list[tuple[int, int, Kind | None, str]]:
    """Return (start, end, kind, line) of the lines that read as titles; kind None where another table begins."""
    found: list[tuple[int, int, Kind | None, str]] = []
    for match in re.finditer(rf"{_TITLE.pattern}|{_STOP.pattern}", text, re.I | re.M):
        start = max(text.rfind("\n", 0, match.start()), text.rfind("\f", 0, match.start())) + 1
        end = min(
            (i for i in (text.find("\n", match.start()), text.find("\f", match.start())) if i >= 0), default=len(text)
        )
        line = text[start:end].strip()
        if (found and found[-1][0] == start) or len(line) > 150 or len(line.split()) > 18:
            continue
        if _STOP.search(line) and not re.search(rf"{_INCOME} (?:and|&) (?:other )?comprehensive", line, re.I):
            only = re.search(r"statements? of (?:consolidated )?(?:total )?comprehensive", line, re.I)
            found.append(
                (start, end, "income" if only and not re.search(r"equity|deficit", line, re.I) else None, line)
            )
            continue
        kind: Kind | None = next((k for k in KINDS if match.groupdict().get(k)), None)
        first = next((c for c in line if c.isalpha()), "a")
        dated = re.search(
            r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.? \d{1,2},?$", line, re.I
        )
        if kind is None or _SENTENCE.search(line) or (_CONTENTS.search(line) and not dated) or first.islower():
            continue
        found.append((start, end, kind, line))
    return found


def statements(document: Document) -> list[Statement]:
    """Return the statements found, those of the whole group and with the most telling rows first."""
    text = document.text
    titles = _titles(text)
    found: list[Statement] = []
    for index, (start, end, kind, line) in enumerate(titles):
        if kind is None:
            continue
        stop = titles[index + 1][0] if index + 1 < len(titles) else len(text)
        stop = min(stop, start + 14_000)
        one = _read(document, kind, start, end, stop, line)
        if one is not None:
            found.append(one)
    merged = _merge(found)
    order = sorted(
        merged, key=lambda s: (s.minor, not s.columns, s.unit is None or not s.unit.stated, -s.anchors, s.start)
    )
    return [s for s in order if s.anchors >= 3]


def primary(found: Sequence[Statement]) -> list[Statement]:
    """Return the statements of the whole group that can be told apart from the tables that quote them."""
    out: list[Statement] = []
    for kind in KINDS:
        whole = [s for s in found if s.kind == kind and s.columns and not s.minor]
        stated = [s for s in whole if s.unit is not None and s.unit.stated] or whole
        most = max((s.anchors for s in stated), default=0)
        out += [s for s in stated if s.anchors >= most - 1]
    return out


def _merge(found: Sequence[Statement]) -> list[Statement]:
    """Join a statement with the pages that continue it."""
    out: list[Statement] = []
    for one in found:
        last = out[-1] if out else None
        follows = (
            last is not None
            and last.kind == one.kind
            and len(last.columns) == len(one.columns)
            and [c.year for c in last.columns] == [c.year for c in one.columns]
            and 0 <= one.start - last.end < 4_000
            and not {r.plain for r in last.rows} & {r.plain for r in one.rows if len(r.plain) > 24}
        )
        if follows and last is not None:
            joined = (*last.rows, *one.rows)
            out[-1] = replace(
                last,
                end=one.end,
                rows=parts(joined) if one.kind == "cash" else joined,
                anchors=_anchors(one.kind, joined),
            )
        else:
            out.append(one)
    return out


def _anchors(kind: Kind, rows: Sequence[Row]) -> int:
    return sum(any(p.fullmatch(row.plain) for row in rows) for p in _ANCHORS[kind])


_GRAND = re.compile(r"total (?:liabilities\b.*\b(?:equity|deficit|capital|investment)|equity and liabilities).*")
_RUN = re.compile(r"(?:\b(?:19|20)\d\d[\s|]+){2,}(?=[A-Z])")


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a line behind the column years where the first row was run on to them."""
    match = _RUN.search(text, start, end)
    return [(start, match.end()), (match.end(), end)] if match else [(start, end)]


def _read(document: Document, kind: Kind, start: int, title_end: int, stop: int, title: str) -> Statement | None:
    text = document.text
    spans = [part for a, b in lines(text, title_end, stop) for part in _cut(text, a, b)]
    first = None
    for index, (a, b) in enumerate(spans[:30]):
        line = _last(text, a, b)
        if len(line.cells) >= 1 and not line.years_only and _is_row(line, text):
            first = index
            break
    if first is None:
        return None
    # The heading of the first rows is no column header.
    while first and _HEADING.fullmatch(text[slice(*spans[first - 1])]):
        first -= 1
    body: list[Line] = []
    counts: Counter[int] = Counter()
    for a, b in spans[first : first + 160]:
        one = _last(text, a, b)
        if one.cells and one.label and not one.years_only:
            counts[len(one.cells)] += 1
    if sum(counts.values()) < 4:
        return None
    width = counts.most_common(1)[0][0]
    head_start = start
    header_end = spans[first - 1][1] if first else title_end
    head = text[head_start:header_end]
    cols = columns(head, width, counts)
    n = len(cols) or width
    ended = stop
    for a, b in spans[first:]:
        raw = text[a:b]
        if body and _STOP.search(raw) and len(raw) < 200:
            ended = a
            break
        body += parse(text, a, b, n)
    # The last rows of the table before it do not speak of this one.
    before = "\n".join(
        line for line in text[max(0, start - 160) : start].splitlines() if not re.search(r"\d,\d{3}|\d\.\d", line)
    )
    rows = _rows(text, body, n, noted=bool(re.search(r"\bnotes?\b", head, re.I)))
    if kind == "cash":
        rows = parts(rows)
    elif kind == "balance":
        # What follows the grand total (a note on variable interest entities) is another table.
        last = next((i for i, r in enumerate(rows) if _GRAND.fullmatch(r.plain)), len(rows))
        rows = rows[: last + 1]
        rows = grand(rows)
    rows = tuple(r for r in rows if r.label)
    if not rows:
        return None
    return Statement(
        document, kind, start, min(ended, rows[-1].end), title, cols, unit(head, text[start:ended]), rows,
        (head_start, header_end), bool(_MINOR.search(before + " " + head)) or "results of" in title.lower(), _anchors(kind, rows),
    )  # fmt: skip


_HEADING = re.compile(
    r"(?:[A-Za-z][A-Za-z ,&’'/-]*:|(?:total )?(?:net )?(?:revenues?|sales)|(?:current )?assets|.* activities)\s*", re.I
)


def _last(text: str, start: int, end: int) -> Line:
    """Return the last row of a printed line; one without label and values for a line of separators."""
    found = parse(text, start, end)
    return found[-1] if found else Line(start, end, "", ())


def _is_row(line: Line, text: str) -> bool:
    """Whether a line with values is a row of figures, not a header with a date or "Note 5"."""
    if any(cell.year for cell in line.cells) and re.search(
        r"(?:ended|december|january|february|march|april|may|june|july|august|september|october|november|as of|fiscal|years?)[ ,\d]*(?:and|,)?$|^\(?in (?:thousands|millions)",
        line.label, re.I,
    ):  # fmt: skip
        return False
    if not line.label or re.search(r"\bpage$|(?:19|20)\d\d form$|^form\b", line.label, re.I):
        return False
    if re.fullmatch(r"(?:.*\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?)", line.label, re.I):
        return False
    return not (len(line.cells) == 1 and line.cells[0].text.isdigit() and abs(line.cells[0].value) < 1000)


_OPEN = re.compile(r"(?:[,;/–—-]|\b(?:and|or|of|at|in|for|to|from|the|by|with|net|less|on|shares|other))$", re.I)


def _continues(previous: str, label: str) -> bool:
    """Whether a line without values is the beginning of the next row's label, not a heading."""
    if previous.endswith(":"):
        return False
    return (
        label[:1].islower()
        or bool(re.match(r"[$(\d]", label))
        or bool(_OPEN.search(previous))
        or previous.count("(") > previous.count(")")
    )


def _rows(text: str, body: Sequence[Line], n: int, *, noted: bool) -> tuple[Row, ...]:
    out: list[Row] = []
    pending: Line | None = None
    section = ""
    since: list[Row] = []  # rows since the last heading, for a total that has no label
    for printed in body:
        line = printed
        if n > 1 and len(line.cells) == 1 and line.cells[0].text == "-" and line.label:
            line = Line(line.start, line.end, f"{line.label} -", ())  # a hyphen that the label goes on behind
        if line.years_only or (line.cells and line.cells[-1].year and len(line.cells) < n):
            continue
        if not line.cells:
            if pending is not None and _continues(pending.label, line.label):
                pending = Line(pending.start, line.end, f"{pending.label} {line.label}", ())
            else:
                if pending is not None:
                    section, since = pending.label.rstrip(":"), []
                pending = line
            continue
        start, label = line.start, line.label
        if pending is not None:
            if label and _continues(pending.label, label):
                start, label = pending.start, f"{pending.label} {label}"
            elif not label and not pending.label.endswith(":") and len(line.cells) == n:
                start, label = pending.start, pending.label
            else:
                section, since = pending.label.rstrip(":"), []
            pending = None
        cells = list(line.cells)
        extra = len(cells) - n
        if (
            extra == 1
            and not noted
            and re.fullmatch(r"\(\d\)", cells[-1].text)
            and min(abs(c.value) for c in cells[:-1]) > 9
        ):
            cells = cells[:-1]
        elif extra > 0:
            between = text[cells[0].start : cells[extra - 1].end]
            # The number of a note is no part of the label.
            label = label if noted and re.fullmatch(r"\d{1,2}", between) else f"{label} {between}".strip()
            cells = cells[extra:]
        note = noted and len(cells) == n > 1 and re.fullmatch(r"\d{1,2}", cells[0].text) and abs(cells[1].value) >= 100
        complete = len(cells) == n and not note
        if not label and complete and since:
            total = all(abs(sum(r.value(i) for r in since if r.complete) - cells[i].value) < 1.01 for i in range(n))
            label = f"Total {section[:1].lower()}{section[1:]}" if total and section else ""
        if not label:
            since = []
            if complete:
                out.append(Row(start, line.end, "", "", tuple(cells), section))
            continue
        heading = RUN_ON.match(label)
        if heading:
            section, since, label = heading[1].rstrip(": "), [], label[heading.end() :]
        row = Row(start, line.end, label, plain(label), tuple(cells), section, "", complete)
        out.append(row)
        since.append(row)
        if re.match(r"total\b", row.plain):
            since = []
    return tuple(out)
