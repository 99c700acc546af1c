"""What is counted, for Prometheus: the one door to its client. No label holds a user's text, name or collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from assistant.models import Answer

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_CHANNELS = {"page", "api", "openai", "mcp"}


@dataclass(frozen=True, slots=True)
class Base:
    """What is in the base at one moment; ``ready``: whether questions can be answered."""

    documents: int
    chunks: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What a server counted since it began, ``seconds`` ago: the part of the metrics that people look at.

    ``questions`` by the status of their answers and ``channels`` by where they were asked; ``answer_seconds`` of all answers
    together; ``faults``: responses with a status of 500 and up but 503; ``memory`` in bytes (0: not known).
    """

    seconds: float
    questions: Mapping[str, int]
    channels: Mapping[str, int]
    answer_seconds: float
    in_flight: int
    requests: int
    faults: int
    rejected: Mapping[str, int]
    memory: int


disable_created_metrics()  # type: ignore[no-untyped-call]


class _Now(Collector):
    """Reads the state of the base when somebody asks for it."""

    def __init__(self, state: Callable[[], Base]) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        return []  # so that registering it reads nothing

    def collect(self) -> Iterator[Metric]:
        now = self._state()
        yield GaugeMetricFamily("thesis_documents", "Documents that can be cited.", now.documents)
        yield GaugeMetricFamily("thesis_chunks", "Chunks in the index.", now.chunks)
        yield GaugeMetricFamily("thesis_ready", "1 where questions can be answered.", float(now.ready))


class Counters:
    """The figures of one server. Safe in any number of threads."""

    def __init__(self, state: Callable[[], Base], making: Callable[[], int]) -> None:
        self._begun = time.monotonic()
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("thesis_http_requests", "Requests.", ("method", "route", "status"), registry=registry)
        self._seconds = Histogram(
            "thesis_http_request_seconds", "Seconds to the end of a response.", ("route",), buckets=_SECONDS, registry=registry
        )  # fmt: skip
        self._in_flight = Gauge("thesis_http_in_flight", "Requests that are being served.", registry=registry)
        self._rejected = Counter("thesis_rejected", "Requests refused by a limit.", ("reason",), registry=registry)
        self._questions = Counter(
            "thesis_questions", "Questions answered.", ("status", "mode", "channel"), registry=registry
        )
        self._answering = Histogram(
            "thesis_answer_seconds", "Seconds that an answer took.", ("mode",), buckets=_SECONDS, registry=registry
        )
        self._making = Gauge("thesis_answers_in_flight", "Answers that are being made.", registry=registry)
        self._making.set_function(making)
        ProcessCollector(registry=registry)
        registry.register(_Now(state))

    def began(self) -> None:
        self._in_flight.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. ``route`` is a template ("/api/v1/documents/{document_id}"), never a path."""
        self._in_flight.dec()
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def rejected(self, reason: str) -> None:
        """Count a refusal: "rate", "user", "server", "size", "host"."""
        self._rejected.labels(reason).inc()

    def answered(self, answer: Answer, channel: str) -> None:
        self._questions.labels(answer.status, answer.mode, channel if channel in _CHANNELS else "other").inc()
        self._answering.labels(answer.mode).observe(max(0.0, answer.timings_ms.get("total", 0.0) / 1000))

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)

    def figures(self) -> Figures:
        """Return what was counted so far."""

        def by(counter: Counter, label: str) -> dict[str, int]:
            found: dict[str, int] = {}
            for one in _samples(counter, "_total"):
                found[one.labels[label]] = found.get(one.labels[label], 0) + int(one.value)
            return found

        statuses = by(self._requests, "status")
        return Figures(
            seconds=time.monotonic() - self._begun,
            questions=by(self._questions, "status"),
            channels=by(self._questions, "channel"),
            answer_seconds=sum(one.value for one in _samples(self._answering, "_sum")),
            in_flight=sum(int(one.value) for one in _samples(self._making, "")),
            requests=sum(statuses.values()),
            faults=sum(count for status, count in statuses.items() if status >= "500" and status != "503"),
            rejected=by(self._rejected, "reason"),
            memory=int(self._registry.get_sample_value("process_resident_memory_bytes") or 0),
        )


def _samples(metric: Collector, ending: str) -> Iterator[Sample]:
    for family in metric.collect():
        yield from (one for one in family.samples if one.name == family.name + ending)
