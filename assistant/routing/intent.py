"""What a stretch of a question wants: a level of today, a check against today, or what somebody wrote. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The present: levels of now, and what has happened up to now.
_NOW = re.compile(
    r"\b(?:now|nowadays|today|today['’]?s|tonight|currently|current|present(?:ly)?|at (?:the )?(?:present|moment)|at this (?:point|stage|time)|as we speak|where (?:are|do) we (?:at|stand|now|on)?|(?:where|how) (?:do|does) [^?]{1,60} stand|since (?:the )?(?:articles?|notes?|pieces?|reports?|publication|it was (?:written|published))|right now|still|latest|newest|"
    r"most recent(?:ly)?|recent(?:ly)?|lately|of late(?!-)|these days|to date|so far|as of (?:now|today|this \w+)|as things stand|up[- ]to[- ]date|up to now|updates?|status|"
    r"by now|yet|since then|ever since|any ?more|any longer|no longer|again|live|already|real[- ]?time|ongoing|going by|"
    r"th(?:is|e (?:past|last|previous|running|current)) (?:\w+ ){0,2}(?:days?|weeks?|months?|quarters?|years?|fiscal year)|(?:past|last) (?:\w+ ){0,2}(?:days|weeks|months|quarters|years?)|"
    r"than (?:when|at the time)|yesterday|this (?:morning|week|month|quarter|year)|year[- ]to[- ]date|ytd|last (?:close|reading|print|figures?|numbers?))\b",
    re.I,
)
# "current ratio", "current assets" and alike are no time.
# "Has it recovered?" asks of now, unless a year is named.
# "Where's the two-year?": of a level, and nothing else behind it.
_WHERE = re.compile(
    r"^(?:(?:so|and|hey|ok),? )*where(?:['’]s| is| are)(?: the)? [\w&%. -]{2,30}\??$|^[\w&. -]{2,20} where\?$", re.I
)
_PERFECT = re.compile(r"^(?:and |but |so )?(?:has|have|hasn[’']t|haven[’']t)\b", re.I)
_SINCE = re.compile(r"\bsince [^?,.]*", re.I)
_NOT_NOW = re.compile(
    r"\b(?:non-?)?current (?:ratios?|assets?|liabilit\w+|portions?|maturit\w+|installments?|debt|borrowings|receivables?|payables?|taxe?s?|provisions?|leases?|account)\b|"
    r"\b(?:was|were|had|did) (?:\w+ ){0,2}still\b|\bnot yet\b(?=.*\b(?:19|20)\d\d\b)|\bstill (?:outstanding|available) at\b|\b(?:latest|most recent|last|current) (?:10-?[kq]|8-?k|annual report|filing|proxy|fiscal year|letter)\b|"
    r"\b(?:then|was|were|at the time|that time)[- ]current\b",
    re.I,
)
_VERIFY = re.compile(
    r"\b(?:true or false|verify|verif(?:y|ies|ied)|fact[- ]?check|double[- ]check|cross[- ]check|check|validate|debunk|corroborate|confirm(?:ed)?|refuted?|disprove[nd]?|test (?:the|this|that|whether|if)|"
    r"(?:is|are|was) (?:it|that|this|what)\b.{0,60}?\b(?:true|right|correct|accurate|valid|the case)|(?:true|right|correct) that|"
    r"(?:does|do|has|have) (?:[\w&'’.]+ ){0,4}?(?:claims?|statements?|figures?|numbers?|thesis|assertion|notion|idea|view|it|that|this|argument|estimates?)\b.{0,160}?\b(?:hold|held|stand|stood)(?: up| true| water| good)?(?= (?:today|now|still|currently|against|in light|with|on)\b|[?.!]|$)|"
    r"(?:claims?|statements?|assertions?|figures?|numbers?|notion)\b[^.?]{0,100}?\b(?:true|valid|right|correct|accurate|outdated|out of date|up to date|been overtaken|stands?|holds?(?: up)?)(?=[?.]| (?:today|now|still)\b)|"
    r"(?:still|remain(?:s|ed)?) (?:true|valid|right|correct|accurate))\b",
    re.I,
)
# What writers, speakers and filers do. Markets and figures "say" and "expect" too: what they do is measured.
_SAY = (
    r"(?:say|write|argue|claim|think|believe|mention|report|state|cite|describe|explain|conclude|recommend|suggest|advise|name|list|expect|forecast|predict|"
    r"quote|judge|comment|define|attribute|discuss|address|warn|note|foresee|propose|regard|mean|give|identify|consider|anticipate|stress|tell|announce|disclose|"
    r"see|find|point (?:to|out)|refer to)"
)
_SAID = (
    r"(?:said|says|written|wrote|writes|argue[sd]|claim(?:s|ed)|thought|thinks|believe[sd]|mention(?:s|ed)|report(?:s|ed)|state[sd]|cite[sd]|describe[sd]|explain(?:s|ed)|"
    r"conclude[sd]|recommend(?:s|ed)|suggest(?:s|ed)|advise[sd]|name[sd]|list(?:s|ed)|forecast(?:s|ed)?|predict(?:s|ed)|quote[sd]|judge[sd]|comment(?:s|ed)|define[sd]|"
    r"attribute[sd]|discusse[sd]|warn(?:s|ed)|note[sd]|given|gave|gives|identified|disclosed|announced|put forward)"
)
_DOCUMENT = r"(?:articles?|notes?|pieces?|reports?|papers?|10-?[kq]s?|8-?ks?|annual reports?|proxy|filings?|letters?|documents?|transcripts?|press releases?|memos?|essays?|posts?|commentar(?:y|ies)|seeds?)"
_MEASURED = r"(?:market|markets|investors|prices?|data|figures?|numbers?|rates?|yields?|survey|surveys|index|indices|curve|options?|fred|usaspending|tools?|receipts|banks|officers)"
_AUTHOR = re.compile(
    rf"\b(?:do|does|did|has|have|had|would|will)\b (?:(?!{_MEASURED}\b)[\w&'’.,-]+ ){{1,6}}?(?<!the )(?<!an )(?<!a )(?<!this )(?<!its )(?<!their )(?<!any )(?<!other )(?<!no )(?<!one )(?<!single )(?<!each ){_SAY}\b(?![’'])(?! (?:money|to be|more than|up))|"
    rf"\b(?:has|have|had)\b (?:(?!{_MEASURED}\b)[\w&'’.-]+ ){{1,5}}?{_SAID}\b|"
    rf"\b(?:is|are|was|were|be|been)\b (?:[\w-]+ ){{0,3}}?(?:said|stated|given|named|listed|cited|mentioned|quoted|described|expected|attributed|discussed|written|argued|recommended|meant|defined)\b|"
    rf"\b(?:what|which|whose)\b [^?.]{{0,60}}?\b(?:said|stated|given|named|listed|cited|mentioned|argued|written|described)\b|"
    r"\bwho (?:wrote|authored|published|says?|said|claims?|argues?|is the author|are the authors)\b|\bauthors? of\b|\bwho\b.{0,20}\bauthors?\b|\bpublished\b|\bpublish(?:er|ing)\b|\bsummar(?:y|i[sz]e)\b|\bany mention\b|"
    r"\b(?:arguments?|reasons?|bull|bear|pros?|cons?|case) (?:for|against|and)\b|\bcatalysts?\b|\bwhy\b|\bexplain\b|\bdefin(?:e|ed|ition)\b|\bwhat (?:would|could|might)\b|\bwhat (?:do|does) [^?]{1,40} mean\b|\bwhat is meant\b|\bhow (?:is|are) [^?]{1,60}(?:calculated|computed|defined|measured|made)\b|\bhow [^?]{1,60}\bworks?\b|"
    r"\b(?:thinking|opinion|stance|view|views|reasoning) (?:of|on|about)\b|\b(?:authors?|writers?)['’]? (?:\w+ )?(?:view|opinion|thinking|stance|words)\b",
    re.I,
)
# Somebody named as the source: the question stays with what is written, unless it asks of today.
_SOURCED = re.compile(
    rf"\baccording to (?!(?:its |the |their |today['’]?s? |current |latest |live |recent |new |fresh |market |own )*(?:figures|data|customs|prices|sec\b|fred\b|usaspending|filings with))|"
    rf"\bper (?!(?:cent|share|call|year|quarter|month|company|put|stock|name|capita|day|head)\b)(?:the )?[A-Za-z]+|"
    rf"\b(?:in|of|by|from|with) (?:the |this |that |these |those |both |either |its |their |our |your |an? )*(?:[\w.'’&-]+ ){{0,2}}?{_DOCUMENT}\b|\b{_DOCUMENT}['’]s?(?=\W)|\bthe (?:[\w'’-]+ )?{_DOCUMENT}\b|"
    rf"\b(?:in|by) (?:the )?(?:authors?|writers?)\b|\b(?:authors?|writers?)['’]|\b[A-Z][\w&.]+(?:['’]s|s['’]) (?:view|claim|figure|number|estimate|statement|forecast|analysis|note|opinion)\b|\b{_SAID}\b (?:in|by|for|as)\b|\b(?:valens|russell investments|bank of america|bofa|bloomberg|goldman)\b",
    re.I,
)
# The past as such: a level of then is no level of now.
_PAST = re.compile(
    r"\b(?:in|during|for|of|at the end of|end of|by|since|until|between|from|through|as of|on) (?:the )?(?:fy ?|fiscal |calendar |year |early |mid-? ?|late[- ]?|(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"q[1-4]|(?:first|second|third|fourth) quarter(?: of)?),? ?(?:\d{1,2}, ?)?)*(?:19|20)\d\d\b|\bfy ?\d\d|\bq[1-4] (?:19|20)?\d\d|\b(?:19|20)\d\d (?:crisis|crash|annual)|\b(?:was|were|did|had)\b(?! (?:it|that|this) (?:true|right))",
    re.I,
)
_ASKS = re.compile(
    r"\?|^(?:please |can you |could you |now )*(?:what|how|who|when|which|why|where|is|are|was|were|do|does|did|has|have|had|will|can|could|should|would|by how|show|give|pull|fetch|compute|calculate|run|plot|chart|look|list|tell|find|get|check|verify|measure|score|compare|current|latest|today)\b",
    re.I,
)
_COMMAND = re.compile(
    r"^(?:please |can you |could you |now |kindly )*(?:show|pull|fetch|compute|calculate|run|plot|chart|draw|look up|get|measure|score|query|refresh|update)\b",
    re.I,
)
_THAN_THEN = re.compile(
    r"\b(?:(?:than|since|from|compared (?:with|to)|against) (?:when|what|where|at the time)\b.*|since (?:the )?(?:articles?|notes?|pieces?|reports?|publication)\b)",
    re.I,
)
_WH = re.compile(r"\b(?:how|what|which|where|who|when)\b", re.I)
_QUERY_WORDS = 12
_TOOL = re.compile(r"\b(?:tool|live metric|live data|metric)\b", re.I)
_LEANS = re.compile(r"\b(?:that|this|it|they|these|those|so|the case|either|there)\b", re.I)


_STATED = re.compile(
    r"\b(?:claims?|statements?|assertions?|true|correct|accurate|fact[- ]?check|debunk|refute|disprove|verify)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What one sentence wants. ``leans``: it points at the sentence before; ``stated``: it says that a claim is to be checked."""

    now: bool
    verify: bool
    author: bool
    sourced: bool
    past: bool
    asks: bool
    command: bool
    tool: bool
    leans: bool
    stated: bool


def asking(text: str) -> bool:
    """Whether a stretch of text opens a question or a command of its own."""
    return bool(_ASKS.search(text) or _WH.search(text))


def asks_of_today(text: str) -> bool:
    """Whether a question says that it wants today's level, or a check against it: documents alone leave it open."""
    said = intent(text)
    return said.now or said.verify or said.command or said.tool


def intent(text: str) -> Intent:
    """Read one sentence."""
    plain = _NOT_NOW.sub(" ", text)
    # "… than when the note was written": what today is compared with.
    text = _THAN_THEN.sub(" ", text)
    past = bool(_PAST.search(text))
    return Intent(
        now=bool(_NOW.search(plain))
        or bool(_WHERE.search(plain.strip()))
        or (bool(_PERFECT.search(plain)) and not _PAST.search(_SINCE.sub(" ", text))),
        verify=bool(_VERIFY.search(text)),
        author=bool(_AUTHOR.search(text)),
        sourced=bool(_SOURCED.search(text)),
        past=past,
        # A few words without a stop are a query.
        asks=bool(_ASKS.search(text)) or (len(text.split()) <= _QUERY_WORDS and not text.endswith((".", "!"))),
        tool=bool(_TOOL.search(text)),
        command=bool(_COMMAND.search(text)),
        leans=bool(_LEANS.search(text)),
        stated=bool(_STATED.search(text)),
    )
