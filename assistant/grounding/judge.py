"""A claim against its evidence -> verdict, score and reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.grounding.amounts import check_figures
from assistant.grounding.case import Case, Finding
from assistant.grounding.cells import Table, in_table, scale_note
from assistant.grounding.coverage import covered
from assistant.grounding.evidence import Evidence, folded, plain, support
from assistant.grounding.exchange import check_replaced, check_swapped, check_twin
from assistant.grounding.figure import Figure
from assistant.grounding.figures import figures
from assistant.grounding.names import check_names
from assistant.grounding.no_effect import check_no_effect
from assistant.grounding.printed import settle
from assistant.grounding.reading import passives, read
from assistant.grounding.strength import check_strength
from assistant.grounding.twin import find
from assistant.grounding.wording import check_direction, check_negation
from assistant.models import Claim, Number, ToolResult, Verdict

# The share of a claim's content words that its evidence must say, and of those that are neither names nor figures: names alone say nothing.
THRESHOLD = 0.61
_PREDICATE = 0.34
# What a word of the claim's own ("always", "the most") takes off that share.
_OWN = 0.15
_LONGEST = 4000  # characters of one claim
_MARKERS = re.compile(r"\[([ST]\d{1,4}(?:\s?[,;]\s?[ST]\d{1,4})*)\]")
_SPLIT = re.compile(r"[ST]\d{1,4}")
_QUOTED = re.compile(r'"([^"]{2,200})"')


def check(
    claim: str,
    evidence: Sequence[str],
    tool_results: Sequence[ToolResult] = (),
    *,
    context: Sequence[str] = (),
) -> Claim:
    """Judge one claim against texts and tool results.

    ``context``: headers of the documents (title, company, form, fiscal period, date); they may hold names, words and dates that a sentence leaves
    unsaid, never figures. In ``traced_to`` the texts are S1, S2, … and the tool results T1, T2, … (or their own marker) in the order given.
    """
    spans = {f"S{i}": text for i, text in enumerate(evidence, start=1)}
    tools = {result.marker or f"T{i}": result for i, result in enumerate(tool_results, start=1)}
    return _judge(claim, 0, len(claim), (), spans, tools, {"": tuple(context)}, claim)


def check_cited(
    text: str,
    spans: Mapping[str, str],
    tools: Mapping[str, ToolResult] | None = None,
    *,
    context: Mapping[str, Sequence[str]] | None = None,
) -> Claim:
    """Judge a sentence by the sources that its markers name ("… [S1][T2]").

    ``spans``, ``tools``: marker -> cited text, result; ``context``: marker -> headers of its document. The Claim's text is without the markers
    at its end, at [start, end) of ``text``; ``markers`` are those that exist. One that does not is told in the reason; a claim without any that
    exists is unsupported.
    """
    tools = tools or {}
    cited = tuple(dict.fromkeys(m for group in _MARKERS.finditer(text) for m in _SPLIT.findall(group.group(1))))
    known = tuple(m for m in cited if m in spans or m in tools)
    unknown = tuple(m for m in cited if m not in known)
    bare = _MARKERS.sub(lambda m: " " * len(m.group()), text)
    # A full stop may stand behind the markers.
    tail = re.compile(r"\s*[.!?]?\s*$").search(bare)
    end = len(bare.rstrip())
    if tail and cited and re.search(r"\][\s.!?]*$", text):
        end = max((i for i in range(len(bare)) if not bare[i].isspace() and bare[i] not in ".!?"), default=-1) + 1
        while end < len(bare) and bare[end] in ".!?\"”’')":
            end += 1
    start = len(bare) - len(bare.lstrip())
    end = max(start, end)
    judged = _judge(
        text[start:end],
        start,
        end,
        known,
        {m: spans[m] for m in known if m in spans},
        {m: tools[m] for m in known if m in tools},
        {m: tuple((context or {}).get(m, ())) for m in known},
        bare[start:end],
    )
    if judged.verdict == "unchecked":
        return judged
    if not known:
        told = f"cites {', '.join(unknown)}, which is no source of this answer" if unknown else "cites no source"
        return judged.model_copy(update={"verdict": "unsupported", "score": 0.0, "reason": told})
    if unknown:
        told = f"{', '.join(unknown)} is no source of this answer"
        return judged.model_copy(update={"reason": f"{judged.reason}; {told}" if judged.reason else told})
    return judged


def _claims_nothing(text: str) -> bool:
    """Whether there is nothing to check: no word, a question, a heading, the announcement of what follows."""
    bare = text.strip()
    if not re.search(r"\w", bare):
        return True
    if bare.rstrip("\"'”’) ").endswith("?"):
        return True
    if re.search(r"\d", bare):
        return False
    if bare.startswith("#") or (bare.endswith(":") and len(bare.split()) <= 14):
        return True
    if re.fullmatch(r"\**[^.!?]{1,60}\**", bare) and len(bare.split()) <= 6 and not _HAS_VERB.search(bare):
        return True
    return bool(_ANNOUNCES.fullmatch(bare)) and len(bare.split()) <= 16


_HAS_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|be|been|do|does|did|will|would|can|could|may|might|must|shall|should|not|n't|[a-z]{3,}(?:ed|es|s)|rose|fell|grew|made|sold|bought|paid|won|lost|led|said|saw|cut|hit|beat|held|kept|left|met|went|became|began|built|got|took|told|found|gave|knew|ran|set|spent|put|died|born|wrote|sang)\b", re.I)  # fmt: skip
_ANNOUNCES = re.compile(
    r"(?:here(?:'s| is| are) (?:what|a summary|the summary|an overview|the answer|some|my|the key|the main)\b.*|"
    r"let me (?:know|check|look|search|summari[sz]e|explain|break)\b.*|i (?:found the following|hope this helps|will now|can help)\b.*|"
    r"(?:sure|certainly|of course|thank you|thanks|in summary|to summari[sz]e|as follows)|the following\b.*:|"
    r"based on the (?:provided |given |cited )?(?:sources|documents|passages|evidence|context))[\s.,:!]*",
    re.I,
)


def _verbatim(claim: str, evidence: Evidence) -> bool:
    """Whether the claim is a whole sentence, or a whole line, of its evidence."""
    wanted = folded(claim)
    if not wanted:
        return False
    for _, text in evidence.texts:
        at = text.find(wanted)
        tries = 0
        while at >= 0 and tries < 50:
            before, after = text[:at].rstrip()[-1:], text[at + len(wanted) :].lstrip()[:1]
            opens = not before or before in ".!?:;…•\"')]" or not wanted[0].isalnum()
            closes = not after or wanted[-1] in ".!?:;…\"')]" or after in ".!?;…•\"'"
            if opens and closes:
                return True
            at = text.find(wanted, at + 1)
            tries += 1
    return any(wanted == folded(s.text) for s in evidence.sentences)


def _judge(
    said: str,
    start: int,
    end: int,
    markers: tuple[str, ...],
    spans: Mapping[str, str],
    tools: Mapping[str, ToolResult],
    context: Mapping[str, Sequence[str]],
    bare: str,
) -> Claim:
    evidence = Evidence()
    headers = [h for texts in context.values() for h in texts]
    scale = next((n for n in map(scale_note, headers) if n), 0.0)
    for marker, text in sorted(spans.items(), key=lambda s: s[1]):
        evidence.add(marker, text, scale)
    for marker, result in sorted(tools.items()):
        evidence.add_tool(marker, result)
    evidence.add_context(headers)

    line = plain(bare.translate({ord("\n"): " ", ord("\t"): " "}))
    long = len(line) > _LONGEST
    # Of what is too long for a claim only the head is read.
    line = line[:_LONGEST]
    # A calculation that holds needs no more checks; what is left of the claim does.
    settled = settle(line, [*spans.items(), *((m, r.model_dump_json()) for m, r in tools.items())])
    line = settled.line
    tokens, found = read(line), in_table(figures(line), line, Table())

    def judged(verdict: Verdict, score: float, reason: str, numbers: Sequence[Number]) -> Claim:
        return Claim(
            text=said,
            start=start,
            end=end,
            markers=markers,
            verdict=verdict,
            score=round(min(1.0, max(0.0, score)), 4),
            reason=reason,
            numbers=tuple(numbers),
        )

    # As written in the claim, which may have other signs and line breaks.
    found = tuple(replace(f, text=bare[f.start : f.end]) for f in found)
    case = Case(line, tokens, found, passives(line, tokens), evidence, support(tokens, evidence))
    if _verbatim(bare, evidence) and re.search(r"\w", bare):
        _, numbers = check_figures(case)
        return judged("supported", 1.0, "stands word for word in the source", numbers)
    if long:
        told = f"of {len(bare):,} characters, it is too long for one claim"
        return judged("unsupported", 0.0, told, [_number(f) for f in found if f.unit != "quarter"])
    if _claims_nothing(bare) or not (tokens or found):
        return judged("unchecked", 0.0, "states nothing that could be checked", ())
    if not evidence.sentences and not evidence.context:
        return judged(
            "unsupported",
            0.0,
            "there is no evidence to check it against",
            [_number(f) for f in found if f.unit != "quarter"],
        )
    twin = find(tokens, case.passive, evidence, case.support)
    findings, numbers = check_figures(case, twin)
    findings += check_names(case)
    findings += check_direction(case)
    findings += check_swapped(case)
    findings += check_negation(case, twin)
    findings += check_twin(case, twin, [n.text for n in numbers if n.derivation])
    findings += check_replaced(case, twin)
    findings += check_no_effect(case, twin)
    findings += check_strength(case)
    findings += [
        Finding("calculation", f"the calculation is wrong: {told}", contradicts=True) for told in settled.wrong
    ]
    numbers = [*settled.numbers, *numbers]
    base, predicate = covered(case, numbers)
    if settled.numbers and _rows_stand(line, evidence):
        # The measure is defined by the calculation, not by a source: its name need not stand in one.
        base, predicate = max(base, 0.9), max(predicate, 0.9)
    if predicate < _PREDICATE:
        base = min(base, THRESHOLD * (0.6 + predicate))
    return judged(*_verdict(findings, base, case), numbers)


def _rows_stand(line: str, evidence: Evidence) -> bool:
    """Whether each row that a claim quotes stands in the evidence; a claim that quotes none has no such proof."""
    quoted = [folded(m.group(1)) for m in _QUOTED.finditer(line)]
    return bool(quoted) and all(any(row in text for _, text in evidence.texts) for row in quoted)


def _number(figure: Figure) -> Number:
    return Number(text=figure.text, value=figure.value, unit=figure.unit)


def _verdict(findings: Sequence[Finding], base: float, case: Case) -> tuple[Verdict, float, str]:
    own = [f for f in findings if f.slight]
    findings = [f for f in findings if not f.slight]
    base -= _OWN * bool(own)
    # 0.5 is where a claim counts as supported.
    scaled = 0.5 * max(0.0, base) / THRESHOLD if base < THRESHOLD else 0.5 + 0.5 * (base - THRESHOLD) / (1 - THRESHOLD)
    against = [f for f in findings if f.contradicts]
    if against and base >= 0.3:
        return "contradicted", 0.25 * scaled, "; ".join(dict.fromkeys(f.reason for f in against[:3]))
    if findings:
        return "unsupported", min(0.49, 0.45 * scaled), "; ".join(dict.fromkeys(f.reason for f in findings[:3]))
    if base >= THRESHOLD:
        return "supported", scaled, ""
    if own:
        return "unsupported", scaled, own[0].reason
    missing = [t.surface for t, b in zip(case.tokens, case.support.best, strict=True) if not t.figure and b < 0.5]
    words = ", ".join(f"“{w}”" for w in dict.fromkeys(missing[:4]))
    return (
        "unsupported",
        scaled,
        f"the sources do not say {words}" if words else "the sources say too little of it in one place",
    )
