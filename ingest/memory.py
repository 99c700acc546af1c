"""Memory that was freed goes back to the system, so that a process is as large as what it holds, not as its largest file."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """glibc keeps what was freed between things that stay; other systems' C libraries have no such call, or no need."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        function: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return function


def give_back() -> None:
    """Return freed memory to the system where it can be; a few milliseconds for a process of 100 MB."""
    trim = _trim()
    if trim is not None:
        trim(0)
