"""A pytest plugin: ``pytest_plugins = ["assistant.evaluation.plugin"]`` in a conftest gives ``thesis_eval``.

::

    def test_our_base(thesis_eval):
        thesis_eval("questions.jsonl", store=".thesis", at_least={"page_hit@5": 0.7}, at_most={"wrong_share": 0.1})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluation.run import Asked, Evaluation, evaluate
from assistant.evaluation.thresholds import assert_thresholds


@pytest.fixture
def thesis_eval() -> Callable[..., Evaluation]:
    """``thesis_eval(rows, store=…, at_least=…, at_most=…)``: evaluate, fail the test where a limit is missed.

    ``store``: a folder, an open Assistant, or None where each row brings its answer. Returns the Evaluation.
    """

    def run(
        rows: str | Path | Iterable[Mapping[str, Any]],
        *,
        store: str | Path | Asked | None = None,
        at_least: Mapping[str, float] | None = None,
        at_most: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Evaluation:
        __tracebackhide__ = True
        if isinstance(store, str | Path):
            from assistant.assistant import Assistant

            with Assistant.open(store) as assistant:
                evaluation = evaluate(assistant, rows, **options)
        else:
            evaluation = evaluate(store, rows, **options)
        assert_thresholds(evaluation, at_least, at_most)
        return evaluation

    return run
