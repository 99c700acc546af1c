"""What every tool is made of: its record, its arguments, what it is run with, and the typed reasons why there is no data.

A tool's own work raises `ToolFailure`; `execute` turns that into a ToolResult, so that ``Tool.run`` never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from assistant.models import Failure, Method, Metric, ToolResult, ToolStatus
from vectorstore.errors import ThesisError
from vectorstore.records import Chunk, Document, Filters, SourceInfo
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.tools.providers.protocols import Providers
    from assistant.tools.snapshots import Snapshots

T = TypeVar("T")
P = ParamSpec("P")
A = TypeVar("A", bound="Arguments")


class ToolFailure(ThesisError):
    """A reason why a tool has no data; ``status`` is that of the ToolResult."""

    kind = "error"
    status: ToolStatus = "error"


class NoData(ToolFailure):
    kind = "no_data"
    status: ToolStatus = "no_data"


class NotConfigured(ToolFailure):
    kind = "not_configured"
    status: ToolStatus = "not_configured"


class RateLimited(ToolFailure):
    kind = "rate_limited"
    status: ToolStatus = "rate_limited"


class Undefined(ToolFailure):
    """The inputs are there, and the metric has no meaning for them (a ratio over negative equity)."""

    kind = "undefined"
    status: ToolStatus = "undefined"


class SourceFailed(ToolFailure):
    """A source answered with an error, too late, or with something that is not what it documents."""

    kind = "source_failed"


class BadFile(ToolFailure):
    """The user's own file cannot be read as it is: no saved pull stands in for it, for its owner can mend it."""

    kind = "bad_file"


class OutOfTime(ToolFailure):
    kind = "timeout"


class Arguments(BaseModel):
    """Arguments of a tool: every field has a default and a description; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Documents(Protocol):
    """The base, as far as tools read it (vectorstore.store.Store and vectorstore.ledger fit).

    Pass ``context.filters(...)``: it carries the as-of date.
    """

    def sources(self, filters: Filters | None = None) -> Sequence[SourceInfo]: ...
    def document(self, document_id: str, version: str | None = None) -> Document: ...
    def chunks(self, document_id: str) -> Sequence[Chunk]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a tool is run with. ``as_of``: nothing published, filed or observed later may be used."""

    settings: Settings
    providers: Providers
    snapshots: Snapshots
    today: date
    as_of: date | None = None
    documents: Documents | None = None

    @property
    def day(self) -> date:
        """The last day whose data may be used."""
        return self.as_of or self.today

    def filters(self, **values: Any) -> Filters:
        """Return Filters for ``documents`` that hold to the as-of date."""
        return Filters(**values, as_of=self.as_of.isoformat() if self.as_of else None)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. ``sources``: providers that it may ask, by the names of the setting ``sources``, and "documents"."""

    name: str
    summary: str
    arguments: type[Arguments]
    sources: tuple[str, ...]
    run: Callable[[Any, Context], ToolResult]


@dataclass(frozen=True, slots=True)
class Pulled(Generic[T]):
    """What a source gave: the value, when it was fetched, and whether it is a saved one.

    ``observed``: the day that the data speak of, where the source says so; ``stale``: older than the source's own cadence.
    """

    value: T
    source: str
    retrieved_at: str
    url: str | None = None
    observed: date | None = None
    cached: bool = False
    stale: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """A ToolResult in the making: what was resolved, metrics, warnings, and the state of what was pulled."""

    tool: str
    arguments: dict[str, Any]
    metrics: list[Metric] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[ToolFailure] = field(default_factory=list)
    retrieved: list[str] = field(default_factory=list)
    cached: bool = False
    stale: bool = False

    def resolved(self, **values: Any) -> None:
        """Echo what a name was resolved to."""
        self.arguments |= values

    def take(self, pulled: Pulled[T]) -> T:
        """Note the state of what was pulled, and return its value."""
        self.retrieved.append(pulled.retrieved_at)
        self.cached |= pulled.cached
        self.stale |= pulled.stale
        for text in pulled.warnings:
            self.warn(text)
        return pulled.value

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def attempt(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Run one part of several; a part without data is a warning, and the result's status only if no part has any."""
        try:
            return work(*args, **kwargs)
        except ToolFailure as failure:
            self.failures.append(failure)
            self.warn(str(failure))
            return None

    def add(
        self,
        name: str,
        subject: str,
        value: float | None,
        unit: str,
        *,
        as_of: date | str,
        period: str | None = None,
        source: str,
        source_url: str | None = None,
        method: Method = "derived",
        formula: str | None = None,
        inputs: Sequence[dict[str, Any]] = (),
        n: int | None = None,
        coverage_pct: float | None = None,
    ) -> Metric:
        """Add one metric (assistant.models.Metric) and return it."""
        metric = Metric(
            name=name,
            subject=subject,
            value=value,
            unit=unit,
            as_of=as_of.isoformat() if isinstance(as_of, date) else as_of,
            period=period,
            source=source,
            source_url=source_url,
            method=method,
            formula=formula,
            inputs=tuple(inputs),
            n=n,
            coverage_pct=coverage_pct,
        )
        self.metrics.append(metric)
        return metric

    def result(self, failure: ToolFailure | None = None) -> ToolResult:
        """Return the ToolResult. ``failure`` counts only where there is no metric with a value; else it is a warning."""
        has_value = any(m.value is not None for m in self.metrics)
        status: ToolStatus = "ok"
        error = None
        if failure is not None and has_value:
            self.warn(str(failure))
        elif not has_value:
            said = failure or _gravest(self.failures) or NoData(f"{self.tool} found nothing.", "")
            status, error = said.status, as_failure(said)
        return ToolResult(
            tool=self.tool,
            arguments=self.arguments,
            status=status,
            metrics=tuple(self.metrics),
            retrieved_at=min(self.retrieved) if self.retrieved else None,
            cached=self.cached,
            stale=self.stale,
            warnings=tuple(
                w for w in self.warnings if error is None or w != f"{error.message} {error.what_to_do}".strip()
            ),
            error=error,
        )


# Which of several failures a result is named after: what the user can mend first.
_ORDER: tuple[ToolStatus, ...] = ("undefined", "rate_limited", "error", "not_configured", "no_data", "ok")


def _gravest(failures: Sequence[ToolFailure]) -> ToolFailure | None:
    return min(failures, key=lambda f: _ORDER.index(f.status), default=None)


def as_failure(error: ThesisError) -> Failure:
    return Failure(kind=error.kind, message=error.message, what_to_do=error.what_to_do)


def execute(name: str, work: Callable[[A, Context, Draft], None]) -> Callable[[A, Context], ToolResult]:
    """Return a tool's ``run``: ``work`` adds metrics to the Draft and raises ToolFailure where there is nothing to add."""

    def run(arguments: A, context: Context) -> ToolResult:
        draft = Draft(name, arguments.model_dump(mode="json"))
        if context.as_of is not None:
            draft.arguments["as_of"] = context.as_of.isoformat()
        try:
            work(arguments, context, draft)
        except ToolFailure as failure:
            return draft.result(failure)
        return draft.result()

    return run
