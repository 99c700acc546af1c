"""Claims beside each other: their checks, which supersedes which, and which contradict each other. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from assistant.catalysts.claims import Claim, Outcome, Standing
from vectorstore.names import fold
from vectorstore.records import SourceInfo

SAME_TIME_DAYS = 183  # two statements of how things are contradict each other if they are not further apart
RULES = {
    "superseded": "A claim is superseded by the next later claim of the same publisher (else company, else author) and holder on the same "
    "subject, measure and due date.",
    "contradictions": "Two claims of different publishers or holders on the same subject, measure and due date whose figures have nothing in "
    f"common; a plain figure has a tenth of room. Statements of how things are: not more than {SAME_TIME_DAYS} days apart.",
    "replaced": "The document has another version now. gone: it was taken out.",
    "due": "The last day of the window that the claim names.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a claim. ``as_of``: the last day whose data could be used; ``figures``: what was compared, as the tool gave it."""

    claim_id: str
    document_id: str
    time: str
    as_of: str
    outcome: Outcome
    status: str
    reason: str
    call: Mapping[str, Any]
    figures: Sequence[Mapping[str, Any]] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in {"claim_id", "document_id"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim as a reader sees it: what became of its document, which claim supersedes it, and its checks, oldest first."""

    claim: Claim
    standing: Standing = "current"
    superseded_by: str | None = None
    checks: tuple[Check, ...] = ()

    @property
    def last(self) -> Check | None:
        """The newest check: of the latest day, of several on that day the last made."""
        return max(self.checks, key=lambda c: (c.as_of, c.time), default=None)

    @property
    def outcome(self) -> Outcome:
        return self.last.outcome if self.last is not None else "open"

    def to_json(self) -> dict[str, Any]:
        return self.claim.to_json() | {
            "standing": self.standing,
            "superseded_by": self.superseded_by,
            "outcome": self.outcome,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims that cannot both hold, the earlier first."""

    first: Claim
    second: Claim

    def to_json(self) -> dict[str, Any]:
        a, b = self.first, self.second
        return {
            "claims": [a.claim_id, b.claim_id],
            "statements": [a.statement, b.statement],
            "said_by": [_who(a), _who(b)],
            "due": a.due,
        }


def contradictions(entries: Sequence[Entry]) -> tuple[Contradiction, ...]:
    """Return the pairs of standing claims that cannot both hold (RULES), the newest first."""
    by_topic: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    for entry in entries:
        if entry.standing == "current":
            by_topic[entry.claim.topic].append(entry.claim)
    found = []
    for claims in by_topic.values():
        ordered = sorted(claims, key=lambda c: (c.published or "", c.claim_id))
        for n, a in enumerate(ordered):
            found += [
                Contradiction(a, b)
                for b in ordered[n + 1 :]
                if a.owner != b.owner and _apart(a, b) and _same_time(a, b)
            ]
    return tuple(sorted(found, key=lambda p: (p.second.published or "", p.second.claim_id), reverse=True))


def _apart(a: Claim, b: Claim) -> bool:
    (low, high), (other_low, other_high) = a.span, b.span
    return high < other_low or other_high < low


def _same_time(a: Claim, b: Claim) -> bool:
    if a.kind != "state" and a.due:
        return True
    if a.published is None or b.published is None:
        return False
    return abs((date.fromisoformat(a.published) - date.fromisoformat(b.published)).days) <= SAME_TIME_DAYS


def superseded(claims: Sequence[Claim]) -> dict[str, str]:
    """Return the claim that follows each earlier one of the same owner on the same topic."""
    groups: dict[tuple[object, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.published is not None:
            groups[claim.owner, claim.topic].append(claim)
    found: dict[str, str] = {}
    for group in groups.values():
        ordered = sorted(group, key=lambda c: (c.published or "", c.claim_id))
        for claim in ordered:
            after = next((c for c in ordered if (c.published or "") > (claim.published or "")), None)
            if after is not None:
                found[claim.claim_id] = after.claim_id
    return found


def standing(claim: Claim, source: SourceInfo | None, as_of: str | None) -> Standing:
    if source is None:
        return "gone"
    later = as_of is not None and (source.metadata.published or "9999") > as_of
    return "current" if source.version == claim.version or later else "replaced"


def _who(claim: Claim) -> str:
    by = claim.publisher or claim.company or claim.author or "unknown"
    return f"{claim.holder}, in {by}" if claim.holder else by


def same_name(asked: str, *named: str) -> bool:
    """Whether one of ``named`` holds what is asked for, case aside."""
    return any(fold(asked) in fold(name) for name in named if name)
