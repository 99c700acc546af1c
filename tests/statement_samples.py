"""Invented filings in several layouts of financial statements."""

from __future__ import annotations

from vectorstore.records import Document, Kind, Metadata, Page, sha256

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


# A company with losses: a deficit, preferred stock between liabilities and equity, revenue under a name of its own.
LOSSES = """\
VANTA THERAPEUTICS, INC.
Consolidated Balance Sheets
(In thousands, except share and par value amounts)
December 31,
2022 2021
Assets
Current assets
Cash and cash equivalents $ 41,220 $ 63,815
Marketable securities, short-term 12,010 8,005
Prepaid expenses and other current assets 2,114 1,890
Total current assets 55,344 73,710
Property and equipment, net 1,905 2,250
Operating lease right-of-use assets 3,310 —
Other assets 250 250
Total assets $ 60,809 $ 76,210
Liabilities, convertible preferred stock and stockholders’ deficit
Current liabilities
Accounts payable $ 3,102 $ 2,870
Accrued expenses and other current liabilities 6,540 5,115
Operating lease liabilities, current 810 —
Total current liabilities 10,452 7,985
Notes payable, net of current portion 15,000 —
Operating lease liabilities, net of current portion 2,700 —
Total liabilities 28,152 7,985
Commitments and contingencies (Note 8)
Series A convertible preferred stock, $0.001 par value; 1,000,000 shares authorized 90,000 90,000
Stockholders’ deficit
Common stock, $0.001 par value; 100,000,000 shares authorized; 20,115,004 and 19,870,443 shares issued 20 20
Additional paid-in capital 50,410 47,230
Accumulated other comprehensive loss (73) (25)
Accumulated deficit (107,700) (69,000)
Total stockholders’ deficit (57,343) (21,775)
Total liabilities, convertible preferred stock and stockholders’ deficit $ 60,809 $ 76,210
The accompanying notes are an integral part of these consolidated financial statements.
F-3
\f
VANTA THERAPEUTICS, INC.
Consolidated Statements of Operations and Comprehensive Loss
(In thousands, except share and per share data)
Year Ended December 31,
2022 2021
Collaboration revenue $ 4,110 $ 2,500
Operating expenses
Research and development 29,480 21,904
General and administrative 11,870 9,133
Total operating expenses 41,350 31,037
Loss from operations (37,240) (28,537)
Other income (expense)
Interest expense (1,620) —
Interest income 160 31
Total other income (expense), net (1,460) 31
Net loss $ (38,700) $ (28,506)
Other comprehensive loss
Unrealized loss on marketable securities (48) (25)
Comprehensive loss $ (38,748) $ (28,531)
Net loss per share, basic and diluted $ (1.94) $ (1.46)
Weighted-average common shares outstanding, basic and diluted 19,990,120 19,520,310
The accompanying notes are an integral part of these consolidated financial statements.
F-4
\f
VANTA THERAPEUTICS, INC.
Consolidated Statements of Cash Flows
(In thousands)
Year Ended December 31,
2022 2021
Cash flows from operating activities
Net loss $ (38,700) $ (28,506)
Adjustments to reconcile net loss to net cash used in operating activities:
Depreciation and amortization 520 480
Stock-based compensation 3,050 2,760
Changes in operating assets and liabilities:
Prepaid expenses and other current assets (224) (310)
Accounts payable 232 115
Accrued expenses 1,425 905
Net cash used in operating activities (33,697) (24,556)
Cash flows from investing activities
Purchases of marketable securities (12,053) (8,030)
Maturities of marketable securities 8,000 —
Purchases of property and equipment (175) (640)
Net cash used in investing activities (4,228) (8,670)
Cash flows from financing activities
Proceeds from notes payable 15,000 —
Proceeds from exercise of stock options 330 410
Net cash provided by financing activities 15,330 410
Net decrease in cash, cash equivalents and restricted cash (22,595) (32,816)
Cash, cash equivalents and restricted cash at beginning of year 63,815 96,631
Cash, cash equivalents and restricted cash at end of year $ 41,220 $ 63,815
The accompanying notes are an integral part of these consolidated financial statements.
"""

# Oldest year first, capitals, sides of the balance sheet without a label, no total of investing activities.
OLDEST = """\
BRINDLE FOODS CORP. AND SUBSIDIARIES
CONSOLIDATED STATEMENTS OF OPERATIONS
FOR THE FISCAL YEARS ENDED SEPTEMBER 24, 2020, SEPTEMBER 30, 2021 AND SEPTEMBER 29, 2022
(In thousands, except per share amounts)
2020 2021 2022
NET SALES $ 88,120 $ 91,400 $ 99,870
COST OF SALES 61,003 64,110 71,240
GROSS PROFIT 27,117 27,290 28,630
SELLING, GENERAL AND ADMINISTRATIVE EXPENSES 20,400 21,010 22,008
INCOME FROM OPERATIONS 6,717 6,280 6,622
INTEREST EXPENSE, NET 610 540 505
INCOME BEFORE INCOME TAXES 6,107 5,740 6,117
INCOME TAX PROVISION 1,527 1,378 1,529
NET INCOME $ 4,580 $ 4,362 $ 4,588
NET INCOME PER COMMON SHARE:
BASIC $ .92 $ .87 $ .91
DILUTED $ .90 $ .86 $ .90
CASH DIVIDENDS DECLARED PER SHARE $ .20 $ .22 $ .24
See notes to consolidated financial statements.
\f
BRINDLE FOODS CORP. AND SUBSIDIARIES
CONSOLIDATED BALANCE SHEETS
SEPTEMBER 30, 2021 AND SEPTEMBER 29, 2022
(In thousands, except share data)
2021 2022
ASSETS
CURRENT ASSETS:
Cash and cash equivalents $ 5,110 $ 4,020
Accounts receivable, less allowance for doubtful accounts of $210 and $260 9,104 10,230
Inventories 12,470 15,015
Prepaid expenses and other 940 1,035
Total current assets 27,624 30,300
PROPERTY, PLANT AND EQUIPMENT:
Land 1,000 1,000
Buildings and improvements 14,200 14,900
Machinery and equipment 40,110 43,005
55,310 58,905
Less accumulated depreciation (30,005) (33,100)
Property, plant and equipment, net 25,305 25,805
OTHER ASSETS 1,071 995
$ 54,000 $ 57,100
LIABILITIES AND SHAREHOLDERS' EQUITY
CURRENT LIABILITIES:
Current maturities of long-term debt $ 1,200 $ 1,200
Accounts payable 7,310 8,015
Accrued expenses 3,090 3,285
Total current liabilities 11,600 12,500
LONG-TERM DEBT, less current maturities 10,800 9,600
DEFERRED INCOME TAXES 1,600 1,700
SHAREHOLDERS' EQUITY:
Common stock, par value $.10 500 505
Paid-in capital 8,500 8,707
Retained earnings 21,000 24,088
Total shareholders' equity 30,000 33,300
$ 54,000 $ 57,100
See notes to consolidated financial statements.
\f
BRINDLE FOODS CORP. AND SUBSIDIARIES
CONSOLIDATED STATEMENTS OF CASH FLOWS
(In thousands)
Fiscal Year Ended
September 24,
2020
September 30,
2021
September 29,
2022
CASH FLOWS FROM OPERATING ACTIVITIES:
Net income $ 4,580 $ 4,362 $ 4,588
Depreciation 3,010 3,105 3,200
Changes in working capital 200 (900) (3,000)
Net cash provided by operating activities 7,790 6,567 4,788
CASH FLOWS FROM INVESTING ACTIVITIES:
Capital expenditures (3,100) (3,950) (3,700)
CASH FLOWS FROM FINANCING ACTIVITIES:
Payments on long-term debt (1,200) (1,200) (1,200)
Dividends paid (1,000) (1,100) (1,200)
Stock options exercised 150 300 222
Net cash used for financing activities (2,050) (2,000) (2,178)
NET INCREASE (DECREASE) IN CASH 2,640 617 (1,090)
CASH AND CASH EQUIVALENTS, BEGINNING OF YEAR 1,853 4,493 5,110
CASH AND CASH EQUIVALENTS, END OF YEAR $ 4,493 $ 5,110 $ 4,020
See notes to consolidated financial statements.
"""

# Three and nine months, headings on lines of their own, rows that say little without their heading.
NINE = """\
Pell Grove Holdings Inc.
Condensed Consolidated Statements of Operations
(Unaudited)
(in thousands, except per share data)
Three Months Ended
September 30,
Nine Months Ended
September 30,
2023 2022 2023 2022
Revenues:
Product $ 10,500 $ 9,800 $ 30,100 $ 28,000
Service 4,500 4,200 13,100 12,100
Total revenues 15,000 14,000 43,200 40,100
Cost of revenues:
Product 6,000 5,700 17,300 16,200
Service 2,000 1,900 5,800 5,500
Total cost of revenues 8,000 7,600 23,100 21,700
Gross profit 7,000 6,400 20,100 18,400
Operating expenses:
Research and development 2,500 2,300 7,400 6,800
Sales and marketing 3,000 2,900 8,900 8,600
General and administrative 1,900 1,700 5,500 5,000
Total operating expenses 7,400 6,900 21,800 20,400
Operating loss (400) (500) (1,700) (2,000)
Interest expense (100) (120) (310) (350)
Loss before income taxes (500) (620) (2,010) (2,350)
Income tax benefit 50 60 200 230
Net loss $ (450) $ (560) $ (1,810) $ (2,120)
Net loss per share – basic and diluted $ (0.05) $ (0.06) $ (0.18) $ (0.21)
See accompanying notes to unaudited condensed consolidated financial statements.
\f
Pell Grove Holdings Inc.
Condensed Consolidated Balance Sheets
(in thousands)
September 30, 2023
(Unaudited) December 31, 2022
ASSETS
Cash and cash equivalents $ 8,000 $ 9,500
Accounts receivable, net 7,200 6,900
Total current assets 16,900 17,800
Total assets $ 40,000 $ 42,000
LIABILITIES AND STOCKHOLDERS' EQUITY
Accounts payable $ 3,000 $ 3,300
Deferred revenue, current 4,100 3,900
Total current liabilities 9,800 9,900
Total liabilities 20,000 20,300
Total stockholders' equity 20,000 21,700
Total liabilities and stockholders' equity $ 40,000 $ 42,000
See accompanying notes to unaudited condensed consolidated financial statements.
"""


def filing(
    text: str,
    *,
    company: str = "Harbor Tools, Inc.",
    period: str = "FY2021",
    form: str = "10-K",
    published: str = "2022-02-20",
    period_end: str | None = None,
    kind: Kind = "filing",
) -> Document:
    """Return a stored document with a page for each form feed."""
    pages, start = [], 0
    for number, part in enumerate(text.split("\f"), start=1):
        pages.append(Page(number, start, start + len(part) + 1))
        start += len(part) + 1
    return Document(
        document_id=sha256(f"{company}{period}{form}{kind}".encode())[:24],
        version=sha256(text.encode()),
        path=f"/filings/{company}-{period}.pdf",
        collection="default",
        text=text,
        metadata=Metadata(
            company=company, form=form, fiscal_period=period, kind=kind, published=published, period_end=period_end
        ),
        pages=tuple(pages),
    )
