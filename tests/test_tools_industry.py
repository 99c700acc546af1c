"""What kind of company a filing is of, from its own words and rows; invented statements of each kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest
from statement_samples import HARBOR, filing
from test_tools_company import Base
from tool_server import context

from assistant.models import Metric, ToolResult
from assistant.tools.industry import industry
from assistant.tools.registry import call

BANK = """\
TIDE BANCORP, INC.
CONSOLIDATED BALANCE SHEETS
(In thousands, except share data)
December 31,
2021 2020
Assets
Cash and due from banks $ 40,000 $ 30,000
Securities available for sale 110,000 100,000
Loans, net of allowance for credit losses of $9,000 and $8,000 700,000 650,000
Premises and equipment, net 50,000 50,000
Other assets 100,000 70,000
Total assets $ 1,000,000 $ 900,000
Liabilities
Deposits:
Noninterest-bearing $ 200,000 $ 180,000
Interest-bearing 600,000 550,000
Total deposits 800,000 730,000
Long-term debt 80,000 60,000
Other liabilities 20,000 20,000
Total liabilities 900,000 810,000
Stockholders' equity
Common stock, $0.01 par value 500 500
Retained earnings 99,500 89,500
Total stockholders' equity 100,000 90,000
Total liabilities and stockholders' equity $ 1,000,000 $ 900,000
\f
TIDE BANCORP, INC.
CONSOLIDATED STATEMENTS OF INCOME
(In thousands, except per share data)
Year Ended December 31,
2021 2020 2019
Interest income:
Interest and fees on loans $ 50,000 $ 48,000 $ 45,000
Interest on securities 5,000 4,000 4,000
Total interest income 55,000 52,000 49,000
Interest expense on deposits 10,000 12,000 14,000
Net interest income 45,000 40,000 35,000
Provision for credit losses 2,000 5,000 1,000
Noninterest income 12,000 11,000 10,000
Noninterest expense 35,000 33,000 31,000
Income before income taxes 20,000 13,000 13,000
Income tax expense 5,000 3,000 3,000
Net income $ 15,000 $ 10,000 $ 10,000
Diluted earnings per share $ 1.50 $ 1.00 $ 1.00
Weighted average diluted shares outstanding 10,000 10,000 10,000
"""
INSURER = """\
CREST MUTUAL HOLDINGS
CONSOLIDATED STATEMENTS OF INCOME
(In millions)
Year Ended December 31,
2021 2020 2019
Revenues:
Net premiums earned $ 900 $ 850 $ 800
Net investment income 100 90 80
Total revenues 1,000 940 880
Expenses:
Losses and loss adjustment expenses 650 620 600
Underwriting expenses 200 190 180
Total expenses 850 810 780
Income before income taxes 150 130 100
Income tax expense 30 26 20
Net income $ 120 $ 104 $ 80
"""
HEALTH = INSURER.replace("Net premiums earned", "Premiums").replace(
    "Losses and loss adjustment expenses", "Medical costs"
)
PHARMACY = """\
CEDAR HEALTH STORES
CONSOLIDATED STATEMENTS OF OPERATIONS
(In millions)
Year Ended December 31,
2021 2020 2019
Revenues:
Products $ 700 $ 650 $ 600
Premiums 250 240 220
Services 50 50 60
Total revenues 1,000 940 880
Operating costs:
Cost of products sold 600 560 520
Health care costs 200 190 180
Operating expenses 100 90 80
Operating income 100 100 100
Interest expense 10 10 10
Income before income tax provision 90 90 90
Income tax provision 20 20 20
Net income $ 70 $ 70 $ 70
"""
REIT = """\
QUAY PROPERTIES TRUST
CONSOLIDATED BALANCE SHEETS
(In thousands)
December 31,
2021 2020
Assets
Real estate investments, at cost $ 900,000 $ 800,000
Less accumulated depreciation (100,000) (80,000)
Net real estate 800,000 720,000
Cash and cash equivalents 20,000 30,000
Other assets 30,000 20,000
Total assets $ 850,000 $ 770,000
Liabilities and equity
Mortgage notes payable $ 400,000 $ 380,000
Accounts payable 10,000 10,000
Total liabilities 410,000 390,000
Total equity 440,000 380,000
Total liabilities and equity $ 850,000 $ 770,000
\f
QUAY PROPERTIES TRUST
CONSOLIDATED STATEMENTS OF OPERATIONS
(In thousands)
Year Ended December 31,
2021 2020 2019
Revenues:
Rental revenue $ 95,000 $ 90,000 $ 85,000
Other income 5,000 4,000 3,000
Total revenues 100,000 94,000 88,000
Property operating expenses 30,000 28,000 27,000
Depreciation and amortization 20,000 19,000 18,000
General and administrative 10,000 9,000 9,000
Total expenses 60,000 56,000 54,000
Interest expense 15,000 14,000 13,000
Net income $ 25,000 $ 24,000 $ 21,000
"""
FERRIES = """\
FERN FERRIES LTD
CONSOLIDATED STATEMENTS OF OPERATIONS
(In thousands)
Year Ended December 31,
2021 2020 2019
Fares $ 95,000 $ 90,000 $ 85,000
Harbour dues 20,000 19,000 18,000
Wages 50,000 48,000 46,000
Operating income 25,000 23,000 21,000
Interest expense 5,000 5,000 5,000
Income before income taxes 20,000 18,000 16,000
Income taxes 5,000 4,000 4,000
Net income $ 15,000 $ 14,000 $ 12,000
"""


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        (BANK, "bank", "“Interest and fees on loans” and “Loans, net of allowance"),
        (INSURER, "insurer", "“Net premiums earned” and “Losses and loss adjustment expenses”"),
        (HEALTH, "insurer", "“Premiums”"),
        (PHARMACY, "other", "“Cost of products sold”"),
        (REIT, "REIT", "“Rental revenue” and “Real estate investments, at cost”"),
        (HARBOR, "other", "“Cost of goods sold”"),
        (HARBOR.replace("Accrued liabilities 15,000 14,000", "Customer deposits 15,000 14,000"), "other", "“Cost of goods sold”"),
        (HARBOR + "\fSome of our landlords qualified to be taxed as real estate investment trusts.", "other", "“Cost of goods sold”"),
        (FERRIES, "", "no row that tells"),
        ("Nothing here.", "", "no row that tells"),
    ],
    ids=["bank", "insurer", "health insurer", "pharmacy", "reit", "tools", "customer deposits", "tenant", "ferries", "none"],
)  # fmt: skip
def test_the_rows_of_the_statements_tell(text: str, kind: str, why: str) -> None:
    found = industry([filing(text)])
    assert found.kind == kind
    assert why in found.why
    assert found.financial == (kind in {"bank", "insurer", "REIT"})


@pytest.mark.parametrize(
    ("sic", "kind"), [("6021", "bank"), ("6331", "insurer"), ("6798", "REIT"), ("3420", "other"), ("6211", "bank")]
)
def test_a_code_that_the_filing_gives_goes_before_its_rows(sic: str, kind: str) -> None:
    header = f"COMPANY CONFORMED NAME: HARBOR TOOLS INC\nSTANDARD INDUSTRIAL CLASSIFICATION: SOME TRADE [{sic}]\n"
    assert industry([filing(header + HARBOR)]) == industry([filing(header)])
    assert (industry([filing(header)]).kind, industry([filing(header)]).sic) == (kind, int(sic))
    cover = f"Delaware {sic} 12-3456789\n(State) (Primary Standard Industrial Classification Code Number) (Employer)\n"
    assert industry([filing(cover + HARBOR)]).sic == int(sic)
    made = filing(HARBOR)
    given = replace(made, metadata=replace(made.metadata, extra=MappingProxyType({"sic": sic})))
    assert industry([given]).kind == kind


def find(result: ToolResult, name: str) -> Metric:
    return next(m for m in result.metrics if m.name == name)


def ask(folder: Path, text: str, company: str) -> ToolResult:
    made = filing(text, company=company, period_end="2021-12-31")
    ran = context(folder, documents=Base(made), today=date(2022, 6, 30))
    return call("embedded_expectations", {"ticker": company, "price": 15.0}, ran)


def test_a_bank_of_the_base_gets_a_return_on_equity_and_says_why(tmp_path: Path) -> None:
    result = ask(tmp_path, BANK, "Tide Bancorp, Inc.")
    now = find(result, "roe_now")
    # 15 million over 100 million of equity
    assert now.value == pytest.approx(15.0)
    assert not any(m.name.startswith(("implied_roa", "roa")) for m in result.metrics)
    assert result.arguments["industry"].startswith("bank: “Interest and fees on loans”")
    assert any("is a bank by its own statements" in w for w in result.warnings)


def test_a_company_that_makes_things_says_what_tells(tmp_path: Path) -> None:
    result = ask(tmp_path, HARBOR, "Harbor Tools, Inc.")
    assert result.arguments["industry"] == "no bank, insurer or REIT: “Cost of goods sold”"
    assert not any("cannot be told" in w for w in result.warnings)


def test_what_cannot_be_told_is_said_with_what_it_means(tmp_path: Path) -> None:
    result = ask(tmp_path, FERRIES, "Fern Ferries Ltd")
    assert result.arguments["industry"] == "unknown"
    said = [*result.warnings, result.error.message if result.error else ""]
    assert any("is a bank, an insurer or a REIT cannot be told" in w and "no meaning" in w for w in said)
