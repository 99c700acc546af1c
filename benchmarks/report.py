"""Where a benchmark's figures go: benchmarks/out/NAME.json (not committed)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def path_of(name: str) -> Path:
    """Return where the figures of ``name`` are, or will be."""
    return Path(__file__).parent / "out" / f"{name}.json"


def write(name: str, metrics: Mapping[str, float], *, corpus: str, baseline: Mapping[str, float] | None = None) -> Path:
    """Write the figures with what they were measured on; return the file."""
    path = path_of(name)
    path.parent.mkdir(exist_ok=True)
    content = {
        "metrics": dict(metrics),
        "baseline": dict(baseline or {}),
        "corpus": corpus,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path
