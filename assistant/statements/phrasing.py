"""The wording of questions: what in it says how to answer, and what it asks for. Pure."""

from __future__ import annotations

import re

_STATEMENT = re.compile(
    r"(?<!\bon )(?<!\bon its )(?<!\bon the )\b(?:(?:from|in|within|per) the )?(?:consolidated )?(?:(?:statements? of|p&l|profit and loss|income|earnings|cash[- ]flows?|balance) (?:consolidated )?(?:income|operations|earnings|financial position|financial condition|cash[- ]flows?|statements?|sheets?)(?: statements?)?|p&l)\b",
    re.I,
)
_KINDS = (
    ("income", re.compile(r"\b(?:income statement|statements? of (?:consolidated )?(?:income|operations|earnings)|earnings statement|p&l|profit (?:and|&) loss)\b", re.I)),
    ("balance", re.compile(r"\b(?:balance sheets?|statements? of (?:consolidated )?financial (?:position|condition))\b", re.I)),
    ("cash", re.compile(r"\b(?:cash[- ]flows? statements?|statements? of (?:consolidated )?cash[- ]flows?)\b", re.I)),
)  # fmt: skip
DEFINED = (
    re.compile(r"(?:\b(?:define|calculate|compute)\s+)(?P<name>[^.?]{2,80}?)\s+as:?\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
    re.compile(r"(?:^|(?<=[.?!:]\s)|\band\s+)(?P<name>[\w&/' ()-]{2,80}?)\s+(?:here\s+)?(?:is|are|can be) (?:defined|calculated|computed) as:?\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
    re.compile(r"(?:^|(?<=[.?!:]\s))(?P<name>[A-Z][\w&/' ()-]{2,60}?)\s+(?:is|are|equals?|means)\s+(?P<body>[^?.]*\b(?:divided by|over|minus|less|plus|times)\b[^?.]*?)(?=\.(?:\s|$))", re.I),
    re.compile(r"(?:^|(?<=[.?!:]\s))(?P<name>[\w&/' ()-]{2,60}?)\s+=\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
)  # fmt: skip
USING = re.compile(r"\bcalculate\s+(?P<name>[\w&' ]{2,40}?)\s+using\s+(?P<body>[^?.]+)", re.I)
# Sentences that say how to answer, not what for.
_MANNER = re.compile(
    r"(?:^|(?<=[.?!:] ))(?:please )?(?:round|answer (?:in|with|the)|base your|basing your|respond|approach|provide a response|give a response|calculate (?:what|\(or|your)|compute or|"
    r"calculate or|assume|address|you are|we need|we want|utili[sz]|limit|use only|rely|express|if you|if the answer|for this|take both)\b(?!.*\?)[^.?]*(?:\.(?=\s|$)|$)",
    re.I,
)
# What a formula of the question's own does not make harmless.
RISKY = re.compile(
    r"\b(?:exclud\w*|adjusted|organic\w*|constant currency|non-?gaap|pro[- ]?forma|core|segments?|guidance|outlook|forecast\w*|project(?:ed|ions?)|expect\w*|target\w*|estimate\w*|plan(?:s|ned)?|why|"
    r"drivers?|drove|explain|next (?:year|quarter|fiscal)|per (?:employee|customer|store|unit)|analysts? (?:expect|estimate)\w*|peers?|industry)\b",
    re.I,
)
ACTIVITIES = re.compile(
    r"\boperat\w+\b.*\binvest\w+\b.*\bfinanc\w+\b.*\b(?:cash ?flow|cash)\b|\bcash ?flow\b.*\boperat\w+\b.*\binvest\w+\b.*\bfinanc\w+",
    re.I,
)
SCALE = re.compile(r"\b(?P<s>thousand|million|billion|trillion|mm|bn)s?\b", re.I)
SCALES = {"thousand": 1e3, "million": 1e6, "mm": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12}
PLACES = re.compile(r"\b(?P<n>one|two|three|four|zero|no|\d)[- ](?:decimals?|digits?)\b", re.I)
COUNT = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4}
_PERCENT = re.compile(
    r"\b(?:in|as|units? of) (?:a )?(?:percents?|percentages?)\b(?! of)(?: points?| terms)?|\bpercentage points?\b|\(\s?(?:in )?%\s?\)|\b(?:give|express|state)\w* (?:the |a |it as |it in |as )?(?:a )?percent(?:age)?\b|(?:^|[.?;,(] ?)percent(?:age)?\b(?! of)",
    re.I,
)
# How the answer is to be written.
_FORM = (
    re.compile(r"[\[(](?:from|as shown|according to|using|see|per)\b[^\])]*(?:statements?|sheet)[^\])]*[\])]|\((?:in |rounded )?(?:usd|us\$|\$)?[^()⟦]{0,12}(?:thousand|million|billion)s?\)", re.I),
    re.compile(r"(?:,|;|\(|\band\b)?\s?(?:\b(?:rounded|round|reply|answer|respond|give|express|expressed|state|to|with|at|using|in) )*(?:the |your answer |it )*(?:to |with )?\b(?:one|two|three|four|zero|no|\d)[- ](?:decimals?|digits?)(?:[- ](?:places?|points?|digits?))?(?: after the (?:decimal )?point)?\)?", re.I),
    re.compile(r"\brounded to (?:the )?nearest \w+|\b(?:is|are) defined as:?\s*$", re.I),
    re.compile(r"\b(?:answer |reply |give |express(?:ed)? |state )?(?:the \w+ )?(?:in )?(?:units? of )(?:percents?|percentages?)\b", re.I),
    re.compile(r"\b(?:in|as) (?:a )?(?:percents?|percentages?)\b(?! of)(?: points?| terms)?|\bpercentage points?\b|\((?:in )?%\)", re.I),
    re.compile(r"\(?(?:\bin )?(?:whole )?(?:\b(?:usd|us dollars|u\.s\. dollars|us\$|dollars|eur|euros|gbp|pounds)|(?<!\w)[$€£])?\s?(?:in )?\b(?:thousand|million|billion|trillion|mm|bn)s?\b(?: of)?(?: us)?(?: dollars| usd)?\)?", re.I),
    re.compile(r"\b(?:per|according to|based on|in|from|of) (?:the|its|their) (?:10-?[kq]|annual report|quarterly report|filing|press release|earnings release|release)(?: (?:for|of) ⟦\d+⟧)?", re.I),
    re.compile(r"\((?:loss|losses|income|gain|gains|benefit|deficit|used|used in|used for|net|expense|unaudited|then|now)\)", re.I),
    re.compile(r"\bin (?:usd|us dollars|dollars)\b|\(usd\)", re.I),
)  # fmt: skip
FORMERLY = re.compile(
    r"\b[A-Z][\w.&-]*?(?:'s)?,? \((?:formerly|then|now|previously|f/k/a)(?: known as| called)? ([^)]*)\)|\((?:formerly|then|now|previously)(?: known as| called)? [^)]*\)"
)
_IF = re.compile(r"[;,.]?\s*\bif\b[^.?]*\b(?:state|explain|say so|mention)\b[^.?]*", re.I)
ASKING = re.compile(r"\s*(?:what|how|which|who|when|where|why|does|do|did|is|are|was|were|has|have|had)\b", re.I)


def cleaned(text: str) -> tuple[str, bool]:
    """Return a question without the words on how to answer, and whether it wants percent."""
    percent = bool(_PERCENT.search(text) or re.search(r"% margin", text, re.I))
    text = re.sub(
        r"^.*?\b(?:following question|here's the question|question)[^:?.]*?:\s*", "", text, count=1, flags=re.I
    )
    for pattern in _FORM:
        text = pattern.sub(" ", text)
    text = _IF.sub(" ", _STATEMENT.sub(" ", _MANNER.sub(" ", text)))
    text = re.sub(r"\s[-–—]+\s(?=(?:by|what|how|i\.e|in|give|to|as|namely)\b)", ", ", text, flags=re.I)
    return _balanced(" ".join(text.split())), percent


def _balanced(text: str) -> str:
    """Return a text without brackets that are empty or not closed."""
    text = re.sub(r"\(\s*(?:and|or|[,;.]|\s)*\s*\)", " ", text)
    depth, last = 0, -1
    out = list(text)
    for index, char in enumerate(text):
        if char == "(":
            depth, last = depth + 1, index
        elif char == ")":
            if not depth:
                out[index] = " "
            depth = max(0, depth - 1)
    if depth and last >= 0:
        out[last] = " "
    return " ".join("".join(out).split())


def statements_named(text: str) -> frozenset[str]:
    """Return which of income, balance and cash a question names."""
    return frozenset(kind for kind, pattern in _KINDS if pattern.search(text))


def own_definition(text: str) -> bool:
    """Whether a question defines a measure of its own."""
    return any(pattern.search(text) for pattern in DEFINED)
