"""How much protection is bought on an index through options, and whether that is unusual by its own history.

put/call = puts / calls by open interest and by volume, 7 to 60 days to expiry
skew = volatility of the 25-delta put - that of the 25-delta call, at the expiry nearest 30 days
a spike: z > 2 over at least 60 own daily pulls; before that, the level only
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, Undefined, execute
from assistant.tools.entities import instrument
from assistant.tools.history import remember, z_score
from assistant.tools.options import Smile, skew, smile
from assistant.tools.providers.protocols import Chain, Contract
from assistant.tools.pulls import Want, pull

NAME = "hedging"
NEAREST, FARTHEST, AIM = 7, 60, 30
LEAST, SPIKE = 60, 2.0


class HedgingArguments(Arguments):
    ticker: str = Field("Russell 2000", description="A fund or share with options")


def _work(a: HedgingArguments, context: Context, draft: Draft) -> None:
    symbol, name = instrument(a.ticker)
    draft.resolved(ticker=symbol, name=name)
    provider = context.providers.options
    want = Want("market", f"chain:{symbol}", f"options of {symbol}", dated=False, fresh_days=3, how="options")
    pulled = pull(context, want, Chain, (lambda: provider.chain(symbol)) if provider else None)
    chain = draft.take(pulled)
    near = [c for c in chain.contracts if NEAREST <= (c.expiry - chain.day).days <= FARTHEST]
    if not near:
        raise NoData(f"{symbol} has no options of {NEAREST} to {FARTHEST} days.", "Take a fund with options.")
    common: dict[str, Any] = {"as_of": chain.day, "source": pulled.source, "source_url": pulled.url}
    found: dict[str, float] = {}
    for what, field in (("open_interest", "open_interest"), ("volume", "volume")):
        value = draft.attempt(_put_call, f"{name} ({symbol})", what, field, near, common, draft)
        if value is not None:
            found[f"put_call_{what}"] = value
    value = draft.attempt(_skew, f"{name} ({symbol})", near, chain.day, common, draft)
    if value is not None:
        found["skew_25_delta"] = value
    _judge(f"{name} ({symbol})", symbol, found, chain.day, context, draft)


def _put_call(subject: str, what: str, field: str, near: list[Contract], common: dict[str, Any], draft: Draft) -> float:
    puts, calls = (sum(getattr(c, field) or 0 for c in near if c.kind == kind) for kind in ("put", "call"))
    if calls <= 0 or puts <= 0:
        raise Undefined(
            f"put/call by {what} of {subject}: {puts} puts and {calls} calls are reported; a 0 often means not known.",
            "Ask again during market hours.",
        )
    draft.add(
        f"put_call_{what}", subject, puts / calls, "x", period=f"{NEAREST} to {FARTHEST} days to expiry",
        formula=f"{what} of puts / {what} of calls", n=len(near),
        inputs=({"name": "puts", "value": puts}, {"name": "calls", "value": calls}), **common,
    )  # fmt: skip
    return puts / calls


def _skew(subject: str, near: list[Contract], day: date, common: dict[str, Any], draft: Draft) -> float:
    expiries = sorted({c.expiry for c in near}, key=lambda e: (abs((e - day).days - AIM), e))
    for expiry in expiries:
        curve = smile([c for c in near if c.expiry == expiry], day)
        both = skew(curve) if curve else None
        if curve is not None and both is not None:
            return _told(subject, curve, both, common, draft)
    raise NoData(
        f"The quotes of {subject} reach a delta of 25 on both sides at no expiry: bids of 0 and old trades are left out.",
        "Ask again during market hours.",
    )


def _told(subject: str, curve: Smile, both: tuple[float, float], common: dict[str, Any], draft: Draft) -> float:
    put, call = (100 * v for v in both)
    draft.add(
        "skew_25_delta", subject, put - call, "volatility points", period=f"{curve.days} days to {curve.expiry}",
        formula="implied volatility of the 25-delta put - that of the 25-delta call, from mid prices",
        inputs=({"name": "put", "value": put, "unit": "percent"}, {"name": "call", "value": call, "unit": "percent"},
                {"name": "forward", "value": curve.forward}, {"name": "quotes left out", "value": curve.dropped}),
        n=len(curve.points), **common,
    )  # fmt: skip
    return put - call


def _judge(subject: str, symbol: str, found: dict[str, float], day: date, context: Context, draft: Draft) -> None:
    """Add a z-score for each measure whose own history is long enough."""
    history = remember(context, draft, f"hedging:{symbol}", day, found)
    for name, value in found.items():
        before = [h.values[name] for h in history if name in h.values and h.day < day]
        if len(before) < LEAST:
            draft.warn(f"Level only: {len(before)} daily pulls are saved, a spike is told from {LEAST} on.")
            continue
        z = z_score(value, before)
        if z is None:
            draft.warn(f"{name} never moved in {len(before)} days: no z-score.")
            continue
        draft.add(
            f"{name}_z", subject, z, "standard deviations", as_of=day, period=f"{history[0].day} to {day}",
            source="own saved history", formula="(value - mean) / standard deviation of the earlier days",
            inputs=({"name": "spike", "value": z > SPIKE, "rule": f"z > {SPIKE:g}"}, {"name": "value", "value": value}),
            n=len(before),
        )  # fmt: skip


TOOL = Tool(
    NAME,
    "Put/call ratios and the 25-delta skew of an index fund's options, and whether they spike against their own history.",
    HedgingArguments,
    ("market",),
    execute(NAME, _work),
)
