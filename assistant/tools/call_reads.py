"""What the tone of calls is read from: documents of the base, or earnings releases filed with SEC.

A release is the EX-99.1 of an 8-K on results (item 2.02): written by the company, without questions. Its tables of figures are
left out, their labels are no tone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from assistant.tools.base import Context, Documents, Draft, NoData, RateLimited, ToolFailure
from assistant.tools.deadline import remaining
from assistant.tools.entities import LISTINGS, company, fund, listings, own_fund
from assistant.tools.members import members
from assistant.tools.providers.edgar_pages import EARNINGS
from assistant.tools.providers.protocols import Filing, FilingList, FilingPage, Listing
from assistant.tools.pulls import Want, pull
from assistant.tools.sentiment import Lexicon, Tone, tone
from assistant.tools.sentiment_groups import Call, when
from vectorstore.records import Document, Metadata, Region, SourceInfo

SIZES = ("small", "mid", "large")
FILED = "filed"  # the kind of releases that are read at SEC
OLD_DAYS = 140  # a company reports each quarter, and the annual figures come late
_QUARTER_DAYS = 92
_LEFT_S = 6.0  # of the call's time, kept for what follows the requests
_SAMPLED = (("small", "IWM"), ("large", "SPY"))


@dataclass(frozen=True, slots=True)
class Read:
    """One document, its size group, when its call was, and its tone. ``url``: of a release that is not in the base."""

    document: Document
    size: str
    quarter: str | None
    day: str | None
    tone: Tone
    url: str | None = None
    accn: str | None = None

    @property
    def score(self) -> float:
        return self.tone.score or 0.0

    @property
    def call(self) -> Call:
        name = self.document.metadata.company or self.document.metadata.title or self.document.path
        return Call(self.document.document_id, name, self.size, self.score, self.quarter, self.day)


def size_of(given: Mapping[str, str]) -> str:
    size = str(given.get("size", "")).strip().lower()
    return size if size in SIZES else ""


def read(documents: Documents, source: SourceInfo, lexicon: Lexicon) -> Read:
    """Return a document of the base with its tone."""
    document = documents.document(source.document_id, source.version)
    quarter, day = when(document.metadata)
    return Read(document, size_of(document.metadata.extra), quarter, day, tone(document, lexicon))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose releases are read: one company, or companies by size (comma-separated), else a sample of two funds."""

    ticker: str
    named: Mapping[str, str]
    sample: int
    each: int  # releases of each company, newest first


def at_hand(context: Context) -> bool:
    """Whether releases can be had: SEC is switched on, or was and left saved pulls."""
    return context.providers.filings is not None or context.snapshots.latest(LISTINGS.source, LISTINGS.key) is not None


def filed(wanted: Wanted, lexicon: Lexicon, context: Context, draft: Draft) -> list[Read]:
    """Return the releases filed by the last day that may be used, newest first by company. Raises ToolFailure."""
    groups = _groups(wanted, context, draft)
    order = [(size, one) for size, held in groups.items() for one in held]
    found: list[Read] = []
    lists: dict[int, list[Filing]] = {}
    failed: list[str] = []
    unread = 0
    for turn in range(wanted.each):
        for size, one in order:
            if remaining(1e9) < _LEFT_S:
                unread += 1
                continue
            try:
                if turn == 0:
                    lists[one.cik] = _reported(one, wanted.each, context, draft)
                if turn < len(lists.get(one.cik, ())):
                    found.append(_release(size, one, lists[one.cik][turn], lexicon, context, draft))
            except RateLimited:
                raise
            except ToolFailure as failure:
                failed.append(failure.message.rstrip("."))
    if failed:
        draft.warn(f"{len(failed)} of {len(order)} companies gave no release, the first: {failed[0]}.")
    if unread:
        draft.warn(f"{unread} releases were not read: no time was left. What was read is saved, so ask again for more.")
    old = [r for r in found if r.day and r.day < (context.day - timedelta(days=OLD_DAYS)).isoformat()]
    if wanted.each == 1 and old:
        draft.stale = True
        draft.warn(f"{len(old)} of {len(found)} releases are older than {OLD_DAYS} days.")
    return [r for r in found if r.tone.words]


def _groups(wanted: Wanted, context: Context, draft: Draft) -> dict[str, list[Listing]]:
    """Return companies by size: those that are named, those of the base, else a sample of the small- and the large-cap fund."""
    one_fund = own_fund(wanted.ticker, context) if wanted.ticker else None
    if one_fund is not None:
        return {one_fund.size: _sampled(one_fund.ticker, wanted.sample, context, draft)}
    table = listings(context, draft)
    if wanted.ticker:
        one = company(wanted.ticker, table)
        draft.resolved(ticker=one.ticker, cik=one.cik, company=one.name)
        return {"": [one]}
    named = {
        size: [company(name.strip(), table) for name in text.split(",") if name.strip()]
        for size, text in wanted.named.items()
    }
    if not any(named.values()):
        named = _of_base(table, context, draft)
    if not any(named.values()):
        named = {size: _sampled(ticker, wanted.sample, context, draft) for size, ticker in _SAMPLED}
    draft.resolved(companies={size or "no size": [one.ticker for one in held] for size, held in named.items() if held})
    return named


def _of_base(table: Sequence[Listing], context: Context, draft: Draft) -> dict[str, list[Listing]]:
    """Return the companies of the base whose documents have a size in their metadata."""
    found: dict[str, dict[int, Listing]] = {}
    unknown = set()
    for source in context.documents.sources(context.filters()) if context.documents is not None else ():
        meta = source.metadata
        size, name = size_of(meta.extra), meta.ticker or meta.company
        if size and name:
            try:
                one = company(name, table)
                found.setdefault(size, {})[one.cik] = one
            except NoData:
                unknown.add(name)
    if unknown:
        draft.warn(f"Not on SEC's list of tickers: {', '.join(sorted(unknown)[:5])}.")
    return {size: list(held.values()) for size, held in found.items()}


def _sampled(ticker: str, sample: int, context: Context, draft: Draft) -> list[Listing]:
    group = members(context, draft, fund(ticker, context))
    step = max(1, len(group.members) // sample)
    # Every n-th by weight: from the largest to the smallest, the same each time.
    held = group.members[step // 2 :: step][:sample]
    draft.warn(f"{group.fund.index}: {len(held)} companies, every {step}th by weight, stand for all.")
    return [Listing(ticker=m.tickers[0], cik=m.cik, name=m.name) for m in held]


def filing_list(one: Listing, since_days: int, context: Context, draft: Draft) -> FilingList:
    """Return a registrant's annual reports and 8-Ks on results of the last days. Raises ToolFailure."""
    provider = context.providers.filings
    since = context.day - timedelta(days=since_days)
    want = Want("sec", f"filings:{one.cik}:{since.year}", f"filings of {one.name}", dated=True, fresh_days=7)
    fetch = (lambda: provider.filings(one.cik, since.replace(month=1, day=1))) if provider else None
    return draft.take(pull(context, want, FilingList, fetch))


def _reported(one: Listing, each: int, context: Context, draft: Draft) -> list[Filing]:
    held = filing_list(one, OLD_DAYS + each * _QUARTER_DAYS, context, draft).filings
    found = [f for f in held if EARNINGS in f.items and f.filed <= context.day][:each]
    if not found:
        raise NoData(f"{one.name} has filed no 8-K on results (item 2.02) of late", "Take another company.")
    return found


def _release(size: str, one: Listing, filing: Filing, lexicon: Lexicon, context: Context, draft: Draft) -> Read:
    provider = context.providers.filings
    want = Want("sec", f"release:{filing.accn}", f"release of {one.name}", dated=True, fresh_days=1e6)
    fetch = (lambda: provider.release(one.cik, filing.accn)) if provider else None
    pulled = pull(context, want, FilingPage, fetch)
    page = draft.take(pulled)
    day = filing.filed.isoformat()
    meta = Metadata(
        title=f"{one.name}: release of {day}", published=day, kind="release", company=one.name, ticker=one.ticker, form="8-K", url=pulled.url,
    )  # fmt: skip
    document = Document(
        document_id=filing.accn, version="", path=page.path, collection="", text=page.text, metadata=meta,
        regions=tuple(Region(start, end, "running") for start, end in page.tables),
    )  # fmt: skip
    quarter, held = when(meta)
    return Read(document, size, quarter, held, tone(document, lexicon), pulled.url, filing.accn)


__all__ = ["FILED", "SIZES", "Read", "Wanted", "at_hand", "filed", "filing_list", "read"]
