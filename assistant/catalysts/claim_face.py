"""The claim ledger as one reader asks for it: listed, narrowed, checked, and the record of each author."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assistant.catalysts.boards import reads_base
from assistant.catalysts.candidates import pattern
from assistant.catalysts.claim_checks import NOT_ASKED, Call, check
from assistant.catalysts.claim_entries import RULES, Contradiction, Entry, contradictions, same_name
from assistant.catalysts.claim_ledger import ClaimLedger
from assistant.catalysts.claims import OUTCOMES, STANDINGS, Claim
from assistant.catalysts.library import load, need
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.watchlist import Watchlist, keeps
from assistant.filters import parse_date
from vectorstore.errors import NotFound, SettingsError
from vectorstore.settings import Settings
from vectorstore.view import Base

_SHORTEST_ID = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which claims are listed. ``due``: (first, last) ISO days, either may be ""; ``status``: an outcome or a standing; ``tickers``: of a watchlist."""

    author: str = ""
    due: tuple[str, str] | None = None
    status: str = ""
    catalyst: str = ""
    as_of: str | None = None
    tickers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries with the ids of the catalysts that each speaks of, and the contradictions among them."""

    as_of: str | None
    entries: tuple[Entry, ...]
    catalysts: Mapping[str, tuple[str, ...]]
    contradictions: tuple[Contradiction, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of,
            "claims": [e.to_json() | {"catalysts": list(self.catalysts[e.claim.claim_id])} for e in self.entries],
            "contradictions": [pair.to_json() for pair in self.contradictions],
            "authors": records(self.entries),
            "rules": dict(RULES),
        }


class Claims:
    """One reader's ledger. ``call`` runs a tool over the same documents."""

    def __init__(self, ledger: ClaimLedger, view: Base, settings: Settings, call: Call) -> None:
        self._ledger, self._view, self._settings, self._call = ledger, view, settings, call

    def update(self, **told: Any) -> int:
        """Read what is new, and return how many documents are left; as ``ClaimLedger.update``."""
        return self._ledger.update(self._view, **told)

    def listed(self, wanted: Wanted = Wanted()) -> Listing:
        """Return the claims that are wanted, newest first. Raises SettingsError for a date or status that is none, NotFound for a catalyst."""
        day = parse_date("as_of", wanted.as_of) if wanted.as_of else None
        known = load(self._settings)
        chosen = need(known, wanted.catalyst) if wanted.catalyst else None
        _known_status(wanted.status)
        every = self._ledger.entries(self._view, as_of=day)
        kept = self._of(wanted.tickers)
        entries = tuple(
            e
            for e in every
            if _wanted(e, wanted)
            and (chosen is None or speaks_of(e.claim, chosen))
            and (kept is None or e.claim.document_id in kept)
        )
        shown = {e.claim.claim_id for e in entries}
        pairs = [p for p in contradictions(every) if p.first.claim_id in shown or p.second.claim_id in shown]
        fitting = {e.claim.claim_id: tuple(c.id for c in known if speaks_of(e.claim, c)) for e in entries}
        return Listing(day, entries, fitting, tuple(pairs))

    def _of(self, tickers: Sequence[str]) -> frozenset[str] | None:
        """Return the ids of the documents of these companies; None for no list."""
        if not tickers:
            return None
        sources = self._view.sources()
        keep = keeps(Watchlist(tuple(tickers)), sources)
        return frozenset(s.document_id for s in sources if keep(s))

    def check(
        self, ids: Sequence[str] = (), *, as_of: str | None = None, go_on: Callable[[], None] = lambda: None
    ) -> Listing:
        """Check the claims ``ids`` (or the start of each; () for all that stand) and return them with their checks.

        Raises NotFound for an id there is not, SettingsError for a bad date.
        """
        day = parse_date("as_of", as_of) if as_of else None
        today = datetime.now(UTC).date()
        if day and day > today.isoformat():
            raise SettingsError(f"as_of = {day} is still to come.", "Give today or an earlier day.")
        every = self._ledger.entries(self._view, as_of=day)
        chosen = (
            [_one(every, name) for name in ids]
            if ids
            else [e for e in every if e.standing in {"current", "superseded"}]
        )
        for entry in chosen:
            go_on()
            made, tool = check(entry.claim, self._call, today=today, as_of=day)
            # That nothing measures it is said once, not every day.
            if made.status != NOT_ASKED or entry.last is None or entry.last.reason != made.reason:
                self._ledger.keep(self._view, made, reads_base=bool(tool) and reads_base(tool))
        names = {e.claim.claim_id for e in chosen}
        listing = self.listed(Wanted(as_of=day))
        return Listing(
            day,
            tuple(e for e in listing.entries if e.claim.claim_id in names),
            listing.catalysts,
            tuple(p for p in listing.contradictions if {p.first.claim_id, p.second.claim_id} & names),
        )


def records(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return how the claims of each author came out, most claims first: {author, claims, and a count an outcome}."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        counts[author_of(entry.claim)][entry.outcome] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        {"author": name, "claims": n.total()} | {outcome: n[outcome] for outcome in OUTCOMES} for name, n in ordered
    ]


def author_of(claim: Claim) -> str:
    """Return whose claim it is, for people."""
    by = claim.publisher or claim.company or claim.author or "unknown"
    return f"{by} ({claim.holder})" if claim.holder else by


def speaks_of(claim: Claim, catalyst: Catalyst) -> bool:
    """Whether the claim's sentence has words that the catalyst looks for, and none that mean something else."""
    text = f"{claim.quote} {claim.measure_label}"
    if not pattern(catalyst.look_for).search(text):
        return False
    return not (catalyst.not_about and pattern(catalyst.not_about).search(text))


def due_range(text: str) -> tuple[str, str]:
    """Return the two days of "DATE..DATE"; either may be left out, one day alone is that day. Raises SettingsError."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not first and not last:
        raise SettingsError(f"--due {text!r} names no day.", "For example: --due 2026-01-01..2026-12-31")
    days = tuple(parse_date("--due", day) if day else "" for day in (first, last if dots else first))
    if days[0] and days[1] and days[0] > days[1]:
        raise SettingsError(f"--due {text!r} ends before it begins.", "Write DATE..DATE, the earlier first.")
    return days[0], days[1]


def _wanted(entry: Entry, wanted: Wanted) -> bool:
    claim = entry.claim
    if wanted.author and not same_name(wanted.author, claim.author, claim.publisher, claim.company, claim.holder):
        return False
    if wanted.status and wanted.status not in {entry.outcome, entry.standing}:
        return False
    if wanted.due is not None:
        first, last = wanted.due
        if claim.due is None or (first and claim.due < first) or (last and claim.due > last):
            return False
    return True


def _known_status(status: str) -> None:
    if status and status not in {*OUTCOMES, *STANDINGS}:
        raise SettingsError(f"There is no status {status!r}.", f"Statuses are: {', '.join((*OUTCOMES, *STANDINGS))}.")


def _one(entries: Sequence[Entry], name: str) -> Entry:
    found = [
        e
        for e in entries
        if e.claim.claim_id == name or (len(name) >= _SHORTEST_ID and e.claim.claim_id.startswith(name))
    ]
    if not found:
        raise NotFound(f"There is no claim {name}.", "`thesis claims` lists them with their ids.")
    if len(found) > 1:
        raise NotFound(f"{name} is the start of {len(found)} claims' ids.", "Give more of the id.")
    return found[0]
