"""Furniture of flowing text, paragraph by paragraph: shape, families of words, and place.

A paragraph is a stretch between blank lines (in text without any, a line). Each family below is a few wordings
that notices share whoever wrote them; one strong wording is enough, weak ones need company.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vectorstore.records import Furniture, Region
from vectorstore.text import sentences


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    start: int
    end: int


def _any(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(w.replace(" ", r"\s+") for w in wordings), re.IGNORECASE)


_STRONG = _any(
    r"not (?:an offer|a solicitation|investment advice|a recommendation)",
    r"(?:does|do|shall) not constitute (?:an? )?(?:offer|solicitation|investment|recommendation|advice)",
    r"intended to (?:provide|constitute) (?:specific |legal|tax|securities|investment|financial)[\w ,]{0,40}(?:advice|recommendations?)",
    r"all rights reserved",
    r"past performance (?:is|does|of|may|should|results)[\w ]{0,30}(?:not|no)\b",
    r"no guarantee of future",
    r"(?:trade|service) ?marks? of ",
    r"without (?:the )?(?:prior |express )*(?:written )?(?:permission|consent) (?:of|from)",
    r"for (?:general )?informational? purposes only",
    r"solely for information(?:al)? purposes",
    r"does not make any (?:warranty|representation)",
    r"makes no (?:warranty|representation|guarantee)s?",
    r"assure a profit or (?:guarantee|protect) against loss",
    r"should not be considered a solicitation",
    r"qualified (?:financial|tax|investment|legal) (?:advis[oe]r|professional)",
    r"licensed professional",
    r"subject to change (?:at any time|without notice)",
    r"reproduced, (?:transferred|distributed|copied|stored)",
    r"may (?:hold|have|own) (?:a )?(?:long or short )?positions? in (?:the )?securities (?:mentioned|discussed)",
    r"investors cannot invest directly in an index",
    r"indices are unmanaged",
)
_WEAK = _any(
    r"general information",
    r"as[- ]is['”\" ]* basis",
    r"advice",
    r"nothing (?:contained )?in this (?:material|publication|report|article|document|communication)",
    r"(?:trade|service) ?marks?",
    r"opinions? expressed",
    r"(?:loss of principal|principal invested|risk of loss|lose money)",
    r"investments? (?:carry|involves?|are subject to)[\w ]{0,20}risks?",
    r"(?:not |un)?(?:intended|suitable) (?:only )?for[\w ]{0,30}(?:residents|investors|persons|professional|recipients?)",
    r"operating name of",
    r"regulated by|registered (?:with|investment advis[oe]r)|authori[sz]ed and regulated",
    r"copyright|©",
    r"proprietary",
    r"reliable (?:sources|but)|believed to be reliable|accuracy or completeness",
    r"this (?:material|publication|document|communication|report|website|site)",
    r"liab(?:le|ility) for",
    r"ownership (?:is composed|stakes?)",
    r"under license from",
    r"accessibility",
)
_FORWARD = _any(
    r"forward[- ]looking (?:statements?|information)",
    r"(?:undertakes? no|any|disclaims? any|no) (?:obligation|duty|intention) to (?:publicly )?(?:update|revise)|"
    r"(?:undertake|obligated|obligation)[\w ]{0,40}to (?:publicly )?(?:update|revise)",
    r"differ materially",
    r"private securities litigation reform act",
    r"safe harbou?r",
    r"risks? and uncertaint(?:y|ies)",
    r"undue reliance",
)
_COOKIE = _any(
    r"(?:uses?|using|accept|manage|about|of|our|these) cookies",
    r"cookies? (?:policy|preferences|settings|notice)",
    r"cookie is a small",
)
_ACCESS = _any(
    r"you (?:do not|don['’]t) have access",
    r"^(?:please )?fill out the (?:fields|form)",
    r"to (?:get|gain|unlock|continue) (?:full )?(?:access|reading)",
    r"subscribe (?:now |today )?(?:to (?:read|continue|unlock|access|get|receive)|for full access)",
    r"(?:log|sign) ?in to (?:read|continue|view|access|your account)",
    r"already (?:a|have an?) (?:subscriber|member|account|subscription)",
    r"this (?:content|article|report) is (?:only )?(?:for|available to|reserved for) (?:paying |premium |paid )?(?:subscribers|members|clients)",
    r"create (?:a|your) free account",
    r"start (?:a|your) free trial",
    r"enter your e-?mail",
    r"sign up for (?:our|the|a) (?:free |daily |weekly )*(?:newsletter|e-?mail|updates)",
)
_CALL = _any(
    r"contact (?:us|our|your|the)", r"call us", r"reach (?:us|out)", r"e-?mail us", r"please contact", r"for (?:more|further|additional) information", r"get in touch",
    r"^(?:investor|media|press|investors?|analyst)?\s*(?:relations )?contacts?\b",
)  # fmt: skip
_PHONE = re.compile(r"(?<![\d.,$])(?:\+?\d{1,3}[\s.-]?)?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\d)|\+\d{2}[\s\d()-]{8,}")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_LINK = re.compile(r"\[[^\]]{1,80}\]\([^)\s]+\)|https?://\S+|www\.\S+")
_NAVIGATION = re.compile(
    r"^[^\w\n]*(?:view\s+(?:all|more)|see\s+(?:all|more)|load\s+more|show\s+more|read\s+(?:more|next|the\s+full\s+\w+)|back\s+to\s+(?:top|\w+)|skip\s+to\s+(?:\w+\s+)?content|"
    r"(?:previous|next)(?:\s+(?:post|article|page))?(?:\s*\W\s*(?:previous|next).*)?|menu|home|search|share(?:\s+(?:this|on|via)\b.{0,40})?|print(?:\s+this\s+\w+)?|"
    r"download(?:\s+(?:pdf|the\s+pdf|report))?|subscribe|follow\s+us.{0,40}|log\s*in|sign\s*(?:in|up)|close|toggle\s+\w+|save|bookmark|"
    r"(?:e-?mail|copy)\s+(?:this|link).{0,20}|leave\s+a\s+(?:comment|reply)|\d+\s+comments?|advertisement|sponsored|recommended\s+for\s+you)[^\w\n]*$",
    re.IGNORECASE,
)
_LIST_HEAD = re.compile(
    r"^[^\w\n]*(?:(?:find\s+)?(?:other|more|related|similar|recent|latest|popular|trending|recommended)\s+(?:posts?|articles?|stories|reading|insights|content|reports|news|topics)\b.{0,40}"
    r"|you\s+(?:may|might)\s+also\s+(?:like|enjoy).{0,20}|tags?|filed\s+under|topics|categories|share\s+this.{0,30}|related|more\s+from\s+.{2,40}|most\s+read)\s*:?\s*$",
    re.IGNORECASE,
)
_LIST_HEAD_START = re.compile(
    r"^[^\w\n]*(?:find\s+(?:other|more)\s+\w+\s+with\s+th(?:is|ese)\s+tags?|related\s+(?:articles|posts|reading|stories|content)|you\s+(?:may|might)\s+also\s+(?:like|enjoy)|"
    r"tags?|filed\s+under|more\s+(?:articles|posts|stories))\b",
    re.IGNORECASE,
)
_CRUMBS = re.compile(r"^[^\w\n]*home(?:page)?\s*[>›»/|]\s*\S.*$", re.IGNORECASE)
_SOCIAL = re.compile(
    r"\b(?:facebook|twitter|linkedin|instagram|youtube|whatsapp|reddit|pinterest|e-?mail|print|share|copy\s+link|x|bluesky|threads|rss)\b",
    re.IGNORECASE,
)
_CONTENTS = re.compile(
    r"^[^\w\n]*(?:in\s+this\s+(?:article|issue|report|note)|(?:table\s+of\s+)?contents|on\s+this\s+page|jump\s+to)\s*:?[^\w\n]*$",
    re.IGNORECASE,
)
_SALUTATION = re.compile(
    r"^(?:(?:best|kind|warm|kindest|warmest)(?:\s+(?:regards|wishes))?|regards|sincerely|yours(?:\s+\w+)?|respectfully|cheers|good\s+investing|all\s+the\s+best)\s*[,.!—–-]?$",
    re.IGNORECASE,
)
# What a claim has and small print has not: amounts, shares, a source under a chart.
_EVIDENCE = re.compile(
    r"[$€£]\s?\d|\b\d+(?:[.,]\d+)?\s?(?:%|percent|basis\s+points|bps|million|billion|trillion|x\b)|^\s*source:",
    re.IGNORECASE | re.MULTILINE,
)
_TURN = re.compile(r"^(?:Speaker\s+\d+|Operator)\s*:", re.MULTILINE)


_LONGEST = 12_000  # characters of a paragraph that can still be small print


def _split(text: str, start: int) -> list[_Paragraph]:
    """Return the paragraphs of ``text`` behind ``start``: between blank lines, or lines where there are none."""
    blank = re.compile(r"\n[ \t]*\n|\f")
    mark = (
        blank
        if len(blank.findall(text, start)) * 25 >= text.count("\n", start) or len(blank.findall(text, start)) >= 8
        else re.compile(r"\n|\f")
    )
    found: list[_Paragraph] = []
    position = start
    for match in [*mark.finditer(text, start), None]:
        stop = match.start() if match else len(text)
        raw = text[position:stop]
        if raw.strip():
            first = position + len(raw) - len(raw.lstrip())
            found.append(_Paragraph(raw.strip(), first, first + len(raw.strip())))
        position = match.end() if match else stop
    return found


def _classify(paragraph: _Paragraph, place: float) -> Furniture | None:
    """Return what a paragraph is by itself; ``place`` is 0 at the start of the text and 1 at its end."""
    content = paragraph.text
    if len(content) > _LONGEST:
        return None
    words = len(content.split())
    evidence = len(_EVIDENCE.findall(content))
    if words <= 8 and (_NAVIGATION.match(content) or _CRUMBS.match(content)):
        return "navigation"
    if words <= 25 and not content.rstrip().endswith(".") and _share_of_links(content) > 0.6 and words >= 2:
        return "navigation"
    if words <= 14 and len(_SOCIAL.findall(content)) >= 2 and len(_SOCIAL.findall(content)) >= words * 0.4:
        return "navigation"
    if evidence > 1:
        return None
    if (
        _COOKIE.search(content)
        and re.search(r"cookies?", content, re.IGNORECASE)
        and (len(re.findall(r"cookie", content, re.IGNORECASE)) >= 2 or words < 60)
    ):
        return "cookie"
    if _ACCESS.search(content) and words < 120:
        return "access"
    if (_PHONE.search(content) or _MAIL.search(content)) and (_CALL.search(content) or words <= 25) and words < 90:
        return "contact"
    strong, weak = len(_STRONG.findall(content)), len({m.group().lower() for m in _WEAK.finditer(content)})
    forward = len({m.group().lower() for m in _FORWARD.finditer(content)})
    if evidence and strong < 2:
        return None
    if (
        forward >= 3
        or (forward >= 2 and words < 160)
        or (re.match(r"\W*(?:forward[- ]looking|safe harbou?r|cautionary)", content, re.IGNORECASE) and forward)
    ):
        return "disclaimer"
    # In the first half of a text a lone wording may belong to the argument; small print stands behind it.
    if strong >= 2 or (strong >= 1 and (weak >= 1 or place > 0.5)) or (weak >= 3 and place > 0.5):
        return "disclaimer"
    return None


def _share_of_links(content: str) -> float:
    linked = sum(len(m.group()) for m in _LINK.finditer(content))
    return linked / max(len(content), 1)


def _lists(paragraphs: Sequence[_Paragraph], tags: list[Furniture | None]) -> None:
    """Tag lists behind a heading such as "Related articles" or "In this article": short lines without a full stop."""
    for number, paragraph in enumerate(paragraphs):
        first = paragraph.text.split("\n", 1)[0].strip()
        kind: Furniture | None = None
        if _CONTENTS.match(first):
            kind = "contents"
        elif _LIST_HEAD.match(first) or (
            _LIST_HEAD_START.match(first)
            and len(first.split()) <= 8
            and (first.endswith(":") or "\n" in paragraph.text)
        ):
            kind = "navigation"
        if kind is None or tags[number] is not None:
            continue
        rest = paragraph.text.split("\n")[1:]
        if rest and all(_item(line) for line in rest if line.strip()):
            tags[number] = kind
            continue
        following = 0
        for other in paragraphs[number + 1 : number + 16]:
            if tags[number + 1 + following] is not None or not all(
                _item(line) and _listed(line) for line in other.text.split("\n")
            ):
                break
            following += 1
        if following >= 2 or (rest == [] and following == 1 and "\n" in paragraphs[number + 1].text):
            tags[number] = kind
            for step in range(1, following + 1):
                tags[number + step] = kind


def _item(line: str) -> bool:
    return len(line.split()) <= 14 and not line.rstrip().endswith((".", "!", ";")) and not _EVIDENCE.search(line)


def _listed(line: str) -> bool:
    return bool(re.match(r"\s*(?:[-•*‣▪]|\d+[.)]|\[)", line)) or bool(_LINK.search(line))


def _sign_offs(paragraphs: Sequence[_Paragraph], tags: list[Furniture | None]) -> None:
    """Tag the closing words of a letter with the lines of names and roles that follow them."""
    for number, paragraph in enumerate(paragraphs):
        lines = paragraph.text.split("\n")
        at = next((n for n, line in enumerate(lines) if _SALUTATION.match(line.strip())), None)
        if at != 0 or number < len(paragraphs) * 0.4 or not all(_item(line) for line in lines[1:]):
            continue
        tags[number] = tags[number] or "signature"
        for step, other in enumerate(paragraphs[number + 1 : number + 4], start=1):
            short = other.text.split("\n")
            if (
                tags[number + step] is not None
                or len(short) > 6
                or not all(_item(line) and len(line.split()) <= 10 for line in short)
            ):
                break
            tags[number + step] = "signature"
            if len(short) > 1:
                break


def _tail(paragraphs: Sequence[_Paragraph], tags: list[Furniture | None]) -> None:
    """Tag what stands between notices at the end: from the first on from which most is furniture and nothing argues."""
    count = len(paragraphs)
    for first in range(count):
        if tags[first] not in ("disclaimer", "access", "cookie") or paragraphs[first].start < paragraphs[-1].end * 0.4:
            continue
        untagged = [n for n in range(first, count) if tags[n] is None]
        leaning = [n for n in untagged if _WEAK.search(paragraphs[n].text)]
        known, total = count - first - len(untagged), count - first
        if known < 0.4 * total or known + len(leaning) < 0.6 * total:
            continue
        if any(_EVIDENCE.search(paragraphs[n].text) for n in untagged):
            continue
        for n in untagged:
            tags[n] = "disclaimer"
        return


def _safe_harbour(paragraph: _Paragraph) -> Iterator[Region]:
    """Yield the run of sentences on forward-looking statements inside a longer turn of speech."""
    spans = sentences(paragraph.text)
    said = [paragraph.text[start:end] for start, end in spans]
    hits = [n for n, sentence in enumerate(said) if _FORWARD.search(sentence)]
    if len(hits) < 2:
        return
    run = [hits[0]]
    for hit in hits[1:]:
        if hit - run[-1] > 2 or any(_EVIDENCE.search(s) for s in said[run[-1] : hit + 1]):
            break
        run.append(hit)
    if len(run) >= 2:
        yield Region(paragraph.start + spans[run[0]][0], paragraph.start + spans[run[-1]][1], "disclaimer")


def furniture(text: str, start: int, *, paginated: bool) -> Iterator[Region]:
    """Yield the furniture of flowing text behind ``start``.

    In text with pages (a release as PDF) lines are no paragraphs, so only stretches under a heading of small
    print are taken, to the end of their page.
    """
    if paginated:
        yield from _headed(text, start)
        return
    paragraphs = _split(text, start)
    if not paragraphs:
        return
    if len(_TURN.findall(text, start)) >= 4:
        for paragraph in paragraphs[: max(8, len(paragraphs) // 5)]:
            yield from _safe_harbour(paragraph)
        return
    length = max(len(text) - start, 1)
    tags = [_classify(p, (p.start - start) / length) for p in paragraphs]
    _lists(paragraphs, tags)
    _sign_offs(paragraphs, tags)
    _tail(paragraphs, tags)
    for paragraph, found in zip(paragraphs, tags, strict=True):
        if found is not None:
            yield Region(paragraph.start, paragraph.end, found)


_SMALL_PRINT = re.compile(
    r"^[^\w\n]*(?:cautionary\s+(?:statements?|note)\b.{0,60}|(?:important\s+)?disclosures?|disclaimers?|legal\s+(?:notice|disclaimer)|safe\s+harbou?r\b.{0,80}|"
    r"(?:note\s+(?:on|regarding)\s+)?forward[- ]looking\s+statements?)\s*:?\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def _headed(text: str, start: int) -> Iterator[Region]:
    for match in _SMALL_PRINT.finditer(text, start):
        page = text.find("\f", match.end())
        stop = len(text) if page < 0 else page
        body = text[match.end() : stop]
        cues = len(_FORWARD.findall(body)) + len(_STRONG.findall(body))
        if cues >= 2 and len(_EVIDENCE.findall(body)) <= 1 and cues * 700 >= len(body):
            yield Region(match.start(), stop, "disclaimer")
