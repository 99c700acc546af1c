"""A document's quantitative claims: what is said of the future, and in articles and notes what is said to be so now. Pure.

Figures of the past (statement rows, results of a quarter), hypotheses, assumptions and law are no claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from assistant.catalysts.claim_binding import (
    OWN_WORDS,
    Sentence,
    fits,
    in_list,
    is_ahead,
    measure_of,
    moved,
    names_past,
    open_bracket,
    past_window,
    window_of,
)
from assistant.catalysts.claim_cues import Cue, cues, governing, rejected, source, states_now
from assistant.catalysts.claim_dates import Made, Window, made, windows
from assistant.catalysts.claim_figures import Figure, figures
from assistant.catalysts.claim_measures import Mention, mentions
from assistant.catalysts.claim_subjects import Subject, markets, subject_of
from assistant.catalysts.claims import Claim, ClaimKind, claim_id
from assistant.evidence import ITEM
from vectorstore.records import Document
from vectorstore.text import is_table_row, sentences

CODE = "1"  # what was read by another version of this is read again
_LONGEST, _SHORTEST = 900, 20  # characters of a sentence that can hold a claim
_NEAR = 4  # characters between two sentences of which the second may go on from the first
_EARLIER = re.compile(
    r"\b(?:up|down|higher|lower|chang\w*|ris\w+|rose|fell|fall\w*|improv\w*|increas\w*|decreas\w*|declin\w*|grew|grown)\s+(?:by\s+)?from\s+(?:(?:just|about|only|approximately|roughly|over|nearly|some)\s+)*$",
    re.I,
)
_RUN_ON = re.compile(r"[a-z0-9%)][.?!](?=[A-Z][a-z]+[ ,’'])")
_STATES = frozenset({"article", "note", "other"})  # kinds in which somebody states how things are


def claims_of(document: Document) -> tuple[Claim, ...]:
    """Return the claims of a document, in the order of its text."""
    when = made(document.metadata)
    found: list[Claim] = []
    before, text, last_end = "", "", -1
    for start, end in _spans(document):
        # What stands far above is no sentence that this one goes on from.
        before = text if start - last_end <= _NEAR else ""
        text, last_end = re.sub(r"\s", " ", document.text[start:end]), end
        sentence = Sentence(text, start, figures(text), (), (), ())
        if not sentence.figures:
            continue
        sentence = Sentence(text, start, sentence.figures, mentions(text), windows(text, when), cues(text))
        if sentence.mentions or markets(text):
            found += _claims(document, sentence, when, end, before)
    return _once(found)


def _once(found: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return each claim once: a document says the same in its discussion and in its notes."""
    kept: dict[tuple[object, ...], Claim] = {}
    for one in found:
        window = "" if one.due else one.window
        kept.setdefault((one.topic, one.compare, one.value, one.low, one.high, one.holder, window), one)
    return tuple(kept.values())


def _spans(document: Document) -> Iterator[tuple[int, int]]:
    """Yield the sentences that can hold a claim: prose with a digit in it, outside of page furniture."""
    regions = sorted((r.start, r.end) for r in document.regions)
    at = 0
    for start, end in sentences(document.text):
        while at < len(regions) and regions[at][1] <= start:
            at += 1
        if at < len(regions) and regions[at][0] < end:
            continue
        raw = document.text[start:end]
        mark = ITEM.match(raw)
        if mark and document.text.rfind("\n", 0, start) + 1 == start:
            start += mark.end()
            raw = raw[mark.end() :]
        if not _SHORTEST <= len(raw) <= _LONGEST or is_table_row(raw) or raw.startswith("#"):
            continue
        # Spoken text leaves out the space between two sentences: "in the quarter.We expect".
        cuts = [start, *(start + m.end() for m in _RUN_ON.finditer(raw)), end]
        yield from pairwise(cuts)


def _claims(document: Document, s: Sentence, when: Made, end: int, before: str) -> Iterator[Claim]:
    kind = document.metadata.kind
    last: tuple[Mention, Figure] | None = None
    listed = "respectively" in s.text
    for index, figure in enumerate(s.figures):
        if listed and in_list(s, index):
            continue  # which of the figures belongs to which of the years is not read
        cue = governing(s.cues, s.text, figure.start)
        forward = cue is not None and not (kind == "filing" and cue.kind in {"will", "likely"})
        if not forward and kind not in _STATES:
            continue
        if rejected(s.text, forward=forward):
            return
        mention = measure_of(s, figure, index, last)
        if mention is not None:
            figure = moved(s.text, mention, figure)
        if mention is None or not fits(mention, figure, s.text, kind):
            continue
        last = last if last is not None and open_bracket(s.text, figure.start) else (mention, figure)
        window = window_of(s, figure, index)
        if forward:
            if not is_ahead(window, when) or (kind == "filing" and window is None):
                continue
        elif _is_earlier(s, figure) or not states_now(s.text, past=names_past(s, when)):
            continue
        scope = mention.measure.scope or ("company" if kind in OWN_WORDS else "")
        who = cue.who if forward and cue is not None and cue.holder not in {"", "market", "analysts"} else ""
        named = [m.start for m in s.mentions if m.measure.id == mention.measure.id and m.start <= mention.start]
        subject = subject_of(s.text, figure.start, named, document.metadata, scope, who, mention.measure.subject)
        if subject is None and scope != "company":
            subject = next(iter(markets(before)[-1:]), None) or next(iter(markets(document.metadata.title or "")), None)
        if subject is None or (kind in OWN_WORDS and subject.scope == "market"):
            continue
        yield _claim(
            document,
            s,
            end,
            figure,
            mention,
            window if forward else past_window(s, figure),
            subject,
            cue if forward else None,
        )


def _is_earlier(s: Sentence, figure: Figure) -> bool:
    """Whether a figure is what something was before: "up from 9%", unless it is that of another index ("from 9% of the S&P 500")."""
    if not _EARLIER.search(s.text[: figure.start]):
        return False
    after = markets(s.text[figure.end :])
    return not (after and re.fullmatch(r"\s+of\s+(?:the\s+)?", s.text[figure.end : figure.end + after[0].start]))


def _claim(
    document: Document,
    s: Sentence,
    end: int,
    figure: Figure,
    mention: Mention,
    window: Window | None,
    subject: Subject,
    cue: Cue | None,
) -> Claim:
    meta = document.metadata
    kind: ClaimKind = "state"
    if cue is not None:
        kind = "guidance" if meta.kind in OWN_WORDS else "forecast"
    due = window.due.isoformat() if window and window.due else None
    holder = cue.holder if cue is not None else ""
    if holder not in {"market", "analysts"} and (
        kind == "guidance" or holder == subject.name or _same_as(holder, document)
    ):
        holder = ""
    return Claim(
        claim_id=claim_id(document.document_id, document.version, s.start + figure.start, s.start + figure.end),
        document_id=document.document_id, version=document.version, start=s.start, end=end, quote=document.text[s.start : end],
        figure_start=s.start + figure.start, figure_end=s.start + figure.end, figure=document.text[s.start + figure.start : s.start + figure.end], subject=subject.name, scope=subject.scope,
        subject_tool=subject.tool, region=subject.region, measure=mention.measure.id, measure_label=mention.measure.label,
        compare=figure.compare, change=figure.change, value=figure.value, low=figure.low, high=figure.high, unit=figure.unit, kind=kind,
        holder=holder or source(s.text), window=window.text if window else "", due=due, rule=_rule(window, kind),
        author=", ".join(meta.authors), publisher=meta.publisher or "", published=meta.published, title=meta.title or "",
        document_kind=meta.kind, company=meta.company or "", ticker=meta.ticker or "", collection=document.collection,
        path=document.path, page=document.page_at(s.start),
    )  # fmt: skip


def _same_as(name: str, document: Document) -> bool:
    meta = document.metadata
    plain = re.sub(r"[^a-z]", "", name.lower())
    return any(
        plain and plain in re.sub(r"[^a-z]", "", (own or "").lower())
        for own in (meta.company, meta.publisher, meta.title)
    )


def _rule(window: Window | None, kind: ClaimKind) -> str:
    if kind == "state":
        return "said of its own day"
    if window is None:
        return "no date is stated"
    return f"{window.text}: {window.rule}"
