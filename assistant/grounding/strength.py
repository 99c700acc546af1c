"""How much a claim says: not "did" for "may", not "all" for "some", no superlative of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.grounding.case import Case, Finding
from assistant.grounding.lists import listed
from assistant.grounding.reading import spelled
from assistant.grounding.words import Sentence, alike
from assistant.lexicon import stem


def _past(word: str) -> bool:
    low = word.lower()
    return low.endswith("ed") or low in listed("irregular_past")


_LOOSE = frozenset({"each", "everyone", "everything"})  # "each year", "nearly everything": ways of speaking
_LEVELS = ((3, "all"), (2, "most"), (1, "some"))
_EST = re.compile(r"\b(?:(?<=\bthe )most\s+[a-z]{4,}|(?<=\bits )most\s+[a-z]{4,}|(?!(?:inter|t|pro|con|inv|requ|forew|for|w|n|manif|mod|hon|arr|sugg|dig|r|gu|harv|b|latt|cr|ch|qu|earn|behest|ingest|bequ|attest|request|northw|southw|midw|l)est\b)[a-z]{2,}[a-z]est)\b", re.I)  # fmt: skip
_FIRST = re.compile(
    r"\b(?:only|sole|first(?!\s+(?:half|quarter|nine|six|three|of all))|record|unprecedented|best|worst)\b", re.I
)


def check_strength(case: Case) -> list[Finding]:
    """The claim says no more than the source: not "did" for "may", not "all" for "some", no superlative of its own."""
    sentences = case.sentences(3)
    if not sentences:
        return []
    findings: list[Finding] = []
    claim_words = set(spelled(case.text))
    best = sentences[0][1]
    matched = [(t, u) for t in case.tokens if not t.figure and not t.name for u in best.tokens if alike(t, u) >= 0.8]
    if matched and not claim_words & listed("hedges"):
        hedged = {t.start for t, u in matched if u.hedged}
        free = {t.start for t, u in matched if not u.hedged}
        firm = sorted(best.vocabulary & listed("firm_hedges"), key=best.words.index)
        # A term of a contract "will" apply: only what is told as past goes beyond it.
        open_ended = any(w not in {"will", "would", "shall", "if", "unless"} for w in firm)
        only = hedged - free
        happened = any(t.start in only and _past(t.surface) and not _past(u.surface) for t, u in matched if u.hedged)
        if firm and (happened or (open_ended and len(only) >= 2 and len(only) >= 0.4 * len(hedged | free))):
            findings.append(Finding("hedge", f"the source says only “{firm[0]}”, the claim states it as a fact", False))
    findings += _quantifiers(case, [s for _, s in sentences])
    held = {u.stem for _, s in sentences for u in s.tokens} | {stem(w) for _, s in sentences for w in s.words}
    text = " ".join(s.text.lower() for _, s in sentences)
    for match in (*_EST.finditer(case.text), *_FIRST.finditer(case.text)):
        word = match.group().lower()
        last = word.split()[-1]
        if re.search(r"\bat\s+$", case.text[: match.start()], re.I):
            continue
        if (word == last and stem(last) in held) or word in text or _superlative_in(case, last, held):
            continue
        if word in {"only", "first", "best", "record"} and re.match(
            r"\s+(?:\$|\d|about)", case.text[match.end() : match.end() + 8]
        ):
            continue
        findings.append(Finding("strength", f"“{match.group()}” is the claim's own", False, slight=True))
        break
    return findings


def _superlative_in(case: Case, word: str, held: set[str]) -> bool:
    synonyms = {"biggest": "largest", "largest": "biggest", "only": "sole", "sole": "only", "first": "initial", "record": "highest", "highest": "record", "best": "top", "lowest": "minimum", "latest": "recent", "most": "largest"}  # fmt: skip
    token = next((t for t in case.tokens if t.surface.lower() == word), None)
    if stem(synonyms.get(word, word)) in held:
        return True
    return token is not None and any(alike(token, u) >= 0.8 for _, s in case.sentences(3) for u in s.tokens)


def _level(word: str) -> int:
    return next((n for n, name in _LEVELS if word in listed(name)), 0)


def _quantified(words: Sequence[str]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [
        (_level(w), w, tuple(words[i + 1 : i + 5]))
        for i, w in enumerate(words)
        if _level(w) and not (i and words[i - 1] in {"at", "above", "after", "in"} and w in {"all", "most"})
    ]


def _quantifiers(case: Case, best: Sequence[Sentence]) -> list[Finding]:
    words = spelled(case.text)
    source = [q for s in best for q in _quantified(s.words)]
    held = max((level for level, _, _ in source), default=0)
    shares = [abs(f.value) for s in best for f in s.figures if f.unit == "%"]
    for level, word, after in _quantified(words):
        if level < 2:
            continue
        heads = {stem(w) for w in after if len(w) > 3}
        same = [(n, w) for n, w, following in source if heads & {stem(x) for x in following}]
        if same and max(n for n, _ in same) < level:
            return [Finding("quantifier", f"the source says “{same[0][1]}”, the claim “{word}”", False)]
        if (
            word in listed("determiners")
            and held < level
            and not any(w in s.vocabulary for s in best for w in listed("whole"))
            and not any(x > 50 if level == 2 else x >= 100 for x in shares)
        ):
            return [Finding("quantifier", f"“{word}” is the claim's own", False, slight=word in _LOOSE)]
    ordinal = re.compile(
        r"\b(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))[\s-]+(?:most\s+)?(\w+est|most)\b",
        re.I,
    )
    ranked = [m for s in best for m in ordinal.finditer(s.text)]
    for match in ranked:
        top = re.search(rf"\b{re.escape(match.group(1))}\b", case.text, re.I)
        if top and not ordinal.search(case.text):
            return [Finding("quantifier", f"the source says “{match.group()}”, the claim “{match.group(1)}”", True)]
    if re.search(r"\bthe\s+(?:\w+\s+)?\w+est\b", case.text) and not re.search(r"\b(?:one of|among)\b", case.text, re.I):
        for sentence in best[:1]:
            if (
                re.search(r"\bone of the\s+(?:\w+\s+)?\w+est\b", sentence.text)
                and len(re.findall(r"\w+est\b", sentence.text)) == 1
            ):
                return [Finding("quantifier", "the source says “one of”, the claim does not", False)]
    return []
