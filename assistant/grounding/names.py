"""The names of a claim: known to the sources or the headers of their documents, and not put where another one stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.grounding.case import Case, Finding, places
from assistant.grounding.slots import Item, initials, nearness, place, runs
from assistant.grounding.words import Sentence, Token, corporate, is_common


def check_names(case: Case) -> list[Finding]:
    """Each name stands in the sources or in the header of their documents; none stands where the source has another one."""
    findings: list[Finding] = []
    sentences = case.sentences()
    held = {k for s in case.evidence.sentences for t in s.tokens for k in t.keys} | {
        k for t in case.evidence.context for k in t.keys
    }
    words = {w for s in case.evidence.sentences for w in s.words} | {t.surface.lower() for t in case.evidence.context}
    letters = _initials(case)
    for item in runs(case.tokens):
        tokens = case.tokens[item.first : item.last + 1]
        first = tokens[0]
        if not first.name and not (first.initial and not first.figure and not is_common(first.surface)):
            continue
        parts = [t for t in tokens if not corporate(t.surface)] or list(tokens)
        missing = [t for t in parts if not _name_known(t, held, words)]
        text = " ".join(t.surface for t in tokens)
        if (
            missing
            and not (len(parts) >= 2 and "".join(t.surface[0] for t in parts).upper() in words_upper(words))
            and not _spelled_out(parts, letters)
        ):
            rival = _name_in_place(case, item, sentences)
            if first.initial and not first.name and (rival is None or rival[1] < 0.3):
                continue
            if len(missing) * 2 < len(parts) and not _other_part(case, parts, missing):
                continue
            if rival is not None and rival[1] >= 0.45:
                findings.append(Finding("name", f"the source speaks of {rival[0]}, the claim of {text}", True))
            elif not (item.first == 0 and _pronoun_opens(sentences)):
                findings.append(Finding("name", f"{text} is not named in the sources", False))
        elif not missing:
            rival = _name_in_place(case, item, sentences)
            if rival is not None and rival[2]:
                findings.append(Finding("name", f"the source says this of {rival[0]}, the claim of {text}", True))
    return findings


def _pronoun_opens(sentences: Sequence[tuple[str, Sentence]]) -> bool:
    """Whether the sentence that supports the claim best leaves its subject to a pronoun: the name may stand before what is cited."""
    return (
        bool(sentences)
        and sentences[0][1].words[:1] != ()
        and sentences[0][1].words[0] in {"he", "she", "it", "they", "his", "her", "its", "their"}
    )


def words_upper(words: Iterable[str]) -> frozenset[str]:
    return frozenset(w.upper() for w in words)


def _name_known(token: Token, held: set[str], words: set[str]) -> bool:
    low = token.surface.lower().replace("’", "'")
    bare = re.sub(r"'s?$", "", low)
    if token.stem in held or bare in words or any(k in held for k in token.keys if k[0] in "g#"):
        return True
    # Japan and Japanese, Canada and Canadian.
    return (len(bare) >= 5 and any(w[: len(bare) - 1] == bare[:-1] and len(w) <= len(bare) + 4 for w in words)) or (
        len(bare) >= 6 and any(len(w) >= 5 and bare.startswith(w[:-1]) and len(bare) <= len(w) + 4 for w in words)
    )


def _initials(case: Case) -> frozenset[str]:
    """Return the initials of the names in the sources."""
    return frozenset().union(*(initials(s.tokens) for s in case.evidence.sentences), initials(case.evidence.context))


def _spelled_out(parts: Sequence[Token], letters: frozenset[str]) -> bool:
    return len(parts) == 1 and parts[0].surface.isupper() and parts[0].surface.lower().replace(".", "") in letters


def _other_part(case: Case, parts: Sequence[Token], missing: Sequence[Token]) -> bool:
    """Whether the sources name the known part of a name with other parts beside it: John Smith where the claim has John Brown."""
    gone = {t.stem for t in missing}
    known = {t.stem for t in parts if t.stem not in gone}
    for sentence in case.evidence.sentences:
        for item in runs(sentence.tokens):
            run = {t.stem for t in sentence.tokens[item.first : item.last + 1] if t.name}
            if run & known and run - known and not run & gone:
                return True
    return False


def _name_in_place(case: Case, item: Item, sentences: Sequence[tuple[str, Sentence]]) -> tuple[str, float, bool] | None:
    """Return the name that the source has in this one's place, how near, and whether the claim's own name stands elsewhere there."""
    mine = place(case.tokens, item, case.passive)
    stems = {t.stem for t in case.tokens[item.first : item.last + 1]}
    own, other, rival = 0.0, 0.0, ""
    for _, sentence in sentences:
        for held in runs(sentence.tokens):
            tokens = sentence.tokens[held.first : held.last + 1]
            if tokens[0].figure or not (tokens[0].name or tokens[0].initial or stems & {t.stem for t in tokens}):
                continue
            if (
                tokens[0].initial
                and not tokens[0].name
                and is_common(tokens[0].surface)
                and not stems & {t.stem for t in tokens}
            ):
                continue
            score = nearness(mine, places(sentence, held))
            if stems & {t.stem for t in tokens}:
                own = max(own, score)
            elif score > other:
                other, rival = score, " ".join(t.surface for t in tokens)
    return (rival, other, own > 0 and other >= 0.6 and other > own + 0.35) if rival else None
