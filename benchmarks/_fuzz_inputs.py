"""Inputs of the fuzz run: small valid samples of each format, damaged at random, and text made of the words of a grammar.

Everything follows from a seed and a number, so that a process that dies can be asked the same again.
"""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable

MAX_BYTES = 48 * 1024  # of one input; what is small must be read fast

_COVER = """UNITED STATES
SECURITIES AND EXCHANGE COMMISSION
Washington, D.C. 20549
FORM 10-Q
For the quarterly period ended September 30, 2022
Commission file number 1-12345
NORTHBANK PUMPS INC
(Exact name of registrant as specified in its charter)

Item 1. Financial Statements
Consolidated Balance Sheets
Inventories 1,204 1,180
Total assets $ 45,210 $ 44,187
Item 2. Management's Discussion
Order intake rose by 12 percent. We expect the backlog to turn into revenue within two years.
Pursuant to the requirements of the Act the registrant has duly caused this report to be signed.
Date: November 3, 2022
"""
_CALL = """Northbank Pumps Inc (NYSE: NBP) Q3 2022 Earnings Conference Call Transcript
October 27, 2022
Operator: Welcome to the Northbank Pumps third quarter conference call.
Jane Miller -- Chief Executive: Thank you. Orders rose by 12 percent.
Operator: The first question comes from the line of A. Smith.
Jane Miller -- Chief Executive: Margins were 31.5%.
Operator: Thank you.
"""
_RELEASE = """FOR IMMEDIATE RELEASE
Northbank Pumps Reports Third Quarter Results
DAYTON, Ohio, October 27, 2022 /Newswire/ -- Northbank Pumps Inc. (NYSE: NBP) today announced results for the third quarter.
Net sales were $45.2 million, up 12%.
Forward-looking statements: actual results may differ materially. The company undertakes no obligation to update.
Contact: Ann Lee, +1 212-555-0100, ir@example.com
"""
_NOTE = """---
title: Why gauges matter
author: [Ann Lee, Bob Ray]
date: 2024-05-03
kind: note
tags: {a: 1, b: [2, 3]}
---
# Why gauges matter
By Ann Lee, CFA | May 3, 2024

Freight rates rose *12 percent* over the [spring](https://example.com/a?b=c) quarter. Order books filled up.

- backlog of $77 million
- margins (31.5%)

## Risks
| item | 2023 | 2022 |
|---|---|---|
| debt | 1,200 | (300) |

```
code # no heading
```
Not investment advice. All rights reserved. © 2024 Lee Research LLC.
"""
_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Pumps &amp; gauges - Lee Research</title>
<meta property="og:site_name" content="Lee Research"><meta name="author" content="Ann Lee">
<script type="application/ld+json">{"@type": "Article", "headline": "Pumps", "datePublished": "2024-05-03", "author": [{"name": "Ann Lee"}]}</script>
</head><body><nav><a href="/">Home</a></nav><h1>Pumps &amp; gauges</h1><p>By Ann Lee</p><p style="display:none">unseen</p>
<p>Orders rose by <b>12&nbsp;percent</b>.<br>Margins held.</p><table><caption>Sales</caption><tr><th>Item</th><th colspan="2">2023</th></tr>
<tr><td>Sales</td><td>$</td><td rowspan="2">1,204</td></tr></table><ul><li>one<ol><li>two</ol></ul><pre> a
  b</pre><ix:nonNumeric name="dei:DocumentType">10-K</ix:nonNumeric><footer>© 2024 Lee Research</footer></body></html>
"""
_SUBMISSION = """<SEC-DOCUMENT>0000-22.txt
ACCESSION NUMBER: 0000012345-22-000001
CONFORMED SUBMISSION TYPE: 8-K
COMPANY CONFORMED NAME: NORTHBANK PUMPS INC
FILED AS OF DATE: 20221103
<DOCUMENT>
<TYPE>8-K
<SEQUENCE>1
<FILENAME>a.htm
<TEXT>
<html><body><p>Item 2.02 Results of Operations</p></body></html>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-99.1
<TEXT>
Net sales were $45.2 million.
</TEXT>
</DOCUMENT>
"""
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_OPC = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD: dict[str, str] = {
    "[Content_Types].xml": f'<Types xmlns="{_OPC}/content-types"><Default Extension="rels" ContentType="application/vnd.'
    'openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.'
    'openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OPC}/relationships"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
    'Target="word/document.xml"/></Relationships>',
    "word/_rels/document.xml.rels": f'<Relationships xmlns="{_OPC}/relationships"><Relationship Id="r1" Type="{_OFFICE}/styles" '
    'Target="styles.xml"/></Relationships>',
    "word/styles.xml": f'<w:styles {_W}><w:style w:type="paragraph" w:default="1" w:styleId="N"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/><w:basedOn w:val="N"/></w:style></w:styles>',
    "word/document.xml": f'<w:document {_W}><w:body><w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>Pumps</w:t></w:r></w:p>'
    "<w:p><w:r><w:t>Orders rose by 12 percent.</w:t><w:br/><w:tab/><w:t>Margins held.</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:tcPr>"
    '<w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>Sales</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge w:val="restart"/>'
    "</w:tcPr><w:p><w:r><w:t>2023</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>1,204</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    "<w:sectPr/></w:body></w:document>",
}
_DRAWN = b"BT /F1 12 Tf 72 700 Td (Orders rose by 12 percent.) Tj 0 -14 Td (Sales) Tj 200 0 Td (1,204) Tj 60 0 Td (1,180) Tj ET"


def _split(words: str) -> list[str]:
    return words.split()


_WORDS = (
    *_split("a the of and . , ; : ! ? ( ) [ ] { } < > | / \\ # ## * ** _ ` ``` ~~~ - -- — = === + $ % & ' \" ’ “ • … © ®"),
    *_split("0 1 12 1,204 (300) 31.5% $77 2020 2022-10-27 10/27/2022 3.5.2024 October 27, May Q3 4Q FY2022 fiscal year ended quarter"),
    *_split("ITEM 1A. Item 7 PART II NOTE 3 Inc. Corp LLC NYSE: (NYSE: NBP) U.S. e.g. No. Mr. A.B. i.e. CFA /s/ 10-K FORM Exhibit 99.1"),
    *_split("Operator: By Sincerely, contents ..... page cookies advice copyright forward-looking statements http://a.b www. a@b.c"),
    *_split("&amp; &#x41; &#0; <p> </p> <div> <table> <tr> <td> </td> <br> <!-- --> <b> <li> <ul> <pre> <DOCUMENT> <TEXT> <a href= > hidden"),
    "\n", "\n", "\n\n", "\n\n\n", "\t", "\f", "\r\n", "\r", " ", "   ", "\u00a0", "\u200b", "\u2028", "\u202e", "\u0301", "\u0085", "\x00", "\x1b[2J",
    "\ufeff", "\ufffe", "\ue000", "\U0001f600", "\u05d0", "\u4e2d\u6587\u3002", "\u212a", "\u0130", "\ufb01", "---\n", "key: value\n", "&a *a", "!!x", "\\ud800", "\\u001b[2J", "\\0",
)  # fmt: skip


def _pdf(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _pdf_objects(drawn: bytes, packed: bool) -> list[bytes]:
    data = zlib.compress(drawn) if packed else drawn
    form = b"/Filter /FlateDecode " if packed else b""
    return [
        b"<< /Type /Catalog /Pages 2 0 R /Outlines 7 0 R /PageLabels << /Nums [0 << /S /r >> 1 << /S /D /P (A-) >>] >> >>",
        b"<< /Type /Pages /Kids [4 0 R 4 0 R] /Count 2 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        b"<< %s/Length %d >>\nstream\n" % (form, len(data)) + data + b"\nendstream",
        b"<< /Title (Pumps) /Author (Ann Lee) /CreationDate (D:20240503) >>",
        b"<< /Type /Outlines /First 8 0 R /Last 8 0 R /Count 1 >>",
        b"<< /Title (Orders) /Parent 7 0 R /Dest [4 0 R /Fit] >>",
    ]


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def damaged(data: bytes, chance: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """Return ``data`` after one to six random edits: flips, cuts, doubles, splices, words, numbers."""
    work = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if not work:
            break
        at = chance.randrange(len(work))
        span = at + chance.choice((1, 2, 4, 16, 64, 512))
        match chance.randrange(9):
            case 0:
                work[at] ^= 1 << chance.randrange(8)
            case 1:
                work[at] = chance.choice(b"\x00\xff\x80 <>()[]{}/\\\n\r\"'&;%*|-0129")
            case 2:
                del work[at:span]
            case 3:
                del work[at:]
            case 4:
                work[at:at] = work[at:span] * chance.choice((1, 2, 30, 400))
            case 5:
                work[at:span] = chance.randbytes(chance.choice((1, 4, 40)))
            case 6:
                work[at:at] = chance.choice(_WORDS).encode() * chance.choice((1, 1, 3, 200))
            case 7 if others:
                other = chance.choice(others)
                begin = chance.randrange(len(other)) if other else 0
                work[at:span] = other[begin : begin + chance.choice((8, 80, 800))]
            case _:
                digits = [i for i in range(at, min(len(work), at + 400)) if 48 <= work[i] < 58]
                if digits:
                    number = chance.choice(
                        (b"-1", b"0", b"2147483647", b"4294967296", b"99999999999999999999", b"1e308", b"0.0001")
                    )
                    work[digits[0] : digits[0] + 1] = number
        del work[MAX_BYTES:]
    return bytes(work)


_TEXTS = tuple(sample.encode() for sample in (_COVER, _CALL, _RELEASE, _NOTE, _PAGE, _SUBMISSION))


def _text(chance: random.Random) -> tuple[str, bytes]:
    name = chance.choice(("a.txt", "a.txt", "a.md", "a.html", "a", "a.pdf"))
    return name, damaged(chance.choice((_TEXTS[0], _TEXTS[1], _TEXTS[2])), chance, _TEXTS)


def _markdown(chance: random.Random) -> tuple[str, bytes]:
    return "a.md", damaged(_TEXTS[3], chance, _TEXTS)


def _html(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice(("a.html", "a.htm", "a.txt")), damaged(chance.choice(_TEXTS[4:]), chance, _TEXTS)


def _encoded(chance: random.Random) -> tuple[str, bytes]:
    text = chance.choice((_NOTE, _PAGE, _RELEASE)).replace(
        "utf-8", chance.choice(("utf-16", "utf-7", "shift_jis", "cp1252", "idna"))
    )
    form = chance.choice(
        ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252", "utf-7", "shift_jis", "cp037")
    )
    data = text.encode(form, "replace")
    return chance.choice(("a.txt", "a.md", "a.html")), damaged(data, chance) if chance.random() < 0.7 else data


def grammar(chance: random.Random) -> str:
    """Return up to 400 words of the grammar, with runs of the same."""
    words: list[str] = []
    for _ in range(chance.choice((1, 5, 40, 150, 400))):
        word = chance.choice(_WORDS)
        words.append(word * chance.choice((1, 1, 1, 1, 1, 1, 2, 50)) + chance.choice((" ", " ", " ", "", "\n")))
    return "".join(words)[:MAX_BYTES]


def _grammar(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice(("a.txt", "a.md", "a.html")), grammar(chance).encode()


def _pdf_input(chance: random.Random) -> tuple[str, bytes]:
    objects = _pdf_objects(_DRAWN, chance.random() < 0.5)
    choice = chance.randrange(3)
    if choice == 0:
        return "a.pdf", damaged(_pdf(objects), chance)
    if choice == 1:
        return "a.pdf", _pdf(_pdf_objects(damaged(_DRAWN, chance), chance.random() < 0.5))
    at = chance.randrange(len(objects))
    objects[at] = damaged(objects[at], chance, tuple(objects))
    return "a.pdf", _pdf(objects)


def _docx(chance: random.Random) -> tuple[str, bytes]:
    parts = {name: text.encode() for name, text in _WORD.items()}
    if chance.random() < 0.3:
        return "a.docx", damaged(_zipped(parts), chance)
    name = chance.choice((*parts, *("word/document.xml",) * 4))
    parts[name] = damaged(parts[name], chance, tuple(parts.values()))
    return "a.docx", _zipped(parts)


MAKERS: dict[str, Callable[[random.Random], tuple[str, bytes]]] = {
    "text": _text,
    "markdown": _markdown,
    "html": _html,
    "encodings": _encoded,
    "grammar": _grammar,
    "pdf": _pdf_input,
    "docx": _docx,
}


def make(seed: int, number: int) -> tuple[str, str, bytes]:
    """Return (kind, file name, bytes) of the input ``number`` of the run ``seed``."""
    chance = random.Random(f"{seed}/{number}")
    kind = list(MAKERS)[number % len(MAKERS)]
    name, data = MAKERS[kind](chance)
    return kind, name, data
