"""What questions look like: the patterns by which ``assistant.question`` reads them. Data only."""

from __future__ import annotations

import re

LIST = re.compile(
    r"^(?:please )?(?:list|name|enumerate)\b|\b(?:list|name|give me) (?:all|the|some|two|three|four|five|every|of)\b|"
    r"\b(?:what|which) (?:are|were) (?:the|some|all)\b|\bwhat all\b|\ball the\b|"
    r"\b(?:what|which) (?:(?:two|three|four|five|six|\d|other|main|key|late|early)[\w-]* )?(?:(?!is\b|was\b|does\b|has\b|are\b|were\b|do\b|did\b)"
    r"[\w-]+ ){0,2}?(?!is\b|was\b|does\b|has\b|us\b)[\w-]{3,}(?<!s)s\b(?!['’])|"
    r"\b(?:two|three|four|five|six|several|all) (?:\w+ )?(?:factors|reasons|drivers|catalysts|sectors|things|steps|areas|risks|points|takeaways)\b",
    re.I,
)
COMPARE = re.compile(
    r"\b(?:compar\w+|versus|vs\.?|differ\w*|contrast\w*|(?:more|less|fewer|higher|lower|larger|smaller|bigger|better|worse) than|"
    r"relative to|as opposed to|against (?:the |that of )?(?:large|small|mid|s&p|russell|peers)|(?:agree|disagree)(?! to\b)|"
    r"gap between|both (?:articles|sources|notes|pieces|houses))\b",
    re.I,
)
BOTH_SIDES = re.compile(
    r"\b(?:for and against|pros? (?:and|&) cons?|bulls? (?:and|&|vs\.?|versus|or) (?:the )?bears?|bears? (?:and|&|vs\.?|versus) (?:the )?bulls?|"
    r"bull(?:ish)? (?:case )?(?:and|vs\.?|versus) (?:the )?bear(?:ish)?(?: case)?|both (?:sides|ways)|(?:bull(?:ish)?|bear(?:ish)?) (?:case|thesis|argument|view)|either way|on the one hand|balanced? (?:view|picture|case|take)|reasons? .{3,80} and reasons?|what could go (?:right|wrong) and|"
    r"arguments? (?:on|from) (?:both|each|either)|"
    r"(?:risks?|threats?|headwinds?|downsides?) (?:and|as well as|vs\.?|versus) (?:the )?(?:benefits?|opportunit\w+|tailwinds?|upsides?|rewards?|catalysts?)|"
    r"(?:benefits?|opportunit\w+|tailwinds?|upsides?|catalysts?|strengths?|advantages?) (?:and|as well as|vs\.?|versus) (?:the )?"
    r"(?:risks?|threats?|headwinds?|downsides?|weakness\w*|disadvantages?)|"
    r"(?:help|good|positive) (?:and|or) (?:hurt|bad|negative|harm)|(?:hurt|harm) (?:and|or) help|cuts? both ways|two sides)\b",
    re.I,
)
AUTHOR = re.compile(
    r"\b(?:who (?:wrote|authored|penned|published|(?:are|is|were|was) (?:the|its|their) (?:authors?|writers?)|"
    r"was the author|signed|is behind)|authors? of|author'?s? names?|byline|written by|whose (?:article|note|piece|report) )",
    re.I,
)
PUBLISHED = re.compile(
    r"\b(?:when (?:was|were|did|is) .{0,80}?\b(?:publish(?:ed)?|written|released?|issued(?! (?:the |its |new )?(?:shares?|stock|bonds?))|issue(?= (?:the|its|this|that) (?:note|article|report|piece|release|filing|paper))|dated?|appear(?:ed)?|come out|came out|filed?(?! for\b)|signed)\b|"
    r"(?:publication|publishing|release|issue|filing) date|date of (?:the )?(?:article|note|piece|report|publication|filing)|"
    r"what(?:'s| is| was) the date (?:of|on)|how old is|what date)",
    re.I,
)
PUBLISHER = re.compile(
    r"\b(?:(?:and|by) (?:which|what) (?:publisher|house|outlet)|who published|which (?:publisher|firm|house|company|outlet|research (?:house|firm)) (?:published|wrote|issued|released|put out)|"
    r"where (?:was|were|did) .{0,80}?\b(?:published|appear(?:ed)?|printed)|publisher of|published by (?:whom|who))",
    re.I,
)
AFTER = re.compile(
    r"\b(?:based on|draws? on|built on|derived from|after which|which (?:article|piece|report)s? (?:is|are|does)|whose (?:article|piece|report|facts))\b",
    re.I,
)
AND_WHEN = re.compile(r"\b(?:and|,) when\b", re.I)
TITLE = re.compile(r"\b(?:title of|what(?:'s| is| was) .{0,60}?\b(?:called|titled|headline))", re.I)
NUMBER = re.compile(
    r"\b(?:what (?:did|does|do|will|has|have|had)\b.{1,60}?\b(?:pay|paid|cost|spend|spent)\b(?! attention)|how (?:much|many|far|large|big|high|low|long|deep|steep|often)|what (?:percent\w*|share|fraction|proportion|portion|number|amount|price|(?:[\w-]+ ){0,2}target|"
    r"level|size|value|range|rate|ratio|multiple|weight\w*)|by how|count of|number of|percentage|what (?:is|was|are|were) .{0,40}"
    r"\b(?:percent\w*|number|range|yield|ratio|multiple|price|p/e|level|total|amount|rate|size|weight|target|return|growth|backlog|headcount|capacity))(?! (?:of debt|plans?))\b",
    re.I,
)
DATE = re.compile(
    r"\b(?:when|(?:what|which) (?:year|date|month|day|quarter)|by what year|since when|until when)\b", re.I
)
PERSON = re.compile(
    r"\b(?:who|whose|whom|(?:which|what) (?:firm|company|house|bank|broker|source|provider|agency|outlet)|where does .{1,60}\b(?:get|take|draw|source)s?\b)",
    re.I,
)
# "What drove …", "what lay behind …": a cause is asked for, no list.
DROVE = re.compile(
    r"\bwhat (?:explains?|explained|made|drove|drives|led to|lay behind|lies behind|was behind|were behind|is behind|"
    r"pushed|lifted|raised|helped|hurt|boosted|weighed|contributed|accounts? for|prompted|triggered|is driving|are driving|was driving|has driven)\b",
    re.I,
)
WHY = re.compile(rf"{DROVE.pattern}|\b(?:why|reasons?|because|cause[sd]?)\b", re.I)
# What asks for page furniture: it is looked at only then.
FURNITURE = re.compile(
    r"\b(?:disclaimers?|cookies?|phone|telephone|e-?mail|contact|sign(?:ed|ature|atory|off)|roles?|job titles?|copyright|trademarks?|"
    r"navigation|footer|header|legal notice|who (?:is|are|was) (?!the\b)|position of|title of (?!the (?:article|note|report|piece)))",
    re.I,
)
ROLE = re.compile(
    r"\b(?:roles?|job|(?:job )?titles? (?:of|at|does|is)|position|what does .{3,40} do\b|who is (?!the\b)|(?:'s|’s) title)",
    re.I,
)
IMPERATIVE = re.compile(
    r"^(?:please |can you |could you )*(?:list|name|enumerate|give me|tell me|show me|explain|describe)\b", re.I
)
LIVE = re.compile(
    r"\b(?:(?:latest|current(?:ly)?|today['’]?s|live|real[- ]?time|last|spot) (?:\w+ ){0,2}?(?:price|quote|close|level|yield|market cap|value|nav|"
    r"share price|stock price|p/e|spread|rate)\b|(?:is|are) .{1,40} trading (?:at|for)\b|"
    r"(?:price|quote|yield|market cap|nav|p/e|worth|trad\w+|level|closed?)\b.{0,40}\b(?:right now|today|at the moment|now|yesterday|this morning)\b|"
    r"(?:right now|today|at the moment|yesterday|this morning)\b.{0,40}\b(?:price|quote|yield|market cap|nav|p/e|trad\w+|closed?)\b)",
    re.I,
)
LEANS = re.compile(r"\b(?:it|its|they|their|them|this|that|these|those|he|she|his|her|there)\b", re.I)
# Words that ask for two sides, and so are no part of the subject.
SIDE_WORDS = re.compile(
    r"\b(?:arguments?|good or bad|good|bad|bulls?|bullish|bears?|bearish|case|cases|pros?|cons?|sides?|speaks?|counter-?arguments?|signal|warning|"
    r"risks?|benefits?|opportunit\w+|tailwinds?|headwinds?|upsides?|downsides?|strengths?|weakness\w*|hurt|help|really|versus|vs|debate|strongest|"
    r"best|owning|buying|holding|for and against|balanced?|need|committee|reasons?|happen|might|idea|both|ways?|argue|kill|thesis|view|summar\w+|positives?|negatives?|threats?|advantages?|disadvantages?)\b",
    re.I,
)
SPLIT = re.compile(
    r"\?\s+(?=\w)|(?:,\s*|\s+)and (?=(?:what|how|who|when|which|why|where|does|do|is|are|by how|did)\b)|;\s+|,\s+(?=(?:what|how (?:much|many)|who|when|why) (?:did|does|do|was|were|is|are|has|have)\b)",
    re.I,
)
# Something is to happen in the years that are named.
FORWARD = re.compile(
    r"\b(?:expir\w+|matur\w+|runs? out|running out|(?:fall|come|falling|coming)s? due|(?:goals?|targets?|aims?) .{0,40}\bby\b|by (?:the end of )?20[3-9]\d)\b",
    re.I,
)
# What leads to a period: "from fiscal", "and in", "between the ends of".
BEFORE_PERIOD = re.compile(
    r"(?:[\s,]*\b(?:from|to|and|or|between|in|of|for|versus|vs|with|than|at|during|the|ends?|close|beginning|start|both|fiscal|fy|years?|year[\s-]?ends?|compared)\b\.?)+\s*$",
    re.I,
)
# "If margin is no useful metric for such a company, say so and explain why": how to answer, not what is asked.
CONDITION = re.compile(
    r"(?<=[.?!])\s+If\b[^.?!]*\b(?:not|no|isn[’']t|aren[’']t)\b[^.?!]*\b(?:useful|relevant|meaningful|applicable|available|reported|disclosed|metric|ratio)\b[^.?!]*[.?!]?"
)
ASKS = re.compile(
    r"\b(?:what|how|who|whose|whom|when|which|why|where|do|does|did|is|are|was|were|has|have|can|could|will|would|should|list|name|tell|give|compare|explain|describe|show)\b",
    re.I,
)
