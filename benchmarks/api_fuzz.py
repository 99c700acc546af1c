"""Thousands of requests made from the served OpenAPI document, good ones and bad: each response is checked against it.

    python -m benchmarks.api_fuzz --examples 100 --seed 1

serves the sample notes on loopback and prints what was sent, which statuses came, and what was not as the document says:
a status or a body that it does not have, bad data that was taken, good data that was refused, an error of the server, an error
that is no problem document.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

# What no schema can say: made-up bytes are no documents (a 422 with the report), nothing was published in some years, fields of a
# form have no types, a stretch may lie past the end of a text (400), and OpenAI's messages may be without a question (400).
CONFIG = """
seed = {seed}
[generation]
max-examples = {examples}
database = "none"
deterministic = false
[phases.stateful]
enabled = {stateful}
[phases.coverage]
enabled = {coverage}
[[operations]]
include-name = "POST /api/v1/documents"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "422"]
checks.negative_data_rejection.enabled = false
[[operations]]
include-name = "GET /api/v1/documents/{{document_id}}/text"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]
[[operations]]
include-name = "POST /v1/chat/completions"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]
"""


@dataclass
class Found:
    """What came of a run: requests by operation, responses by status, and failures as (operation, title, message)."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.requests.values())


@schemathesis.check
def errors_are_problems(ctx: Any, response: Any, case: Any) -> bool | None:
    """Every refusal is a problem document that says the status it has."""
    if response.status_code < 400:
        return None
    kind = (response.headers.get("content-type") or [""])[0]
    assert kind == "application/problem+json", f"{response.status_code} as {kind}"
    body = json.loads(response.content)
    assert body["status"] == response.status_code, "the body says another status"
    assert body["detail"], "nothing is said"
    assert b"Traceback" not in response.content, "a stack trace"
    return None


def fuzz(
    url: str,
    *,
    examples: int,
    seed: int = 1,
    coverage: bool = True,
    stateful: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Found:
    """Send up to ``examples`` requests an operation, good and bad alike, to the server at ``url``."""
    text = CONFIG.format(seed=seed, examples=examples, stateful=str(stateful).lower(), coverage=str(coverage).lower())
    config = SchemathesisConfig.from_str(text)
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", config=config, headers=dict(headers or {}))
    schema.config.update(base_url=url, headers=dict(headers or {}))
    found, begun = Found(), time.monotonic()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            error = getattr(event, "value", None) or getattr(event, "exception", None)
            found.failures.append((str(getattr(event, "label", "")), type(error).__name__, str(error)[:2000]))
        if not isinstance(event, ScenarioFinished):
            continue
        for number, interaction in event.recorder.interactions.items():
            found.requests[event.recorder.cases[number].value.operation.label] += 1
            if interaction.response is not None:
                found.statuses[interaction.response.status_code] += 1
        for nodes in event.recorder.checks.values():
            for node in nodes:
                if node.failure_info is not None:
                    failure = node.failure_info.failure
                    message = f"{failure.message}\n{node.failure_info.code_sample}"
                    found.failures.append((str(failure.operation), failure.title, message))
    found.seconds = time.monotonic() - begun
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run against a server of our own; 1 where anything was not as the document says."""
    from app import _ingestor as ingestor_for
    from assistant import Assistant
    from assistant.records import Records
    from assistant.service import Service
    from assistant.web.server import serve
    from vectorstore.settings import Settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100, help="requests an operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="300 an operation")
    a = parser.parse_args(argv)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "store"
        settings = Settings(store=str(root), port=0, workers=1, rate_per_minute=0)
        ingestor = stack.enter_context(ingestor_for(settings))
        ingestor.ingest([str(Path(__file__).resolve().parent.parent / "knowledge")])
        records = stack.enter_context(Records.opened(settings, root))
        service = Service(Assistant(ingestor.store, settings), ingestor, settings, records=records)
        handle = serve(service, settings, block=False)
        stack.callback(handle.close)
        found = fuzz(handle.url, examples=300 if a.full else a.examples, seed=a.seed)
    for name, count in sorted(found.requests.items()):
        print(f"{count:6}  {name}")
    shown = ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
    print(f"{found.total} requests in {found.seconds:.0f} s; {shown}; {len(found.failures)} failures")
    for operation, title, message in found.failures[:50]:
        print(f"\n{operation}: {title}\n{message}")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
