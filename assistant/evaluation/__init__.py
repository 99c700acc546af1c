"""Evaluation: questions with gold in, metrics with intervals out. ``from assistant.evaluation import evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.evaluation.dataset import Row, load, parse
    from assistant.evaluation.matching import answer_match
    from assistant.evaluation.run import Evaluation, Judge, evaluate
    from assistant.evaluation.thresholds import assert_thresholds

__all__ = ["Evaluation", "Judge", "Row", "answer_match", "assert_thresholds", "evaluate", "load", "parse"]

_HOMES = {
    "Evaluation": "run",
    "Judge": "run",
    "evaluate": "run",
    "Row": "dataset",
    "load": "dataset",
    "parse": "dataset",
    "answer_match": "matching",
    "assert_thresholds": "thresholds",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line can name its options without loading numpy.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"assistant.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(name)
