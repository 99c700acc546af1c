"""Invented documents, one builder a genre, and a short way from text to metadata."""

from __future__ import annotations

from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Reading, Source, read
from vectorstore.records import Metadata

RANDOM_NAME = "7c1e94f0b2a8"

PROSE = (
    "Regional lenders have spent two years repairing their balance sheets, and deposit costs now fall faster than loan "
    "yields. We think that the next four quarters will show it in net interest margins, which stood at 3.1% at the last "
    "count, against 2.6% when the repair began. Few of their shareholders seem to have noticed so far."
)
CAPTION = "(Exact name of registrant as specified in its charter)"


def reading(text: str, suffix: str = ".txt") -> Reading:
    """Read ``text`` as a file of a random name."""
    name = RANDOM_NAME + suffix
    return read(Source(path=name, data=text.encode(), name=name))


def found(text: str, suffix: str = ".txt") -> Metadata:
    """Return what is found in ``text``."""
    source = reading(text, suffix)
    return extract(source, tag(source), name=RANDOM_NAME + suffix)


def cover(
    *,
    form: str = "FORM 10-K",
    period: str = "For the fiscal year ended December 31, 2021",
    name: str = "ACME ROBOTICS, INC.",
    caption: str = CAPTION,
    row: str = "Common Stock, par value $0.01 per share ACRB The Nasdaq Stock Market LLC",
    transition: str = "____ to ____",
    after: str = "",
) -> str:
    """Return the cover of a form."""
    return f"""UNITED STATES
SECURITIES AND EXCHANGE COMMISSION
Washington, D.C. 20549
{form}
(Mark One)
☒ ANNUAL REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT OF 1934
{period}
OR
☐ TRANSITION REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT OF 1934
For the transition period from {transition}
Commission file number 001-40001
{name}
{caption}
Delaware 12-3456789
(State or other jurisdiction of incorporation) (I.R.S. Employer Identification No.)
1 Forge Road, Dayton, Ohio 45402
Securities registered pursuant to Section 12(b) of the Act:
Title of each class Trading Symbol(s) Name of each exchange on which registered
{row}
Securities registered pursuant to Section 12(g) of the Act: None
{after}
"""


def signature(date: str, name: str = "Acme Robotics, Inc.", rest: str = "") -> str:
    """Return a signature page."""
    return f"""
SIGNATURES
Pursuant to the requirements of Section 13 or 15(d) of the Securities Exchange Act of 1934, the registrant has duly caused this report to be signed on its behalf by the undersigned, thereunto duly authorized.
{name}
Date: {date} By: /s/ Dana Whitfield
Dana Whitfield
Chief Executive Officer
{rest}"""


def call(greeting: str, opening: str = "Our results are on our site.", header: str = "") -> str:
    """Return the transcript of a short call."""
    return f"""{header}Speaker 0: {greeting} All participants are in listen-only mode. I will now turn the call over to Dana Whitfield.

Speaker 1: Thank you. {opening}

Speaker 0: Our first question comes from Li Wei.

Speaker 2: Good morning, how do orders look?

Speaker 1: They grew by 9%.

Speaker 0: This concludes the conference call.
"""
