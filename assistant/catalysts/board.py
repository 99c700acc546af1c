"""One catalyst as it stands: claims on both sides, figures, contradictions, a status. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.catalysts import grouping, status
from assistant.catalysts.evidence import LEAST, SUREST, WITHOUT, Found
from assistant.catalysts.grouping import Claim, Later
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import CatalystBoard, Counts, Evidence, Pair, Place, Reading, Superseded
from assistant.compose import link
from vectorstore.records import SourceInfo

MOST_LESS_SURE = 24  # sentences of a catalyst, the surest

RULES: Mapping[str, str] = grouping.RULES | {
    "status": status.RULE,
    "sure": f"A sentence counts where the reading of its stance is at least {SUREST:.0%} sure. From {LEAST:.0%} it is listed as less sure, and counts "
    "nowhere: of such sentences in filings and calls about one in three is read rightly.",
    "new": "New is what was published on the day of `since` or later.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What documents say of one catalyst, before any figure: claims (newest of their repeats) and what stands beside them."""

    groups: tuple[tuple[Claim, tuple[Claim, ...]], ...]
    later: Mapping[str, Later]
    pairs: tuple[grouping.Opposed, ...]
    left_out: int
    less_sure: tuple[tuple[Claim, tuple[Claim, ...]], ...] = ()
    without: tuple[
        str, ...
    ] = ()  # of each sentence that a model was to read and did not: the reason, which begins with WITHOUT


def said(found: Sequence[Found], sources: Mapping[str, SourceInfo], left_out: int) -> Said:
    """Return ``found`` as claims. ``sources``: the documents by id; what stands in no other is left away."""
    claims = [Claim(one, sources[one.document_id]) for one in found if one.document_id in sources]
    groups = grouping.grouped([claim for claim in claims if claim.found.sure])
    weak = grouping.grouped([claim for claim in claims if not claim.found.sure])
    weak = sorted(weak, key=lambda group: -group[0].found.score)
    newest = [first for first, _ in groups]
    later = grouping.superseded(newest)
    standing = [claim for claim in newest if claim.found.evidence_id not in later]
    pairs = tuple(grouping.opposed(standing))
    without = tuple(why for one in claims for why in one.found.reasons if why.startswith(WITHOUT))
    return Said(
        tuple(groups), later, pairs, left_out + len(weak[MOST_LESS_SURE:]), tuple(weak[:MOST_LESS_SURE]), without
    )


def catalyst_board(
    catalyst: Catalyst, what: Said, read: Sequence[Reading], *, since: str | None, measured_at: str | None
) -> CatalystBoard:
    """Return the board of one catalyst. ``read``: its conditions with their figures; ``since``: from which day a claim is new."""
    shown = [_evidence(claim, also, what.later, since) for claim, also in what.groups]
    good = tuple(one for one in shown if one.side == "for")
    bad = tuple(one for one in shown if one.side == "against")
    state, rule = status.status_of(read)
    counts = Counts(
        speak_for=len(good),
        speak_against=len(bad),
        documents=len({c.source.document_id for first, also in what.groups for c in (first, *also)}),
        repeats=sum(len(also) for _, also in what.groups),
        superseded=sum(one.superseded is not None for one in shown),
        new=sum(one.new for one in shown),
        left_out=what.left_out,
        less_sure=len(what.less_sure),
    )
    made = {
        "id": catalyst.id,
        "name": catalyst.name,
        "statement": catalyst.statement,
        "mechanism": catalyst.mechanism,
        "direction": catalyst.direction,
        "status": state,
        "rule": rule,
        "for": good,
        "against": bad,
        "less_sure": tuple(_evidence(claim, also, {}, since) for claim, also in what.less_sure),
        "metrics": tuple(read),
        "contradictions": (*_between_authors(what), *_with_figures(good, bad, read)),
        "counts": counts,
        "measured_at": measured_at,
    }
    return CatalystBoard.model_validate(made)


def _evidence(claim: Claim, also: Sequence[Claim], later: Mapping[str, Later], since: str | None) -> Evidence:
    found, source, meta = claim.found, claim.source, claim.source.metadata
    after = later.get(found.evidence_id)
    return Evidence(
        evidence_id=found.evidence_id,
        side=found.side,
        quote=found.quote,
        author=claim.author,
        published=meta.published,
        kind=meta.kind,
        authority=claim.authority,
        title=meta.title,
        publisher=meta.publisher,
        company=meta.company,
        ticker=meta.ticker,
        document_id=source.document_id,
        version=source.version,
        start=found.start,
        end=found.end,
        page=found.page,
        path=source.path,
        url=link(source.document_id, source.version, found.start, found.end),
        score=found.score,
        reasons=found.reasons,
        also=tuple(
            Place(
                document_id=one.source.document_id,
                version=one.source.version,
                start=one.found.start,
                end=one.found.end,
                page=one.found.page,
                title=one.source.metadata.title,
                published=one.source.metadata.published,
                path=one.source.path,
            )
            for one in also
        ),
        superseded=None
        if after is None
        else Superseded(
            evidence_id=after.claim.found.evidence_id,
            published=after.claim.day,
            side=after.claim.found.side,
            closeness=after.closeness,
        ),
        new=since is not None and claim.day >= since,
    )


def _between_authors(what: Said) -> list[Pair]:
    return [
        Pair(
            kind="authors",
            for_id=one.speaks_for.found.evidence_id,
            against_id=one.speaks_against.found.evidence_id,
            closeness=one.closeness,
            why=f"{one.speaks_for.author} speaks for it ({one.speaks_for.day or 'undated'}), "
            f"{one.speaks_against.author} against ({one.speaks_against.day or 'undated'}).",
        )
        for one in what.pairs
    ]


def _with_figures(good: Sequence[Evidence], bad: Sequence[Evidence], read: Sequence[Reading]) -> list[Pair]:
    """Return the newest claim of a side with each figure that meets a condition of the other side."""
    pairs = []
    for place, reading in enumerate(read):
        if not reading.holds or reading.old:
            continue
        listed = good if reading.side == "refutes" else bad
        claim = next((one for one in listed if one.superseded is None), None)
        if claim is None:
            continue
        what = "speaks for it" if reading.side == "refutes" else "speaks against it"
        who = claim.author or "A document"
        pairs.append(
            Pair(
                kind="metric",
                for_id=claim.evidence_id if reading.side == "refutes" else None,
                against_id=claim.evidence_id if reading.side == "confirms" else None,
                reading=place,
                why=f"{who} {what} ({claim.published or 'undated'}), and {status.told_reading(reading)}.",
            )
        )
    return pairs


__all__ = ["RULES", "Said", "catalyst_board", "said"]
