"""The cover of an SEC form: where it is, which form, whose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.metadata.dates import find_dates
from ingest.metadata.found import Found, Line, lines, phrase
from ingest.metadata.names import cased, has_suffix, is_upper, tidy

# Older proxy statements open with the name of the schedule alone.
_HEADING = re.compile(
    phrase("securities and exchange commission") + "|" + phrase("schedule 14[AC] information"), re.IGNORECASE
)
_DASH = r"\s*[-–‑—−]?\s*"
# Longer names first: 10-K405 is no 10-K.
_FORMS = (
    rf"1\s*0{_DASH}K\s*S\s*B(?:\s*4\s*0)?", rf"1\s*0{_DASH}K\s*T", rf"1\s*0{_DASH}K\s*4\s*0\s*5", rf"1\s*0{_DASH}K",
    rf"1\s*0{_DASH}Q\s*S\s*B", rf"1\s*0{_DASH}Q\s*T", rf"1\s*0{_DASH}Q", rf"2\s*0{_DASH}F", rf"4\s*0{_DASH}F", rf"1\s*1{_DASH}K",
    rf"6{_DASH}K", rf"8{_DASH}K", rf"S{_DASH}(?:1|3|4|8|11)\b", rf"F{_DASH}(?:1|3|4|10)\b", rf"1\s*0{_DASH}12[BG]", rf"1{_DASH}A\b",
)  # fmt: skip
_FORM = re.compile(
    rf"\bF\s?O\s?R\s?M\s+(?P<form>{'|'.join(_FORMS)})(?P<amended>\s*/\s*A\b|\s*[-–]\s*A\b(?!\w))?", re.IGNORECASE
)
_SCHEDULE = re.compile(phrase(r"schedule 14[AC]\b"), re.IGNORECASE)
_CAPTION = re.compile(
    r"(?:\(\s*)?"
    + phrase(
        r"(?:exact )?names? of (?:the |each )?(?:small business )?(?:co-)?(?:registrants?|issuers?|trust|company)(?:\(s\))?,?"
        r"(?: \w+){0,3}?(?: as)?(?: it appears| specified| stated| set forth)? in (?:its |their |the )?(?:respective )?"
        r"(?:charters?|articles of|declaration of|governing)"
    )
    + r"[^():|,\n]{0,25}\)?",
    re.IGNORECASE,
)
_CAPTION_FOREIGN = re.compile(
    r"\(?\s*" + phrase(r"translations? of (?:the )?registrant['’]s name into english") + r"\s*\)?", re.IGNORECASE
)
_CAPTION_TURNED = re.compile(
    r"(?:\(\s*)?"
    + phrase(r"registrant['’]s (?:exact )?name,? as specified in (?:its|the) charter")
    + r"[^():|,\n]{0,25}\)?",
    re.IGNORECASE,
)
_AMENDMENT = re.compile(r"\bamendment\s+(?:no\.?\s*|number\s+)\d+", re.IGNORECASE)
_CHECKED = r"[☒☑þýxX✓✔■\u2612]"
_TRANSITION = re.compile(
    phrase(r"transition period from (?P<from>.{6,40}?) to (?P<to>.{6,40}?\d{4})"), re.IGNORECASE | re.DOTALL
)
# What stands on a cover between the heading and the name: the name starts behind the last of these.
_BEFORE_NAME = re.compile(
    "|".join(
        (
            r"earliest\s+event\s+reported\s*\)?:?",
            phrase(r"commission file (?:numbers?|nos?\.?):?"),
            r"\b(?:number|no\.?)\s+\d{1,3}-\d{3,6}(?:-\d\d)?(?![\w-])",
            r"(?<![\w-])\d{1,3}-\d{4,6}(?:-\d\d)?(?![\w-])",
            r"(?<![\w-])333-\d{5,6}(?:-\d\d)?(?![\w-])",
            phrase(r"(?:securities )?exchange act of 1934"),
            phrase(r"under the securities act of 1933"),
            phrase(r"transition period from[\s_.,…]* to[\s_.…]*"),
            r"\(\s*mark\s+one\s*\)?",
            r"(?m:^[ |]*(?:\[\s*[xX]?\s*\]|[☐☒☑□■þ])[^\n]*$)",
            r"\(?\s*amendment\s+no\.?\s*\d+\s*\)?",
            phrase(r"(?:current|quarterly|annual|transition) report"),
            phrase(r"registration statement"),
            r"washington\s*,?\s*d\.?\s*c\.?\s*(?:20549)?(?:-\d{4})?",
            phrase(r"identification (?:no\.?|number)\)?"),
            phrase(r"file number\)?"),
        )
    ),
    re.IGNORECASE,
)
_NOT_NAME = re.compile(
    r"commission|identification|employer|jurisdiction|incorporation|\bfile\b|\bform\b|amendment|\bmark one\b|exact name|report|"
    r"registrant|pursuant|section\s+1[35]|act\s+of\s+19|period|^or$|^\W*$|washington|^\(|^\d[\d-]*$|\d\d-\d{7}|table of contents|^index$",
    re.IGNORECASE,
)


_TRIES = 40  # places that name the Commission beside a form; a text with more of them and no cover is no filing


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover of a form; ``text[start:end]`` runs from its heading to the end of its facts."""

    form: Found
    company: Found | None
    name_at: int
    start: int
    end: int


def _form_name(words: str) -> str:
    form = re.sub(r"[–‑—−]", "-", re.sub(r"\s+", "", words)).upper()
    if "-" not in form:
        form = re.sub(r"^(\d0|\d|[SF])(?=\w)", r"\1-", form)
    return form


def _candidate(line: Line) -> bool:
    return not _NOT_NAME.search(line.text) and any(c.isalpha() for c in line.text) and len(tidy(line.text)) >= 2


def _name_above(text: str, start: int, caption: int) -> Found | None:
    """Return the name that ends where the caption starts: what follows the last fact of the cover before it."""
    low = max(start, caption - 500)
    ends = [m.end() for m in _BEFORE_NAME.finditer(text, low, caption)]
    ends += [d.end for d in find_dates(text, low, caption)]
    bound = max((e for e in ends if text[e:caption].strip(" \n|_()-–—:.,*")), default=None)
    block = list(lines(text, low if bound is None else bound, caption))
    if bound is None:
        # No fact bounds the name: take the last line, and the one above it when this is only a tail.
        block = block[-2:] if block and len(block) > 1 and len(block[-1].text.split()) <= 1 else block[-1:]
    else:
        block = [line for line in block if any(c.isalpha() for c in line.text)]
        if len(block) > 1 and not all(_candidate(line) for line in block):
            good = [n for n, line in enumerate(block) if not _candidate(line)]
            block = block[good[-1] + 1 :] or block[-1:]
        if len(block) > 3 and not all(len(line.text.split()) == 1 for line in block):
            block = block[-1:]
    if not block:
        return None
    first, last = block[0].start, block[-1].end
    while first < last and not text[first].isalnum():
        first += 1
    name = tidy(text[first:last])
    return Found(name, first, last) if name and not _NOT_NAME.search(name) else None


def _name_below(text: str, caption_end: int) -> Found | None:
    for number, line in enumerate(lines(text, caption_end, caption_end + 400)):
        content = re.sub(r"^[:| ]*(?:\d{1,3}-\d{3,6}\b[ |]*)?", "", line.text)
        if number > 4:
            break
        if not any(c.isalpha() for c in content) or content.startswith(","):
            continue
        start = line.end - len(content)
        # A table's row: the name is its first cell of words.
        cell = next((m for m in re.finditer(r"[^|]+", content) if any(c.isalpha() for c in m.group())), None)
        if cell is not None:
            start, content = start + cell.start(), cell.group().rstrip()
        state = re.search(r"\s(?:[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)\s+\d\d-\d{7}\b", content)
        end = start + (state.start() if state else len(content))
        name = tidy(text[start:end])
        if name and not _NOT_NAME.search(name):
            return Found(name, start, end)
    return None


def _company(text: str, start: int, caption: re.Match[str]) -> Found | None:
    above = _name_above(text, start, caption.start())
    if caption.group().startswith("("):
        return above
    below = _name_below(text, caption.end())
    if text[caption.end() : caption.end() + 3].lstrip().startswith(":"):
        return below or above
    if below and (above is None or (has_suffix(below.value) and not has_suffix(above.value))):
        return below
    return above or below


def _caption_after(text: str, start: int, reach: int) -> re.Match[str] | None:
    found = [m for p in (_CAPTION, _CAPTION_TURNED) if (m := p.search(text, start, start + reach))]
    # Only a 6-K has no other caption than that of the translated name.
    return min(found, key=lambda m: m.start(), default=None) or _CAPTION_FOREIGN.search(text, start, start + 1500)


def find_cover(text: str) -> Cover | None:
    """Return the first cover of an SEC form in ``text``, or None.

    A cover is the Commission's name with "FORM x" or "SCHEDULE 14A", or "SCHEDULE 14A INFORMATION" alone, and the
    caption of the registrant's name, close together; a glossy annual report may stand in front of it.
    """
    tried = 0
    for heading in _HEADING.finditer(text):
        start = heading.start()
        if tried >= _TRIES:
            return None
        head = max(0, start - 400)
        form = _FORM.search(text, head, start + 1500)
        schedule = _SCHEDULE.search(text, start, start + 1500)
        if form is None and schedule is None:
            continue
        tried += 1
        caption = _caption_after(text, start, 6000)
        if caption is None and form is not None and _bare_cover(text, start, form):
            return Cover(_named_form(text, form, form.end() + 1500), None, form.end() + 1500, start, form.end() + 8000)
        if caption is None or (form is not None and form.start() > caption.start()):
            continue
        end = min(len(text), caption.end() + 8000)
        if form is None or (schedule is not None and schedule.start() < form.start()):
            assert schedule is not None
            name = _proxy_form(text, schedule.start(), caption.end() + 1500)
            named = Found(name, schedule.start(), schedule.end())
        else:
            named = _named_form(text, form, caption.start())
        company = _company(text, start, caption)
        if company is not None and is_upper(company.value):
            company = Found(cased(company.value, text), company.start, company.end)
        return Cover(named, company, caption.start(), start, end)
    return None


def _bare_cover(text: str, commission: int, form: re.Match[str]) -> bool:
    """Return whether a cover without the caption is one nevertheless: heading in capitals, the form on its own line, a period."""
    heading = re.compile(phrase("UNITED STATES SECURITIES AND EXCHANGE COMMISSION"))
    line_end = text[form.end() : form.end() + 200].split("\n", 1)[0].strip(" _*|/A")
    return bool(
        heading.search(text, max(0, commission - 40), commission + 60)
        and not line_end
        and re.search(
            phrase(r"(?:year|quarter|quarterly period) ended|date of report"),
            text[form.end() : form.end() + 1500],
            re.IGNORECASE,
        )
    )


def _named_form(text: str, form: re.Match[str], caption: int) -> Found:
    name = _form_name(form["form"])
    amendment = _AMENDMENT.search(text, form.end(), caption + 200)
    transition = _TRANSITION.search(text, form.end(), caption)
    if name == "10-K" and transition and len(find_dates(text, transition.start(), transition.end())) == 2:
        name = "10-KT"
    if form["amended"] or amendment:
        name += "/A"
    return Found(name, form.start(), form.end())


def _proxy_form(text: str, start: int, end: int) -> str:
    """Return the code of a Schedule 14A from its ticked box; a proxy statement with none ticked is definitive."""
    boxes = (
        ("DEFA14A", "definitive additional materials"),
        ("PRE 14A", "preliminary proxy statement"),
        ("DEF 14A", "definitive proxy statement"),
    )
    for code, words in boxes:
        if re.search(
            rf"(?:^|[\s\[(|]){_CHECKED}[\])]?[\s|]*{phrase(words)}", text[start:end], re.IGNORECASE | re.MULTILINE
        ):
            return code
    return "DEF 14A"
