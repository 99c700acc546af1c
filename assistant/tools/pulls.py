"""From a provider or its snapshots to a value with its age: the rules on what may answer when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from assistant.tools.base import BadFile, Context, NoData, NotConfigured, Pulled, ToolFailure
from assistant.tools.providers.protocols import Fetched, Payload
from assistant.tools.snapshots import Snapshot, now
from vectorstore.errors import StoreError

log = logging.getLogger(__name__)
P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Want:
    """What is pulled. ``dated``: the payload says of each datum when it was known, so that the tool itself can cut it at
    an as-of date; else only a pull saved by that date may answer. ``fresh_days``: older than that is stale."""

    source: str  # as in the setting ``sources``
    key: str
    what: str  # for people: "closes of IWM"
    dated: bool
    fresh_days: float
    how: str = ""  # which way of HOW switches it on, where that is not its source's


_OFF = "its source is not switched on"
HOW = {
    "market": 'Set sources = ["market"] and, once you have read Yahoo\'s terms (personal use only), accept_market_terms = true '
    "in thesis.toml; or put your own file in the folder that the setting data names (docs/tools/data.md).",
    "options": 'Set sources = ["market"] and, once you have read Yahoo\'s terms (personal use only), accept_market_terms = true in thesis.toml.',
    "sec": 'Set sources = ["sec"] and contact = "your name and e-mail" in thesis.toml.',
    "fred": 'Set sources = ["fred"] in thesis.toml; FRED_API_KEY in the environment is optional.',
    "treasury": 'Set sources = ["treasury"] in thesis.toml.',
    "usaspending": 'Set sources = ["usaspending"] in thesis.toml.',
    "holdings": 'Set sources = ["holdings"] in thesis.toml, or put holdings/FUND.csv in the folder that the setting data names.',
    "data": "Put the file in the folder that the setting data names (docs/tools/data.md).",
}


def pull(context: Context, want: Want, kind: type[P], fetch: Callable[[], Fetched] | None) -> Pulled[P]:
    """Return the value, fresh where ``fetch`` is given and works, else the last saved one with its age.

    ``fetch`` None: nothing that gives this is switched on. Raises NotConfigured, NoData, or what ``fetch`` raised.
    """
    cut = context.as_of is not None and not want.dated
    failure: ToolFailure | None = None
    if fetch is not None and not cut:
        try:
            return _kept(context, want, kind, fetch())
        except BadFile:
            raise
        except ToolFailure as error:
            failure = error
    saved = context.snapshots.latest(want.source, want.key, until=context.as_of if cut else None)
    if saved is not None:
        why = str(failure) if failure else f"as of {context.as_of} only what was saved by then counts" if cut else _OFF
        return _saved(want, kind, saved, why)
    if failure is not None:
        raise failure
    if cut:
        raise NoData(
            f"No {want.what} as of {context.as_of}: the source has no history, and no pull was saved by then.",
            "Ask without an as-of date, or with one after the first saved pull.",
        )
    raise NotConfigured(
        f"No source for {want.what} is switched on, and none was saved before.", HOW[want.how or want.source]
    )


def _kept(context: Context, want: Want, kind: type[P], fetched: Fetched) -> Pulled[P]:
    if not isinstance(fetched.payload, kind):
        raise TypeError(f"{want.what}: got {type(fetched.payload).__name__}, not {kind.__name__}")
    retrieved_at = fetched.retrieved_at or now()
    warnings = list(fetched.warnings)
    if not fetched.stale:
        try:
            context.snapshots.save(
                want.source, want.key, fetched.payload.model_dump_json(),
                retrieved_at=retrieved_at, observed=fetched.observed, url=fetched.url, label=fetched.source,
            )  # fmt: skip
        except StoreError as error:
            log.warning("Not saved: %s", error)
            warnings.append(f"This pull could not be saved: {error.message}")
    else:
        warnings.append(f"{want.what}: the source did not answer; this is its answer of {retrieved_at}.")
    return Pulled(
        fetched.payload, fetched.source, retrieved_at, fetched.url, fetched.observed,
        cached=fetched.stale, stale=fetched.stale, warnings=tuple(warnings),
    )  # fmt: skip


def _saved(want: Want, kind: type[P], saved: Snapshot, why: str) -> Pulled[P]:
    try:
        value = kind.model_validate_json(saved.payload)
    except ValidationError as error:
        raise NoData(
            f"The saved {want.what} is of an older version of this program.", "Switch its source on once."
        ) from error
    age = datetime.now(UTC) - datetime.fromisoformat(saved.retrieved_at)
    days = age.total_seconds() / 86400
    told = f"{want.what}: saved on {saved.retrieved_at[:10]} ({_age(days)} ago), because {why[:1].lower()}{why[1:].rstrip('.')}."
    return Pulled(
        value, saved.label or want.source, saved.retrieved_at, saved.url, saved.observed,
        cached=True, stale=days > want.fresh_days, warnings=(told,),
    )  # fmt: skip


def _age(days: float) -> str:
    if days < 1:
        return f"{max(0, round(days * 24))} h"
    return f"{round(days)} day{'s' * (round(days) != 1)}"
