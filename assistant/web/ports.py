"""What the page needs from the rest of the program, as types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Progress = Callable[[Any], None]
"""Called with an ingest.progress.Progress, from any thread."""

Event = Mapping[str, Any]
"""``{"type": "status" | "sentence" | "draft", "text": str}``, and last ``{"type": "answer", "answer": Answer}``.

A draft is words of a model that no check has seen, in place of the draft before; closing the stream ends the work.
"""
