"""Invented filings in several layouts of financial statements."""

from __future__ import annotations

from vectorstore.records import Document, Metadata, Page, sha256

# Years on a line of their own, thousands, a wrapped label, rows run together behind a dash, a title of contents.
HARBOR = """\
HARBOR TOOLS, INC.
INDEX TO FINANCIAL STATEMENTS
Consolidated Balance Sheets 3
Consolidated Statements of Operations 4
\f
HARBOR TOOLS, INC.
CONSOLIDATED BALANCE SHEETS
(In thousands, except share and per share data)
December 31,
2021 2020
Assets
Current assets:
Cash and cash equivalents $ 40,000 $ 30,000
Short-term investments 10,000 —
Accounts receivable, net of allowance of $120 and $95 25,000 20,000
Inventories 35,000 25,000
Other current assets 5,000 5,000
Total current assets 115,000 80,000
Property and equipment, net of accumulated depreciation of
$41,200 and $38,900 60,000 50,000
Goodwill 25,000 20,000
Total assets $ 200,000 $ 150,000
Liabilities and stockholders’ equity
Current liabilities:
Accounts payable $ 20,000 $ 16,000
Accrued liabilities 15,000 14,000
Current portion of long-term debt 5,000 —
Total current liabilities 40,000 30,000
Long-term debt 60,000 50,000
Total liabilities 100,000 80,000
Commitments and contingencies (Note 9)
Stockholders’ equity:
Common stock, $0.01 par value; 100,000,000 shares authorized; 51,200,300 and 50,100,200 shares issued 500 500
Retained earnings 99,500 69,500
Total stockholders’ equity 100,000 70,000
Total liabilities and stockholders’ equity $ 200,000 $ 150,000
See accompanying notes to consolidated financial statements.
3
\f
HARBOR TOOLS, INC.
CONSOLIDATED STATEMENTS OF OPERATIONS
(In thousands, except share and per share data)
Year Ended December 31,
2021 2020 2019
Revenue:
Hand tools $ 200,000 $ 150,000 $ 120,000
Rental revenue 40,000 30,000 20,000
Total revenue 240,000 180,000 140,000
Cost of goods sold 150,000 117,000 98,000
Gross profit 90,000 63,000 42,000
Selling, general and administrative 42,000 36,000 30,000
Impairment of goodwill — 3,000 — Gain on sale of warehouse — — (1,000)
Operating income 48,000 24,000 13,000
Interest expense (4,000) (3,000) (2,000)
Income before income taxes 44,000 21,000 11,000
Provision for income taxes (11,000) (4,200) (2,750)
Net income $ 33,000 $ 16,800 $ 8,250
Net income per share:
Basic $ 0.66 $ 0.34 $ 0.17
Diluted $ 0.65 $ 0.33 $ 0.16
Weighted-average shares outstanding:
Basic 50,000,000 49,900,000 49,800,000
Diluted 50,900,000 50,700,000 50,600,000
See accompanying notes to consolidated financial statements.
4
\f
HARBOR TOOLS, INC.
CONSOLIDATED STATEMENTS OF CASH FLOWS
(In thousands)
Year Ended December 31,
2021 2020 2019
Cash flows from operating activities:
Net income $ 33,000 $ 16,800 $ 8,250
Depreciation and amortization 12,000 10,000 9,000
Inventories (10,000) (4,000) (2,000)
Accounts payable 4,000 1,000 500
Net cash provided by operating activities 39,000 23,800 15,750
Cash flows from investing activities:
Purchases of property and equipment (22,000) (12,000) (11,000)
Proceeds from sale of warehouse — — 3,000
(Continued on following page)
5
\f
HARBOR TOOLS, INC.
CONSOLIDATED STATEMENTS OF CASH FLOWS (continued)
(In thousands)
Year Ended December 31,
2021 2020 2019
Net cash used in investing activities (22,000) (12,000) (8,000)
Cash flows from financing activities:
Dividends paid (3,000) (2,500) —
Net cash used in financing activities (7,000) (6,000) (1,000)
Net increase in cash 10,000 5,800 6,750
Cash and cash equivalents, beginning of year 30,000 24,200 17,450
Cash and cash equivalents, end of year $ 40,000 $ 30,000 $ 24,200
Supplemental: capital expenditures accrued but unpaid 900 700 400
See accompanying notes to consolidated financial statements.
6
\f
Schedule I - Condensed Financial Information of Parent Company Only
BALANCE SHEETS
(In thousands)
December 31,
2021 2020
Cash and cash equivalents $ 1,000 $ 900
Total current assets 1,500 1,200
Total assets 101,500 71,200
Accounts payable 500 400
Total current liabilities 1,500 1,200
Total liabilities 1,500 1,200
Total stockholders’ equity 100,000 70,000
Total liabilities and stockholders’ equity 101,500 71,200
"""

# A year later: receivables of 2021 restated; millions; column years in the unit line.
HARBOR_NEXT = """\
HARBOR TOOLS, INC.
CONSOLIDATED BALANCE SHEETS
December 31,
(In millions) 2022 2021
Cash and cash equivalents $ 44 $ 40
Accounts receivable, net 31 24
Inventories 36 35
Total current assets 121 114
Property and equipment, net 63 60
Total assets $ 184 $ 174
Accounts payable $ 21 $ 20
Total current liabilities 42 40
Long-term debt 55 60
Total liabilities 97 100
Total stockholders’ equity 87 74
Total liabilities and stockholders’ equity $ 184 $ 174
See accompanying notes.
"""

# A retailer: the year ends early in the next calendar year, oldest column first, dates stacked.
RETAILER = """\
Consolidated Statements of Earnings
$ in millions, except per share amounts
Fiscal Years Ended
January 30,
2021
January 29,
2022
January 28,
2023
Net sales $ 900 $ 1,000 $ 1,100
Cost of sales 600 650 770
Gross margin 300 350 330
Selling, general and administrative expenses 200 210 220
Operating income 100 140 110
Interest expense 10 10 10
Earnings before income taxes 90 130 100
Income taxes 20 30 25
Net earnings $ 70 $ 100 $ 75
Diluted earnings per share $ 0.70 $ 1.00 $ 0.75
See accompanying notes.
"""

# A quarter: four columns for three and six months; a balance sheet with stacked dates.
QUARTER = """\
Condensed Consolidated Statements of Income (unaudited)
Three months ended June 30, Six months ended June 30,
(in millions, except per share data) 2022 2021 2022 2021
Net revenues $ 300 $ 280 $ 590 $ 540
Cost of revenues 180 170 355 330
Operating income 60 55 117 104
Income before income taxes 58 53 113 100
Income tax expense 13 12 25 22
Net income $ 45 $ 41 $ 88 $ 78
Diluted $ 0.45 $ 0.41 $ 0.88 $ 0.78
See notes to condensed consolidated financial statements.
\f
Condensed Consolidated Balance Sheets (unaudited)
(in millions)
June 30,
2022
December 31,
2021
Cash and cash equivalents $ 70 $ 65
Total current assets 170 160
Total assets $ 500 $ 480
Accounts payable $ 40 $ 38
Total current liabilities 90 85
Total liabilities 250 240
Total stockholders’ equity 250 240
Total liabilities and stockholders’ equity $ 500 $ 480
\f
Condensed Consolidated Statements of Cash Flows (unaudited)
(in millions)
Six months ended June 30, 2022 2021
Net income $ 88 $ 78
Depreciation and amortization 20 18
Net cash provided by operating activities 95 90
Capital expenditures (30) (25)
Net cash used in investing activities (30) (25)
Net cash used in financing activities (60) (50)
Cash and cash equivalents at end of period $ 70 $ 60
"""

# An annual report with a note column, pounds in thousands.
REPORT = """\
Consolidated income statement
for the year ended 31 March 2021
Note 2021 2020
£'000 £'000
Revenue 3 12,500 11,000
Cost of sales 4 (8,000) (7,150)
Gross profit 4,500 3,850
Administrative expenses 5 (2,500) (2,350)
Operating profit 2,000 1,500
Finance costs 7 (200) (250)
Profit before taxation 1,800 1,250
Taxation 8 (360) (250)
Profit for the year 1,440 1,000
Basic earnings per share 9 14.4p 10.0p

Consolidated statement of financial position
as at 31 March 2021
Note 2021 2020
£'000 £'000
Property, plant and equipment 10 4,200 4,100
Inventories 11 1,100 1,300
Trade and other receivables 12 2,000 1,900
Cash and cash equivalents 13 900 700
Total assets 8,200 8,000
Trade and other payables 14 1,400 1,500
Total liabilities 3,000 3,600
Net assets 5,200 4,400
Retained earnings 5,000 4,200
Total equity 5,200 4,400
"""

# Cells of HTML tables; whole dollars, with no unit line anywhere.
TINY = """\
PINE GROVE SYSTEMS CORP

BALANCE SHEETS

 | December 31, 2021 | December 31, 2020
Cash | $ 152,310 | $ 98,400
Accounts receivable, net | 48,200 | 51,900
Total current assets | 200,510 | 150,300
Total assets | $ 310,510 | $ 280,300
Accounts payable | $ 61,000 | $ 72,500
Total current liabilities | 91,000 | 102,500
Total liabilities | 91,000 | 102,500
Accumulated deficit | (1,480,490) | (1,522,200)
Total stockholders' equity | 219,510 | 177,800
Total liabilities and stockholders' equity | $ 310,510 | $ 280,300
"""

# What cannot be read: a row with a blank cell, two rows of one name, no column years.
UNSURE = """\
CONSOLIDATED STATEMENTS OF CASH FLOWS
(In millions)
Years Ended December 31,
2021 2020 2019
Net income $ 50 $ 40 $ 30
Depreciation 20 18 17
Amortization, impairment and other 5 4 3
Net cash provided by operating activities 70 60 50
Capital expenditures (15) (10)
Net cash used in investing activities (15) (10) (9)
Net cash used in financing activities (20) (20) (20)
Cash at end of year $ 90 $ 55 $ 25

CONSOLIDATED BALANCE SHEETS
(In millions)
Cash and cash equivalents $ 90 $ 55
Total current assets 120 80
Total assets $ 300 $ 260
Accounts payable $ 20 $ 15
Total current liabilities 40 35
Total liabilities 100 95
Total stockholders’ equity 200 165
Total liabilities and stockholders’ equity $ 300 $ 260
"""


def filing(
    text: str,
    *,
    company: str = "Harbor Tools, Inc.",
    period: str = "FY2021",
    form: str = "10-K",
    published: str = "2022-02-20",
) -> Document:
    """Return a stored document with a page for each form feed."""
    pages, start = [], 0
    for number, part in enumerate(text.split("\f"), start=1):
        pages.append(Page(number, start, start + len(part) + 1))
        start += len(part) + 1
    return Document(
        document_id=sha256(f"{company}{period}{form}".encode())[:24],
        version=sha256(text.encode()),
        path=f"/filings/{company}-{period}.pdf",
        collection="default",
        text=text,
        metadata=Metadata(company=company, form=form, fiscal_period=period, kind="filing", published=published),
        pages=tuple(pages),
    )
