"""A follow-up question made standalone from the conversation, without a model: "and in 2022?", "what about large caps?".

Pure. What the new question names (a period, a firm, an index) takes the place of the same kind in the question
before it; a pronoun is given its firm or subject. A question that stands alone is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.periods import period_spans
from assistant.question import aliases, understand
from vectorstore.records import SourceInfo

_OPENS = re.compile(
    r"^(?:and|ok(?:ay)?,?|so|then|but|also|now)?[\s,]*(?:(?:what|how) about|same (?:question )?for|and for|and in|and|in|for|versus|vs)\b[\s,:]*",
    re.I,
)
_PRONOUN = re.compile(
    r"\b(?P<own>its|their|his|her)\b|\b(?P<it>it|they|them|that company|this company|the company|the same company)\b",
    re.I,
)
_LONGEST = 8  # words of a question that may be only the changed part of the one before


def last_question(history: Sequence[Mapping[str, str]]) -> str:
    """Return what the user asked last, "" where there is nothing."""
    return next((m.get("content", "") for m in reversed(history) if m.get("role") == "user"), "")


def standalone(question: str, history: Sequence[Mapping[str, str]], sources: Sequence[SourceInfo]) -> str:
    """Return ``question`` as one that can be read without ``history`` ({role, content} messages, oldest first)."""
    question = " ".join(question.split())
    before = " ".join(last_question(history).split())
    if not before or not question:
        return question
    new, old = understand(question, sources), understand(before, sources)
    opened = _OPENS.match(question)
    told = [u for u in new.units if not u.entity and not u.light]
    own_subject = bool(new.companies or any(u.entity for u in new.units))
    if (opened or not told) and len(question.split()) <= _LONGEST and not _whole(question):
        return _changed(question[opened.end() :] if opened else question, before, sources)
    pronoun = _PRONOUN.search(question)
    if pronoun and not own_subject:
        subject = next(iter(old.companies), "") or next((u.surface for u in old.units if u.entity), "")
        if subject:
            return _PRONOUN.sub(lambda m: f"{subject}'s" if m["own"] else subject, question, count=1)
    return question


def _whole(question: str) -> bool:
    """Whether it has a verb of its own, and so asks something by itself."""
    return bool(
        re.match(
            r"(?:what|how|why|when|who|which|where|does|do|did|is|are|was|were|has|have|can)\b(?! about)",
            question,
            re.I,
        )
    )


def _changed(part: str, before: str, sources: Sequence[SourceInfo]) -> str:
    """Return the question before with what ``part`` names in the place of its own."""
    part = part.strip(" ?.,")
    new, old = understand(part, sources), understand(before, sources)
    result = before
    changed = False
    if new.periods:
        said = part[slice(*period_spans(part)[0])].strip()
        spans = period_spans(result)
        if spans:
            start, end = spans[-1]
            lead = len(result[start:end]) - len(result[start:end].lstrip())
            result = result[: start + lead] + said + result[end:]
        else:
            result = f"{result.rstrip(' ?')} in {said}?"
        changed = True
    if new.companies and old.companies:
        firm = old.companies[0]
        for alias in sorted(aliases(firm), key=len, reverse=True):
            mended, count = re.subn(rf"\b{re.escape(alias)}\b(?:'s?)?", new.companies[0], result, count=1, flags=re.I)
            if count:
                result, changed = mended, True
                break
    entities = [u for u in new.units if u.entity]
    replaced = [u for u in old.units if u.entity]
    if entities and replaced:
        result = result.replace(replaced[-1].surface, entities[0].surface, 1)
        changed = True
    return result if changed else f"{before.rstrip(' ?')}: {part}?"
