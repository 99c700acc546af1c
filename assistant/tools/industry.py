"""What kind of company a filing is of, as far as the filing itself says: a bank, an insurer, a REIT, none of these, or unknown.

A return on operating assets has no meaning for the first three (SIC 60-67). A filing in the base seldom gives its SIC code, so
the rows of its own statements decide: what only such a company reports, and what only another one does. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.statements.figures import held_statements
from assistant.statements.sections import Row
from vectorstore.records import Document

Kind = Literal["bank", "insurer", "REIT", "other", ""]
_HEADER = re.compile(r"standard industrial classification:?[^\[\n]{0,80}\[(?P<sic>\d{4})\]", re.I)
_COVER = re.compile(
    r"\b(?P<sic>\d{4})\b[^\n]{0,40}\n?[^\n]{0,80}\(primary standard industrial classification code", re.I
)
_FRONT = 8_000  # characters in which a header or a cover stands
# A company says it of itself: a tenant of one does not.
_REIT = re.compile(
    r"\b(?:we|the company|the trust|our company)\b[^.]{0,80}\b(?:elected|qualif\w+|operat\w+|organized)\b[^.]{0,80}\b(?:as|to be) (?:taxed as )?(?:a |an )?(?:\w+ )?(?:reit\b|real estate investment trust)",
    re.I,
)
_OWN_BANK = (
    re.compile(r"net interest income|interest and fees on loans|interest (?:and fees )?on loans|loans,? including fees"),
    re.compile(r"(?:total |interest[- ]bearing |non[- ]?interest[- ]bearing |customer |savings |time |demand )*deposits?$|(?:total )?deposits\b(?!.*(?:banks|brokers|assets|paid|refund))|(?:total |net )?loans\b.*"),
)  # fmt: skip
_PREMIUMS = re.compile(
    r"(?:total |net |insurance |direct )*premiums?(?: earned| revenues?| and .*)?$|(?:net )?earned premiums?"
)
_CLAIMS = re.compile(
    r"losses and loss|loss(?:es)? adjustment|policyholder|policy benefits|claims (?:and|incurred)|insurance losses"
)
_REVENUE = re.compile(
    r"(?:total )?(?:net )?(?:revenues?|sales)(?: and other.*)?$|total (?:net )?(?:operating )?revenues?.*|revenues?,? net.*"
)
_RENT = re.compile(
    r"(?:total )?(?:net )?(?:rental|rent|lease|leasing)(?: and (?:related|other|reimbursement).*)?(?: revenues?| income|s)?$|rental (?:revenues?|income)\b.*"
)
_ESTATE = re.compile(
    r"(?:total |net )*(?:investments? in )?(?:real estate|rental propert|investment propert|operating propert)"
)
_GOODS = re.compile(
    r"costs? of (?:goods|sales|revenues?|products?|services)\b.*|(?:total )?costs? and expenses applicable.*|gross (?:profit|margin).*|(?:total )?inventor(?:y|ies)\b.*|merchandise inventor.*|(?:net )?(?:property|utility),? plant.*|.*\butility plant.*"
    r"|research and development.*|research,? development.*|product development.*|technology and content.*"
)  # fmt: skip
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Industry:
    """``kind`` "" where it cannot be told; ``why``: the rows or words that decide; ``sic`` where the filing gives it."""

    kind: Kind
    why: str
    sic: int | None = None

    @property
    def financial(self) -> bool:
        return self.kind in {"bank", "insurer", "REIT"}


def industry(documents: Sequence[Document]) -> Industry:
    """Return what the documents of one company, newest first, say of its kind."""
    for document in documents:
        if (sic := _sic(document)) is not None:
            return Industry(_of_sic(sic), f"SIC {sic}", sic)
    for document in documents:
        statements = held_statements(document)
        income = [row for s in statements if s.kind == "income" and not s.minor for row in s.rows]
        balance = [row for s in statements if s.kind == "balance" and not s.minor for row in s.rows]
        found = _by_rows(income, balance, document)
        if found.kind:
            return found
    return Industry("", "its statements have no row that tells")


def _sic(document: Document) -> int | None:
    given = str(document.metadata.extra.get("sic", "")).strip()
    if given.isdigit():
        return int(given)
    front = document.text[:_FRONT]
    match = _HEADER.search(front) or _COVER.search(front)
    return int(match["sic"]) if match else None


def _of_sic(sic: int) -> Kind:
    if not 6000 <= sic < 6800:
        return "other"
    return "REIT" if sic in {6798, 6512, 6513, 6519} else "insurer" if 6300 <= sic < 6500 else "bank"


def _by_rows(income: Sequence[Row], balance: Sequence[Row], document: Document) -> Industry:
    lends, owes = _first(income, _OWN_BANK[0]), _first(balance, _OWN_BANK[1])
    if lends and owes:
        return Industry("bank", _quoted(lends, owes))
    premiums, claims = _first(income, _PREMIUMS), _first(income, _CLAIMS)
    if premiums and (claims or _share(premiums, income) > _HALF):
        return Industry("insurer", _quoted(premiums, claims))
    rent, estate = _first(income, _RENT), _first(balance, _ESTATE)
    said = _REIT.search(document.text)
    if estate and (said or (rent and _share(rent, income) > _HALF)):
        return Industry("REIT", f"{_quoted(rent, estate)}{', and it says that it is one' if said else ''}")
    makes = _first((*income, *balance), _GOODS)
    return Industry("other", _quoted(makes)) if makes else Industry("", "")


def _first(rows: Iterable[Row], pattern: re.Pattern[str]) -> Row | None:
    return next(_matching(rows, pattern), None)


def _matching(rows: Iterable[Row], pattern: re.Pattern[str]) -> Iterator[Row]:
    for row in rows:
        if pattern.match(" ".join(re.sub(r"\(.*?\)|[:.]", " ", row.label.lower()).split())) and row.cells:
            yield row


def _share(row: Row, income: Sequence[Row]) -> float:
    """Return a row's part of the largest row of revenue, in the newest column; 0 where there is none."""
    totals = [abs(r.value(0)) for r in _matching(income, _REVENUE) if r.complete]
    most = max(totals, default=0.0)
    return abs(row.value(0)) / most if most and row.complete else 0.0


def _quoted(*rows: Row | None) -> str:
    return " and ".join(f"“{' '.join(row.label.split())}”" for row in rows if row is not None)


__all__ = ["Industry", "industry"]
