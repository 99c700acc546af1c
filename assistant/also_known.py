"""Other names of the firms in the base, as its documents themselves give them: former names, abbreviations, tickers.

No list of names stands here: a short form has to be spelled by the firm's name and used in the firm's own documents, or be
given there in so many words ("formerly known as …", "(“…”)", "NYSE: …").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.firms import abbreviates, aliases, names
from assistant.question import Question, understand
from vectorstore.records import Passage, SourceInfo

# (words to look for, the companies to look in; () for all) -> passages
Search = Callable[[str, tuple[str, ...]], Sequence[Passage]]

_FORMER = (
    r"(?:former(?:ly)?(?: known as| named| called)?|previously (?:known as|named|called)|f/k/a|d/b/a|doing business as|also known as|"
    r"(?:changed|change of) (?:its|our|the company['’]s|their) (?:corporate |legal )?name (?:to .{3,60}? )?from|renamed from|"
    r"under the (?:former )?names?)"
)
_SELF = re.compile(r"\b(?:we|our|us|the (?:company|corporation|registrant|issuer|firm|parent))\b", re.I)
_NEAR = 90  # characters between a name and what says so


def read(text: str, sources: Sequence[SourceInfo], search: Search) -> Question:
    """Return ``understand`` with the firms that the question calls by another name than the base's metadata does."""
    question = understand(text, sources)
    if question.companies or not any(s.metadata.company for s in sources):
        return question
    also = {name: firm for name in unknown_names(text, question.publishers) if (firm := firm_of(name, sources, search))}
    return understand(text, sources, also=also) if also else question


def firm_of(name: str, sources: Sequence[SourceInfo], search: Search) -> str | None:
    """Return the company of the base that ``name`` is another name of, by what its documents say; None where none says so."""
    companies = tuple(dict.fromkeys(s.metadata.company for s in sources if s.metadata.company))
    if not companies or len(name) < 2:
        return None
    spelled = tuple(c for c in companies if abbreviates(name, c))
    if spelled:
        used = {
            p.metadata.company
            for p in search(name, spelled)
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", p.chunk.text, re.I)
        }
        found = [c for c in spelled if c in used]
        # Two firms that could both be meant are none.
        if len(found) == 1:
            return found[0]
    said = {
        p.metadata.company
        for p in search(name, ())
        if p.metadata.company and gives(name, p.metadata.company, " ".join(p.chunk.text.split()))
    }
    return said.pop() if len(said) == 1 else None


def gives(name: str, company: str, text: str) -> bool:
    """Whether ``text``, of a document of ``company``, says that ``name`` is a name of it."""
    quoted = re.escape(name)
    for match in re.finditer(rf"(?<!\w){quoted}(?!\w)", text):
        before, after = text[max(0, match.start() - _NEAR) : match.start()], text[match.end() : match.end() + _NEAR]
        # "(NYSE: XYZ)"
        if re.search(r"(?:NYSE|NASDAQ|Nasdaq|[Tt]icker|[Ss]ymbol)[^.;]{0,24}$", before):
            return True
        own = _SELF.search(before) or any(alias in before.lower() for alias in aliases(company))
        # "Acme Widgets, Inc. (“Acme”)", "Acme (formerly Old Acme)"
        if own and re.search(rf"(?:\((?:the )?[“\"'‘]|{_FORMER}\W{{0,4}})$", before, re.I):
            return True
        # "Old Acme changed its name to Acme"
        renamed = re.match(
            r"(?:,? (?:Inc|Corp|Ltd|Co)\b\.?|[\w ,]{0,20}?),? (?:has |was |were )?(?:changed (?:its|our) (?:\w+ )?name|renamed|became|now known as|now called)\b",
            after,
        )
        if renamed and any(alias in after.lower() for alias in aliases(company)):
            return True
    return False


def unknown_names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a question that no known firm explains, each as it stands and without a possessive."""
    held = {form for firm in known for form in aliases(firm)}
    # "IS&S", "J&J": short forms that the reading of names may leave out.
    found = [*names(text), *re.findall(r"\b[A-Z](?:[A-Za-z]*&)+[A-Z]\w*|\b[A-Z]{2,6}\b", text)]
    return tuple(dict.fromkeys(n for n in found if not set(aliases(n)) & held))
