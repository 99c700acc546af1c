"""Damage to a sentence, of one kind each. What it says changes; None where a kind cannot be done to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from benchmarks.grounding_text import VERBISH, Passage, Rng, proper_names

_AMOUNT = re.compile(
    r"(?<![\w.,/-])\$?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d{2,3}|[3-9])(?=%|\s(?:million|billion|percent|basis|[a-z]{4,})|[.,;)\s])(?![.,]?\d)(?!-)"
)
_NO_AMOUNT = re.compile(
    r"(?:Note|Item|Section|Rule|Part|Exhibit|No\.|ASU|ASC|Form|Topic|Level|Tier|Stage|Phase|January|February|March|April|May|June|July|August|September|October|November|December|Russell|S&P|Nasdaq|Basel|Title|Chapter|Act of|Series|page|Class|Q)\s?$"
)
_YEAR = re.compile(r"(?<![\d$,./-])(?:19[89]\d|20[0-3]\d)(?![\d%]|-\d)")


def _pick(matches: Sequence[re.Match[str]], rng: Rng) -> re.Match[str] | None:
    return rng.choice(matches) if matches else None


def number(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Another value: a digit changed, a tenth to a half more or less, or another figure of the passage of the same shape."""
    found = [
        m
        for m in _AMOUNT.finditer(text)
        if not _NO_AMOUNT.search(text[: m.start()]) and not _YEAR.fullmatch(m[1]) and m[1] not in {"10", "100", "12"}
    ]
    match = _pick(found, rng)
    if match is None:
        return None
    old = match[1]
    value = float(old.replace(",", ""))
    if not value:
        return None
    places = len(old.partition(".")[2])
    way = rng.random()
    new = ""
    if way < 0.3:
        others = [
            m[1]
            for m in _AMOUNT.finditer(" ".join(passage.text.split()))
            if len(m[1]) == len(old)
            and m[1] not in text
            and ("," in m[1]) == ("," in old)
            and ("." in m[1]) == ("." in old)
        ]
        new = rng.choice(others) if others else ""
    if not new and way < 0.65:
        digits = [i for i, c in enumerate(old) if c.isdigit()][:2]
        at = rng.choice(digits)
        new = old[:at] + rng.choice([d for d in "123456789" if d != old[at]]) + old[at + 1 :]
    if not new:
        factor = rng.choice((0.5, 0.7, 0.8, 0.9, 1.1, 1.25, 1.4, 1.7))
        changed = value * factor
        new = f"{changed:,.{places}f}" if "," in old else f"{changed:.{places}f}"
    if abs(float(new.replace(",", "")) - value) < 0.015 * value:
        return None
    return text[: match.start(1)] + new + text[match.end(1) :]


def scale(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Million for billion and the like."""
    match = _pick(list(re.finditer(r"(?<=\d )(thousand|million|billion|trillion)s?\b", text)), rng)
    if match is None:
        return None
    others = {
        "thousand": ["million"],
        "million": ["billion", "thousand"],
        "billion": ["million", "trillion"],
        "trillion": ["billion"],
    }[match[1]]
    return text[: match.start(1)] + rng.choice(others) + text[match.end(1) :]


_COUNT = r"\b(?:two|three|four|five|six|nine|ten|\d+) "
# The unit is what stands in the group; a replacement for it is drawn.
_UNITS = (
    (r"\d(%)", (" basis points", " percentage points", " million", "x")),
    (r"\d( percent)\b", (" basis points", " percentage points")),
    (r"\d( basis points)\b", (" percent", "%")),
    (r"\d( percentage points)\b", (" basis points",)),
    (r"(\$)(?=\d)", ("€", "£", "¥")),
    (_COUNT + r"(months)\b", ("years", "weeks", "days")),
    (_COUNT + r"(years)\b", ("months", "decades")),
    (_COUNT + r"(days)\b", ("weeks", "months", "hours")),
    (_COUNT + r"(weeks)\b", ("months", "days")),
    (r"\d ((?:million|billion) shares)\b", ("million dollars",)),
)


def unit(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Basis points for percent, euros for dollars, months for years."""
    found = [(m, others) for pattern, others in _UNITS for m in re.finditer(pattern, text)]
    if not found:
        return None
    match, others = rng.choice(found)
    return text[: match.start(1)] + rng.choice(others) + text[match.end(1) :]


def year(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Another year: one of the passage, or one to five off."""
    match = _pick(list(_YEAR.finditer(text)), rng)
    if match is None:
        return None
    old = match.group()
    near = sorted({m.group() for m in _YEAR.finditer(passage.text)} - {old})
    new = rng.choice(near) if near and rng.random() < 0.5 else str(int(old) + rng.choice((-5, -3, -2, -1, 1, 2, 4)))
    return text[: match.start()] + new + text[match.end() :]


def entity(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Another name: from another document, sometimes from the same passage."""
    match = _pick([m for m in proper_names(text) if any(n == m.group() for n in pool)], rng)
    if match is None:
        return None
    old = match.group()
    near = sorted({m.group() for m in proper_names(" ".join(passage.text.split()))} - {old})
    near = [n for n in near if not set(n.lower().split()) & set(old.lower().split()) and n not in text and n in pool]
    far = [
        n
        for n in pool
        if not set(n.lower().split()) & set(old.lower().split()) and n.split()[0].lower() not in passage.text.lower()
    ]
    choices = near if near and rng.random() < 0.25 else far
    return text[: match.start()] + rng.choice(choices) + text[match.end() :] if choices else None


_SIGNS = (
    ("net loss", "net profit"), ("losses", "gains"), ("loss", "gain"), ("gains", "losses"), ("gain", "loss"), ("profit", "loss"), ("negative", "positive"), ("positive", "negative"),
    ("unfavorable", "favorable"), ("favorable", "unfavorable"), ("surplus", "deficit"), ("deficit", "surplus"), ("inflows", "outflows"), ("outflows", "inflows"), ("net income", "net loss"),
    ("cash provided by", "cash used in"), ("cash used in", "cash provided by"), ("headwind", "tailwind"), ("tailwind", "headwind"), ("adverse", "beneficial"),
)  # fmt: skip


def _exchange(text: str, pairs: Sequence[tuple[str, str]], rng: Rng) -> str | None:
    found = [(m, new) for old, new in pairs for m in re.finditer(rf"\b{re.escape(old)}\b", text, re.I)]
    if not found:
        return None
    match, new = rng.choice(found)
    put = new[0].upper() + new[1:] if match.group()[0].isupper() else new
    return text[: match.start()] + put + text[match.end() :]


def sign(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """A loss for a gain, a bracket taken off, a minus put on."""
    bracket = re.search(r"\$?\((\d[\d,.]*)\)(?= (?:million|billion)|%)|-(?=\d+(?:\.\d+)?%)", text)
    if bracket:
        return (
            text[: bracket.start()]
            + ("$" if "$" in bracket.group() else "")
            + (bracket[1] or "")
            + text[bracket.end() :]
        )
    if rng.random() < 0.25:
        percent = re.search(r"(?<=(?:.of|.by|was|ere) )(?=\d+(?:\.\d+)?%)", text)
        if percent:
            return text[: percent.start()] + "-" + text[percent.start() :]
    # "gain or loss" names both: to exchange one of them would change nothing that can be checked.
    return (
        None
        if re.search(
            r"(?:gain|loss|income|inflow|favorable|positive)\w*\)? ?\(?(?:/|or|and|from)? ?\(?(?:gain|loss|outflow|unfavorable|negative)",
            text,
            re.I,
        )
        else _exchange(text, _SIGNS, rng)
    )


_DIRECTIONS = (
    ("increased", "decreased"), ("decreased", "increased"), ("increase", "decrease"), ("decrease", "increase"), ("increases", "decreases"), ("decreases", "increases"), ("increasing", "decreasing"),
    ("higher", "lower"), ("lower", "higher"), ("rose", "fell"), ("fell", "rose"), ("grew", "shrank"), ("growth", "decline"), ("growing", "shrinking"), ("grow", "shrink"),
    ("declined", "rose"), ("decline", "rise"), ("improved", "worsened"), ("improvement", "deterioration"), ("improve", "worsen"), ("above", "below"), ("below", "above"),
    ("exceeded", "fell short of"), ("exceed", "fall short of"), ("more than", "less than"), ("less than", "more than"), ("strong", "weak"), ("stronger", "weaker"), ("weaker", "stronger"),
    ("expanded", "contracted"), ("expansion", "contraction"), ("expand", "contract"), ("up", "down"), ("down", "up"), ("greater", "smaller"), ("gained", "lost"),
    ("reduced", "raised"), ("reduction", "rise"), ("reduce", "raise"), ("accelerated", "slowed"), ("outperformed", "underperformed"), ("before", "after"), ("after", "before"),
    ("strengthened", "weakened"), ("maximum", "minimum"), ("minimum", "maximum"), ("upward", "downward"), ("highest", "lowest"), ("lowest", "highest"), ("largest", "smallest"),
    ("buy", "sell"), ("bought", "sold"), ("sold", "bought"), ("more", "fewer"), ("earlier", "later"), ("rising", "falling"), ("falling", "rising"), ("offset", "compounded"),
    ("at least", "at most"), ("long-term", "short-term"), ("short-term", "long-term"), ("accelerate", "slow"), ("worse", "better"), ("better", "worse"),
)  # fmt: skip


_NO_DIRECTION = re.compile(r"\b(?:up to|down payment|set up|made up|make up|makes up|follow up|back up|more information|day after|named after|look(?:ing)? after|opened up|sign(?:ed|ing)? up|once more|after that|before that|growth stocks?|build up|ramp(?:ed|ing)? up|line up|end(?:ed)? up|up and running|open(?:ed|ing)? up|catch up|speed up|follow-up|start-up|up front|what’s more|any ?more)\b", re.I)  # fmt: skip


def direction(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Fell for rose."""
    return None if _NO_DIRECTION.search(text) else _exchange(text, _DIRECTIONS, rng)


def negation(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """A not put in, or taken out."""
    if re.search(r"\b(?:not only|whether or not|if not|not just|not necessarily|not limited)\b", text):
        return None
    taken = re.search(
        r"\b(did|does|do) not (\w+)|\b(is|are|was|were|has|have|had|will|would|could|can|may|should|must) not\b|\b(can)not\b",
        text,
    )
    if taken:
        put = f"{taken[1]} {taken[2]}" if taken[1] else (taken[3] or taken[4])
        return text[: taken.start()] + put + text[taken.end() :]
    gone = re.search(
        r"\b(?:There (?:is|was|were|are)|(?:ha[sd]|have|with|was|were|is|are)) no (?!longer|later|more|less|such|assurance)",
        text,
    )
    if gone:
        put = gone.group()[:-3]
        return text[: gone.start()] + put + text[gone.end() :]
    found = list(
        re.finditer(
            r"(?<=[\w)’] )(?:is|are|was|were|will|can|could|may|might|would|should|must)(?= (?!not\b|no\b|also not)[a-z]+)|(?<=[\w)’] )(?:has|have|had)(?= (?:been|[a-z]+ed)\b)",
            text,
        )
    )
    match = _pick(found, rng)
    if match is None:
        return None
    return text[: match.end()] + " not" + text[match.end() :]


_SYMMETRIC = re.compile(
    r"\b(?:and|or|merge\w*|partner\w*|between|both|with|respectively|as well as|including|such as|jointly|combin\w*|among|near|together|each|versus|compet\w*|through)\b|/",
    re.I,
)


def swap(text: str, passage: Passage, pool: Sequence[str], rng: Rng) -> str | None:
    """Two names, two subjects or two figures in each other's place."""
    made: list[str] = []

    def put(a: tuple[int, int], b: tuple[int, int]) -> None:
        x, y = text[slice(*a)], text[slice(*b)]
        if x.lower() != y.lower():
            new = text[: a[0]] + (y[0].upper() + y[1:] if a[0] == 0 else y) + text[a[1] : b[0]] + x + text[b[1] :]
            made.append(new)

    head = re.match(r"[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2}(?= (?:is|was|has|had|will|\w+ed|\w+s)\b)", text)
    names = [m.span() for m in proper_names(text) if m.group() in pool]
    if head and head.group() in pool:
        names.insert(0, head.span())
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            between = text[a[1] : b[0]]
            if (
                VERBISH.search(between)
                and not _SYMMETRIC.search(between)
                and not set(text[slice(*a)].split()) & set(text[slice(*b)].split())
            ):
                put(a, b)
    clause = re.match(
        r"(?P<a>(?!(?:While|What|When|If|Although|There|This|These|It|As|Certain|No)\b)(?:[A-Z][\w’'&-]*)(?: (?!(?:is|are|was|were|that|which|who|not|has|have)\b)[\w’'&-]+){0,4}?) (?P<v>(?:was|were|increased|decreased|rose|fell|grew|declined|improved|outperformed|returned|gained|dropped|reported|had|is|are|has|have)\b[^;]{3,120}?)"
        r"(?:,? (?:while|whereas|but|and)) (?P<b>(?:[\w’'&-]+)(?: (?!(?:that|which|who|not|is|are)\b)[\w’'&-]+){0,4}?) (?:was|were|increased|decreased|rose|fell|grew|declined|improved|returned|gained|dropped|had|is|are|has|have)\b",
        text,
    )
    if (
        clause
        and clause["a"].split()[-1].lower() not in {"it", "we", "they", "which", "that", "who"}
        and clause["b"].split()[0].lower()
        not in {
            "it",
            "we",
            "they",
            "this",
            "these",
            "that",
            "which",
            "there",
            "who",
            "if",
            "when",
            "in",
            "is",
            "as",
            "for",
            "have",
            "has",
            "will",
            "does",
            "did",
            "do",
            "not",
            "therefore",
            "thus",
            "then",
            "also",
            "often",
            "he",
            "she",
            "you",
            "i",
            "to",
            "by",
            "on",
            "at",
        }
    ):
        first = clause["a"]
        lowered = (
            first
            if re.match(r"[A-Z]\w*[A-Z]", first)
            or first.split()[0]
            not in {
                "The",
                "Our",
                "Net",
                "Total",
                "Sales",
                "Revenue",
                "Revenues",
                "Operating",
                "Gross",
                "Cash",
                "Interest",
                "Income",
            }
            else first[0].lower() + first[1:]
        )
        second = clause["b"]
        made.append(
            second[0].upper()
            + second[1:]
            + text[clause.end("a") : clause.start("b")]
            + lowered
            + text[clause.end("b") :]
        )
    amounts = list(re.finditer(r"\$\d[\d,.]*\d(?: (?:million|billion))?|\d+(?:\.\d+)?%", text))
    pairs = [
        (a, b)
        for i, a in enumerate(amounts)
        for b in amounts[i + 1 :]
        if a.group()[0] == b.group()[0] or a.group()[-1] == b.group()[-1] == "%"
    ]
    if pairs and (not made or rng.random() < 0.4):
        a, b = rng.choice(pairs)
        if a.group() != b.group():
            made = []
            put(a.span(), b.span())
    return rng.choice(made) if made else None


# Kind -> (sentence, its passage, names of other documents, randomness) -> the damaged sentence.
DAMAGE: dict[str, Callable[[str, Passage, Sequence[str], Rng], str | None]] = {
    "number": number, "scale": scale, "unit": unit, "year": year, "entity": entity, "sign": sign, "direction": direction, "negation": negation, "swap": swap,
}  # fmt: skip
