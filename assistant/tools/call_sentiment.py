"""The tone of calls and releases by size of company: (positive - negative words) / words.

Those of the base come first; without any, the earnings releases that companies file with SEC, which are told from calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from assistant.question import named_in
from assistant.tools.base import Arguments, Context, Documents, Draft, NoData, Tool, ToolFailure, execute
from assistant.tools.call_reads import FILED, SIZES, Read, Wanted, at_hand, filed, read
from assistant.tools.pulls import HOW
from assistant.tools.sentiment import Lexicon, Sentence, loughran_mcdonald, shipped, tone
from assistant.tools.sentiment_groups import Comparison, Interval, agreement, compare, level
from vectorstore.records import SourceInfo

FORMULA = "(positive words - negative words) / words"
RELEASES = ", earnings releases"  # behind the subject of a level that is not one of calls
_UNDATED = "their calls have no date (give it: thesis ingest FILE --meta published=YYYY-MM-DD)"
_NO_CALLS = (
    "No calls are in the base: these are earnings releases filed with SEC (8-K, item 2.02, EX-99.1), which companies write themselves and "
    "in which nobody asks. Their level is not comparable with one of calls."
)


class CallSentimentArguments(Arguments):
    """Which documents are read, and what is shown."""

    ticker: str = Field("", description="ticker or name of a company; empty: every company in the base")
    quarter: str = Field(
        "",
        pattern=r"^(?:\d{4}Q[1-4])?$",
        description="calendar quarter of the calls, such as 2025Q2; empty: the newest",
    )
    kind: Literal["", "transcript", "release", "filed"] = Field(
        "",
        description="transcript or release: of the base; filed: releases at SEC; empty: the first of these that there is",
    )
    small: str = Field("", description="for releases at SEC: small companies by ticker, with commas between")
    mid: str = Field("", description="for releases at SEC: mid-sized companies")
    large: str = Field("", description="for releases at SEC: large companies")
    sample: int = Field(6, ge=1, le=40, description="for releases at SEC: companies of a fund where none are named")
    releases: int = Field(1, ge=1, le=12, description="for releases at SEC: of each company, newest first")
    top: int = Field(3, ge=0, le=20, description="sentences to quote for each side")


def _run(arguments: CallSentimentArguments, context: Context, draft: Draft) -> None:
    lexicon = shipped()
    reads = _reads(arguments, lexicon, context, draft)
    groups = {size: [r for r in reads if r.size == size] for size in (*SIZES, "")}
    single = len({r.call.company for r in reads}) == 1 if arguments.ticker else False
    about = RELEASES if reads[0].document.metadata.kind == "release" else ""
    found = (
        None
        if single
        else compare(*([r.call for r in groups[s]] for s in ("small", "large")), quarter=arguments.quarter or None)
    )
    _levels(reads, groups, found, draft, context, single, about)
    if found is not None:
        _difference(found, groups, draft, context, about)
    elif not single and not reads[0].url:
        _ungrouped(groups, draft)
    _quoted(reads, arguments.top, draft, context)
    if context.settings.sentiment_lexicon:
        _agreement(reads, loughran_mcdonald(context.settings.sentiment_lexicon), draft, context)


def _reads(arguments: CallSentimentArguments, lexicon: Lexicon, context: Context, draft: Draft) -> list[Read]:
    """Return what is read, at least one: of the base, else releases at SEC. Raises ToolFailure."""
    reads: list[Read] = []
    if context.documents is not None and arguments.kind != FILED and not _named(arguments):
        chosen = _chosen(arguments, context, context.documents, draft)
        reads = [r for r in (read(context.documents, source, lexicon) for source in chosen) if r.tone.words]
        reads = [r for r in reads if arguments.quarter in ("", r.quarter)]
    if reads:
        return reads
    asked = f" in {arguments.quarter}" if arguments.quarter else ""
    none = NoData(
        f"No call or release that was asked for{asked} is in the base.",
        "Add it with: thesis ingest FILE" + ("" if at_hand(context) else f". Or read releases at SEC. {HOW['sec']}"),
    )
    if arguments.kind == "transcript" or not (at_hand(context) or arguments.kind == FILED):
        raise none
    draft.resolved(kind=FILED)
    wanted = Wanted(arguments.ticker, _named(arguments), arguments.sample, arguments.releases)
    try:
        reads = filed(wanted, lexicon, context, draft)
    except ToolFailure as failure:
        if arguments.kind or arguments.ticker or _named(arguments):
            raise
        raise NoData(
            f"{none.message} Whose releases to read at SEC is not known: {failure.message}",
            'Name companies: --ticker ABC, or --small "ABC, DEF" --large "GHI, JKL"; or give those of the base a size (--meta size=small).',
        ) from failure
    reads = [r for r in reads if arguments.quarter in ("", r.quarter)]
    if not reads:
        raise NoData(f"No earnings release was found at SEC{asked}.", " ".join(draft.warnings[-2:]))
    draft.warn(_NO_CALLS)
    return reads


def _named(arguments: CallSentimentArguments) -> dict[str, str]:
    return {size: text for size in SIZES if (text := getattr(arguments, size).strip(" ,"))}


def _ungrouped(groups: dict[str, list[Read]], draft: Draft) -> None:
    """Say why small companies are not compared with large ones, and what to set."""
    other = sorted(
        {str(r.document.metadata.extra["size"]) for r in groups[""] if r.document.metadata.extra.get("size")}
    )
    if other:
        draft.warn(f"{', '.join(map(repr, other[:3]))} is no size: it is small, mid or large.")
    missing = [f"size={size}" for size in ("small", "large") if not groups[size]]
    if missing:
        draft.warn(
            f"No comparison of small with large companies: {len(groups[''])} of {sum(map(len, groups.values()))} documents have no size. "
            f"Give it: thesis ingest FILES --meta {' and, for the others, --meta '.join(missing)}; what is in the base already is updated."
        )
    else:
        draft.warn("No comparison of small with large companies: both are needed in the same quarter.")


def _chosen(
    arguments: CallSentimentArguments, context: Context, documents: Documents, draft: Draft
) -> list[SourceInfo]:
    """Return the sources of one kind, each text once; transcripts and releases differ in tone and are never mixed."""
    kinds: tuple[Literal["transcript", "release"], ...] = ("transcript", "release")
    for kind in kinds if not arguments.kind else [k for k in kinds if k == arguments.kind]:
        held = [s for s in documents.sources(context.filters(kind=(kind,))) if s.version]
        if arguments.ticker:
            wanted = named_in(arguments.ticker, [s.metadata.company for s in held if s.metadata.company])
            ticker = arguments.ticker.upper()
            held = [s for s in held if s.metadata.company in wanted or s.metadata.ticker == ticker]
            companies = sorted({s.metadata.company or "" for s in held})
            if len(companies) > 1:
                raise NoData(f"{arguments.ticker!r} may be any of: {', '.join(companies)}.", "Name one of them.")
            draft.resolved(company=companies[0] if companies else arguments.ticker)
        if held:
            draft.resolved(kind=kind)
            return list({(s.version, s.metadata.company, s.metadata.published): s for s in held}.values())
    return []


def _levels(
    reads: Sequence[Read],
    groups: dict[str, list[Read]],
    found: Comparison | None,
    draft: Draft,
    context: Context,
    single: bool,
    about: str,
) -> None:
    shown = found.quarter if found else None
    names = {"small": "small caps", "mid": "mid caps", "large": "large caps", "": "companies without a size"}
    if single or not any(groups[s] for s in SIZES):
        groups, names = {"": list(reads)}, {"": reads[0].call.company if single else _all(reads)}
    for size, members in groups.items():
        held = [r for r in members if shown is None or r.quarter == shown]
        made = level([r.call for r in held])
        if made is None:
            continue
        draft.add(
            "call_sentiment", names[size] + about, 100 * made.mean, "percent",
            as_of=_as_of(held, context), period=shown or _span(held), source=_source(held), formula=FORMULA,
            inputs=[*_interval(made.interval), *(_row(r) for r in held)], n=made.n,
        )  # fmt: skip
    undated = sum(r.quarter is None for r in reads)
    if undated:
        draft.warn(f"{undated} of {len(reads)} documents: {_UNDATED}, so they belong to no quarter.")


def _all(reads: Sequence[Read]) -> str:
    return "all companies that were read" if reads[0].url else "all companies in the base"


def _source(reads: Sequence[Read]) -> str:
    return "SEC EDGAR, 8-K EX-99.1" if any(r.url for r in reads) else "documents"


def _difference(found: Comparison, groups: dict[str, list[Read]], draft: Draft, context: Context, about: str) -> None:
    both = [r for s in ("small", "large") for r in groups[s] if found.quarter is None or r.quarter == found.quarter]
    common: dict[str, Any] = {
        "as_of": _as_of(both, context),
        "period": found.quarter or _span(both),
        "source": _source(both),
    }
    subject = f"small caps against large caps{about}"
    draft.add(
        "call_sentiment_difference", subject, 100 * found.difference, "percentage points",
        formula="mean(small) - mean(large)", inputs=_interval(found.interval), n=len(both), **common,
    )  # fmt: skip
    if found.z is not None:
        draft.add(
            "call_sentiment_z", subject, found.z, "standard deviations",
            formula="(newest - mean) / standard deviation, over quarters",
            inputs=[{"quarter": q, "difference_pp": 100 * d} for q, d in found.history.items()], n=len(found.history), **common,
        )  # fmt: skip
    elif found.reason:
        draft.warn(f"{found.reason[:1].upper()}{found.reason[1:]}.")


def _quoted(reads: Sequence[Read], top: int, draft: Draft, context: Context) -> None:
    """Add how the words fell, with the sentences that lean furthest to each side, word for word and with their place."""
    for sign, name in ((1, "most_positive_sentences"), (-1, "most_negative_sentences")):
        leaning = [(r, s) for r in reads for s in r.tone.strongest(sign, top)]
        leaning.sort(key=lambda x: (-sign * x[1].lean, x[0].document.document_id, x[1].start))
        if leaning[:top]:
            draft.add(
                name, "documents read", float(len(leaning[:top])), "sentences", as_of=_as_of(reads, context), source=_source(reads),
                formula="(positive words - negative words) / square root of words, of a sentence", inputs=[_sentence(r, s) for r, s in leaning[:top]], n=len(reads),
            )  # fmt: skip


def _agreement(reads: Sequence[Read], theirs: Lexicon, draft: Draft, context: Context) -> None:
    other = [tone(r.document, theirs).score or 0.0 for r in reads]
    found = agreement([r.score for r in reads], other)
    if found is None:
        draft.warn("The two lexicons are compared from three documents on.")
        return
    subject = f"own lexicon and {theirs.name}"
    common: dict[str, Any] = {"as_of": _as_of(reads, context), "source": _source(reads), "n": found.n}
    if found.correlation is not None:
        draft.add("lexicon_correlation", subject, found.correlation, "", formula="Pearson, over documents", **common)
    draft.add("lexicon_sign_agreement", subject, 100 * found.same_sign, "percent", **common)


def _as_of(reads: Sequence[Read], context: Context) -> str:
    """Return the day of the newest call; of the reading itself where none has a date."""
    return max((r.day for r in reads if r.day), default=context.day.isoformat())


def _span(reads: Sequence[Read]) -> str:
    days = sorted(r.day for r in reads if r.day)
    undated = len(reads) - len(days)
    told = "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return ", ".join(x for x in (told, f"{undated} undated" if undated else "") if x)


def _interval(found: Interval | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    return [{"name": "interval95", "low": 100 * found[0], "high": 100 * found[1], "method": "bootstrap over documents"}]


def _named_by(read: Read) -> dict[str, Any]:
    """Return how a document is named: by its id in the base, else by its filing."""
    if read.url:
        return {"accn": read.accn, "filed": read.day, "url": read.url}
    return {"document_id": read.document.document_id}


def _row(read: Read) -> dict[str, Any]:
    counted = read.tone
    return {
        **_named_by(read), "company": read.call.company, "quarter": read.quarter, "score_pct": 100 * read.score,
        "positive": counted.positive, "negative": counted.negative, "words": counted.words, "left_out": dict(counted.left_out),
    }  # fmt: skip


def _sentence(read: Read, sentence: Sentence) -> dict[str, Any]:
    document = read.document
    return {
        **_named_by(read), **({} if read.url else {"version": document.version}), "company": read.call.company,
        "start": sentence.start, "end": sentence.end, "page": document.page_at(sentence.start),
        "quote": document.text[sentence.start : sentence.end], "positive": sentence.positive, "negative": sentence.negative,
    }  # fmt: skip


TOOL = Tool(
    name="call_sentiment",
    summary="Tone of earnings calls and releases in the base, small against large companies; without them, of releases filed with SEC",
    arguments=CallSentimentArguments,
    sources=("documents", "sec", "holdings"),
    run=execute("call_sentiment", _run),
)
