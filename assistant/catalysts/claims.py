"""What a quantitative claim is: an author's figure on a measure of somebody, with its date, window and citation. Frozen, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from vectorstore.names import fold
from vectorstore.records import sha256

Compare = Literal["is", "about", "at_least", "at_most", "between"]
Change = Literal["", "rose", "fell"]  # the figure is a change, not a level
ClaimKind = Literal["forecast", "guidance", "state"]
Outcome = Literal["open", "confirmed", "refuted", "changed", "untestable"]
Standing = Literal["current", "superseded", "replaced", "gone"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STANDINGS: tuple[Standing, ...] = get_args(Standing)
_COMPARED = {"is": "", "about": "about ", "at_least": "at least ", "at_most": "at most ", "between": ""}
_UNITS = {"%": "%", "pp": " percentage points", "bp": " basis points", "x": "x", "": ""}


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. ``start``/``end``/``quote``: its sentence in the document; ``figure_start``/``figure_end``: the figure in it.

    ``value`` is in base units (USD, not millions; 8.0 is 8%), None with ``low`` and ``high`` for a range. ``holder``: whose view
    it is where it is not the author's ("analysts", "market"). ``due``: the ISO day on which it is due, computed by ``rule`` from
    ``window``, the words that tell it. ``subject_tool``: the subject as tools take it, "" where they cannot.
    """

    claim_id: str
    document_id: str
    version: str
    start: int
    end: int
    quote: str
    figure_start: int
    figure_end: int
    figure: str
    subject: str
    scope: str
    subject_tool: str
    region: str
    measure: str
    measure_label: str
    compare: Compare
    change: Change
    value: float | None
    low: float | None
    high: float | None
    unit: str
    kind: ClaimKind
    holder: str
    window: str
    due: str | None
    rule: str
    author: str
    publisher: str
    published: str | None
    title: str
    document_kind: str
    company: str
    ticker: str
    collection: str
    path: str
    page: int | None = None

    @property
    def said(self) -> str:
        """The figure in words: "at least 15%", "6 to 8%", "a rise of about 10%"."""
        unit = _UNITS.get(self.unit, f" {self.unit}")
        if self.compare == "between" and self.low is not None and self.high is not None:
            figure = f"{_plain(self.low)} to {_plain(self.high)}{unit}"
        else:
            figure = f"{_COMPARED[self.compare]}{_plain(self.value or 0.0)}{unit}"
        return {"": "", "rose": "up by ", "fell": "down by "}[self.change] + figure

    @property
    def statement(self) -> str:
        """The claim in this program's words: "Russell 2000, return on assets: about 7% (2029)"."""
        when = f" ({self.window})" if self.window else ""
        return f"{self.subject}, {self.measure_label}: {self.said}{when}"

    @property
    def owner(self) -> str:
        """Who can supersede it: its publisher or company, and whose view it reports. For comparing."""
        return fold(f"{self.publisher or self.company or self.author}|{self.holder}")

    @property
    def topic(self) -> tuple[str, str, str, str, str]:
        """What two claims must share to be about the same thing: subject, measure, level or change, unit, due date (or "now")."""
        unit = "%" if self.unit in {"%", "pp", "bp"} else self.unit
        due = "now" if self.kind == "state" else self.due or ""
        return fold(self.subject), self.measure, "change" if self.change else "level", unit, due

    @property
    def span(self) -> tuple[float, float]:
        """The figures that the claim allows, both ends included; "about" and a plain figure have a tenth of room."""
        if self.compare == "between" and self.low is not None and self.high is not None:
            low, high = sorted((self.low, self.high))
        else:
            value = self.value or 0.0
            room = 0.1 * abs(value)
            low, high = {
                "at_least": (value, float("inf")),
                "at_most": (float("-inf"), value),
            }.get(self.compare, (value - room, value + room))
        return (-high, -low) if self.change == "fell" else (low, high)

    def to_json(self) -> dict[str, Any]:
        """Return the claim as the command line and the board show it; never infinite, never NaN."""
        return {
            "claim_id": self.claim_id, "statement": self.statement, "subject": self.subject, "measure": self.measure,
            "compare": self.compare, "change": self.change or None, "value": self.value, "low": self.low, "high": self.high,
            "unit": self.unit, "kind": self.kind, "holder": self.holder or None, "window": self.window or None, "due": self.due,
            "due_rule": self.rule or None, "author": self.author or None, "publisher": self.publisher or None,
            "published": self.published, "company": self.company or None, "ticker": self.ticker or None,
            "citation": {
                "document_id": self.document_id, "version": self.version, "start": self.start, "end": self.end, "quote": self.quote,
                "title": self.title, "kind": self.document_kind, "path": self.path, "page": self.page, "collection": self.collection,
                "figure_start": self.figure_start, "figure_end": self.figure_end,
            },
        }  # fmt: skip


def claim_id(document_id: str, version: str, start: int, end: int) -> str:
    """Return the identity of a claim: the place of its figure in one version of a document."""
    return sha256(f"{document_id}\0{version}\0{start}\0{end}".encode())[:24]


def _plain(value: float) -> str:
    if abs(value) >= 1e4:
        for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
            if abs(value) >= size:
                return f"{value / size:.4g} {name}"
    return f"{value:,.6g}" if abs(value) < 1e4 else f"{value:,.0f}"
