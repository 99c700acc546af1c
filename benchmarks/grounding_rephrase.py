"""Light rephrasing of a sentence by rule: synonyms, clauses in another order, other notations of numbers. The sense stays."""

from __future__ import annotations

import re
from collections.abc import Callable

from benchmarks.grounding_text import Rng

_SYNONYMS = (
    ("approximately", "about"), ("primarily", "mainly"), ("compared to", "versus"), ("compared with", "against"), ("due to", "because of"), ("as a result of", "owing to"),
    ("additional", "further"), ("purchased", "bought"), ("purchase", "buy"), ("obtain", "get"), ("utilize", "use"), ("assist", "help"), ("began", "started"),
    ("begin", "start"), ("employees", "staff"), ("customers", "clients"), ("significant", "substantial"), ("significantly", "substantially"), ("prior to", "before"),
    ("in addition", "also"), ("subsequent to", "after"), ("provides", "offers"), ("provide", "offer"), ("require", "need"), ("requires", "needs"), ("various", "several"),
    ("numerous", "many"), ("however", "but"), ("believe", "think"), ("believes", "thinks"), ("anticipate", "expect"), ("anticipates", "expects"), ("increased", "rose"),
    ("decreased", "declined"), ("increase", "rise"), ("decrease", "decline"), ("higher", "greater"), ("generally", "usually"), ("company", "firm"), ("agreement", "contract"),
    ("revenue", "sales"), ("results of operations", "operating results"), ("in order to", "to"), ("which", "that"), ("may", "might"), ("continues", "keeps on"),
    ("largely", "mostly"), ("driven by", "caused by"), ("ended", "closed"), ("commenced", "began"), ("terminate", "end"), ("acquired", "bought"), ("strong", "solid"),
    ("large", "big"), ("difficult", "hard"), ("important", "key"), ("quickly", "fast"), ("adversely", "negatively"), ("ability", "capacity"), ("receive", "get"),
    ("total", "overall"), ("shows", "indicates"), ("reported", "posted"), ("per year", "a year"), ("annually", "every year"), ("currently", "at present"),
    ("nearly", "almost"), ("determine", "decide"), ("remain", "stay"), ("remained", "stayed"), ("whether", "if"), ("such as", "like"),
)  # fmt: skip


def swap_words(text: str, rng: Rng) -> str | None:
    """Put synonyms for one or two words; None where the list has none of them."""
    order = list(_SYNONYMS)
    rng.shuffle(order)
    changed = 0
    for old, new in order:
        pattern = re.compile(rf"\b{re.escape(old)}\b(?!,? \d)", re.I)
        match = pattern.search(text)
        if match and old == "may" and match.group() != "may":
            continue
        if not match:
            continue
        put = new.capitalize() if match.group()[0].isupper() else new
        text = text[: match.start()] + put + text[match.end() :]
        changed += 1
        if changed == 2:
            break
    return text if changed else None


def _front_to_back(text: str, rng: Rng) -> str | None:
    match = re.match(
        r"((?:In|During|For|As of|At|On|Since|After|While|Although|Because|If|When) [^,]{4,70}), ([^;:]{20,})\.$", text
    )
    if not match or re.match(r"(?:and|or|which|but|including|as well)\b", match[2]) or match[2].count(",") > 2:
        return None
    head, rest = match[1], match[2]
    if (
        not re.match(r"(?:the|our|we|it|its|this|these|they|a|an|total|net|sales|revenue)\b", rest, re.I)
        and not rest[0].isupper()
    ):
        return None
    comma = "," if head.split()[0] in {"While", "Although"} else ""
    return f"{rest[0].upper()}{rest[1:]}{comma} {head[0].lower()}{head[1:]}."


def _back_to_front(text: str, rng: Rng) -> str | None:
    match = re.match(
        r"([A-Z][^,;:]{15,}) ((?:in|during|for|as of) (?:fiscal |the (?:year|quarter) ended |the )?(?:[A-Z][a-z]+ \d{1,2}, )?(?:19|20)\d\d)\.$",
        text,
    )
    if not match:
        return None
    first = match[1].split()[0]
    start = (
        match[1]
        if first in {"I"} or (not first.istitle()) or first not in _SAFE_HEADS
        else match[1][0].lower() + match[1][1:]
    )
    return f"{match[2][0].upper()}{match[2][1:]}, {start}."


_SAFE_HEADS = {
    "The",
    "Our",
    "We",
    "This",
    "These",
    "Net",
    "Total",
    "A",
    "An",
    "Sales",
    "Revenue",
    "Revenues",
    "Its",
    "They",
    "It",
}


def _formats(text: str, rng: Rng) -> str | None:
    """Write one number otherwise: $1.2 billion as $1,200 million, 5% as 5 percent."""
    choices: list[Callable[[], str | None]] = []

    def billions() -> str | None:
        m = re.search(r"\$(\d{1,3})\.(\d{1,2}) billion\b", text)
        if not m:
            return None
        value = round(float(f"{m[1]}.{m[2]}") * 1000)
        return text[: m.start()] + f"${value:,} million" + text[m.end() :]

    def millions() -> str | None:
        m = re.search(r"\$(\d{1,3}),(\d{3}) million\b", text)
        if not m:
            return None
        value = int(m[1] + m[2]) / 1000
        return text[: m.start()] + f"${value:g} billion" + text[m.end() :]

    def percent() -> str | None:
        m = re.search(r"(\d)%(?=[\s.,;)])", text)
        return text[: m.end() - 1] + " percent" + text[m.end() :] if m else None

    def sign() -> str | None:
        m = re.search(r"(\d) percent\b", text)
        return text[: m.end() - 8] + "%" + text[m.end() :] if m else None

    choices = [billions, millions, percent, sign]
    rng.shuffle(choices)
    return next((made for f in choices if (made := f())), None)


def _contract(text: str, rng: Rng) -> str | None:
    for long, short in (
        ("did not", "didn't"),
        ("does not", "doesn't"),
        ("do not", "don't"),
        ("is not", "isn't"),
        ("are not", "aren't"),
        ("was not", "wasn't"),
        ("cannot", "can't"),
        ("will not", "won't"),
    ):
        if f" {long} " in text:
            return text.replace(f" {long} ", f" {short} ", 1)
    return None


def _drop_lead(text: str, rng: Rng) -> str | None:
    match = re.match(
        r"(?:However|Additionally|In addition|Furthermore|Moreover|As a result|Accordingly|Therefore|For example|Also), (.{30,})$",
        text,
    )
    return match[1][0].upper() + match[1][1:] if match else None


def rephrase(text: str, rng: Rng) -> str | None:
    """Return the sentence in slightly other words, one to three changes; None where no rule applies."""
    rules = [swap_words, _front_to_back, _back_to_front, _formats, _contract, _drop_lead]
    rng.shuffle(rules)
    made, changes = text, 0
    for rule in rules:
        new = rule(made, rng)
        if new and new != made:
            made, changes = new, changes + 1
        if changes == 3:
            break
    return made if changes and made != text else None
