"""What part of an index is in industries that tariffs hit, by the SIC codes of its companies.

exposure = sum of weights of companies whose SIC is in a group of data/tariff_sic.toml; what has no SIC is shown as unmapped.
Of one company: 100 percent where its own SIC is in a group, else 0.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, ToolFailure, execute
from assistant.tools.deadline import remaining
from assistant.tools.entities import company, fund, listings, own_fund, pair
from assistant.tools.members import Members, members
from assistant.tools.providers.protocols import Payload, Submission
from assistant.tools.pulls import Want, pull
from assistant.tools.snapshots import now
from vectorstore.errors import StoreError

NAME = "tariff_exposure"
SOURCE = "SEC EDGAR submissions (SIC); holdings of the fund"
URL = "https://www.sec.gov/search-filings/standard-industrial-classification-sic-code-list"
# One request a company: what does not fit into a call's time is asked in the next one.
_LEFT_S = 6.0


class TariffArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index or fund, or a company by ticker, CIK or name")
    benchmark: str = Field("S&P 500", description="What it is compared with; empty for nothing")


class Industries(Payload):
    """SIC codes by CIK as they were found; None for a registrant without one."""

    codes: dict[int, int | None]
    asked: dict[int, date]


@cache
def groups() -> tuple[str, dict[str, tuple[tuple[int, int], ...]]]:
    """Return the version of the table, and its groups as ranges of SIC codes."""
    table = tomllib.loads(files("assistant").joinpath("data", "tariff_sic.toml").read_text(encoding="utf-8"))
    return str(table["version"]), {name: tuple((a, b) for a, b in spans) for name, spans in table["groups"].items()}


def group_of(sic: int) -> str | None:
    """Return the group that a SIC code is in, or None."""
    return next((name for name, spans in groups()[1].items() if any(a <= sic <= b for a, b in spans)), None)


def _work(a: TariffArguments, context: Context, draft: Draft) -> None:
    if own_fund(a.ticker, context) is None:
        draft.resolved(benchmark="", table_version=groups()[0])
        _company(a.ticker, context, draft)
        return
    first, second = pair(a.ticker, a.benchmark, context, draft)
    draft.resolved(table_version=groups()[0])
    found = [members(context, draft, first)]
    other = draft.attempt(members, context, draft, second) if second else None
    found += [other] if other else []
    codes = _codes(context, draft, found)
    for group in found:
        draft.attempt(_add, group, codes, draft)


def _company(asked: str, context: Context, draft: Draft) -> None:
    """Add whether a company's own industry is in a group: 100 or 0 percent."""
    try:
        one = company(asked, listings(context, draft))
    except ToolFailure as failure:
        try:
            fund(asked, context)
        except NoData as unknown:
            message = f"{unknown.message.rstrip('.')}, and no company that can be found: {failure.message}"
            raise NoData(message, f"{unknown.what_to_do} {failure.what_to_do}") from failure
        raise
    draft.resolved(ticker=one.ticker, cik=one.cik, name=one.name)
    provider = context.providers.facts
    want = Want("sec", f"submission:{one.cik}", f"industry of {one.name}", dated=True, fresh_days=400)
    pulled = pull(context, want, Submission, (lambda: provider.submission(one.cik)) if provider else None)
    sic = draft.take(pulled).sic
    if sic is None:
        raise NoData(f"SEC names no industry (SIC) of {one.name}.", "Its filings may tell what it makes.")
    hit = group_of(sic)
    draft.add(
        NAME, one.name, 100.0 if hit else 0.0, "percent", as_of=pulled.retrieved_at[:10], source="SEC EDGAR submissions (SIC)",
        source_url=pulled.url or URL, method="proxy", period=f"SIC table {groups()[0]}",
        formula=f"SIC {sic} is in {hit}" if hit else f"SIC {sic} is in no group of the table", inputs=[{"name": "sic", "value": sic}],
    )  # fmt: skip


def _codes(context: Context, draft: Draft, found: list[Members]) -> dict[int, int | None]:
    """Return SIC codes by CIK: the saved ones, and as many more as the time allows, the heaviest first."""
    saved = context.snapshots.latest("sec", "industries", until=context.as_of)
    held = Industries.model_validate_json(saved.payload) if saved else Industries(codes={}, asked={})
    codes, asked = dict(held.codes), dict(held.asked)
    weights: dict[int, float] = {}
    for group in found:
        for member in group.members:
            weights[member.cik] = max(weights.get(member.cik, 0.0), member.weight)
    provider = context.providers.facts
    missing = sorted((c for c in weights if c not in codes), key=lambda c: -weights[c])
    if saved is not None:
        draft.retrieved.append(saved.retrieved_at)
        draft.cached = not missing or provider is None or context.as_of is not None
    if provider is None or context.as_of is not None or not missing:
        return codes
    failure: ToolFailure | None = None
    reached = 0
    for cik in missing:
        if remaining(1e9) < _LEFT_S and reached:
            break
        try:
            payload = provider.submission(cik).payload
        except NoData:
            codes[cik] = None
        except ToolFailure as error:
            failure = error
            break
        else:
            assert isinstance(payload, Submission)
            codes[cik] = payload.sic
        asked[cik] = datetime.now(UTC).date()
        reached += 1
    if failure is not None and not codes:
        raise failure
    if reached < len(missing):
        why = f" ({failure.message})" if failure else ""
        draft.warn(f"The industries of {len(missing) - reached} companies are still to be asked{why}: ask again.")
    if reached:
        at = now()
        draft.retrieved.append(at)
        try:
            context.snapshots.save(
                "sec", "industries", Industries(codes=codes, asked=asked).model_dump_json(), retrieved_at=at
            )
        except StoreError as error:
            draft.warn(f"The industries could not be saved: {error.message}")
    return codes


def _add(group: Members, codes: dict[int, int | None], draft: Draft) -> None:
    sums = dict.fromkeys(groups()[1], 0.0)
    named: dict[str, list[dict[str, Any]]] = {name: [] for name in sums}
    mapped, n = 0.0, 0
    for member in group.members:
        sic = codes.get(member.cik)
        if sic is None:
            continue
        mapped += member.weight
        n += 1
        hit = group_of(sic)
        if hit is not None:
            sums[hit] += member.weight
            if len(named[hit]) < 5:
                named[hit].append(
                    {"ticker": member.tickers[0], "sic": sic, "weight_pct": round(100 * member.weight, 4)}
                )
    if not n:
        raise NoData(f"The industry of no company of {group.fund.index} is known.", "Switch on sec, and ask again.")
    common: dict[str, Any] = {
        "as_of": group.positions.day, "source": SOURCE, "source_url": URL, "n": n,
        "coverage_pct": min(100.0, 100 * mapped), "period": f"SIC table {groups()[0]}",
    }  # fmt: skip
    name = group.fund.index
    draft.add(
        "tariff_exposure", name, 100 * sum(sums.values()), "percent", method="proxy",
        formula="sum of weights with a SIC in " + ", ".join(sums),
        inputs=[{"name": g, "weight_pct": round(100 * w, 6)} for g, w in sums.items()], **common,
    )  # fmt: skip
    for one, weight in sums.items():
        draft.add(
            f"tariff_exposure_{one}", name, 100 * weight, "percent", method="proxy",
            formula="sum of weights with SIC " + ", ".join(f"{a}-{b}" for a, b in groups()[1][one]),
            inputs=named[one], **common,
        )  # fmt: skip
    draft.add(
        "unmapped_weight", name, 100 * max(0.0, 1 - mapped), "percent",
        formula="1 - weight of companies with a SIC", **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "What part of an index is in industries that tariffs hit (auto parts, transport, capital goods, components), beside another.",
    TariffArguments,
    ("sec", "holdings"),
    execute(NAME, _work),
)
