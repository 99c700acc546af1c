"""What belongs to whom of Gradio's own: sessions and events, each to the user who began it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Literal

Kind = Literal["session", "event"]
_EACH = 2_000  # of one kind and one user; their oldest go, nobody else's


class Owned:
    """Safe in any number of threads. In memory, as what Gradio itself keeps."""

    def __init__(self, each: int = _EACH) -> None:
        self._each = each
        self._lock = threading.Lock()
        self._owner: dict[tuple[Kind, str], str] = {}
        self._of: dict[tuple[Kind, str], OrderedDict[str, None]] = {}

    def claim(self, kind: Kind, name: str, owner: str) -> bool:
        """Give what has no owner yet to ``owner``; whether it is theirs now."""
        with self._lock:
            held = self._owner.setdefault((kind, name), owner)
            if held != owner:
                return False
            mine = self._of.setdefault((kind, owner), OrderedDict())
            mine[name] = None
            mine.move_to_end(name)
            while len(mine) > self._each:
                oldest, _ = mine.popitem(last=False)
                del self._owner[(kind, oldest)]
            return True

    def holds(self, kind: Kind, name: str, owner: str) -> bool:
        """Whether it is theirs already."""
        with self._lock:
            return self._owner.get((kind, name)) == owner
