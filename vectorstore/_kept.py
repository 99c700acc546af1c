"""What the ledger keeps of one of its states: each question asks for the same lists several times."""

from __future__ import annotations

from typing import TypeVar

from vectorstore._rows import Match
from vectorstore._scoped import Scope
from vectorstore.records import Filters, SourceInfo

_LISTS = 256
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Kept:
    """Lists read at one revision: documents by filter, and the companies that are in."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.infos: dict[Filters, list[SourceInfo]] = {}
        self.matches: dict[tuple[Filters, bool], list[Match]] = {}
        self.scopes: dict[frozenset[str], Scope] = {}
        self.companies: list[str] | None = None
        self.collections: dict[str, int] | None = None


def remember(held: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep ``value``, in the place of the oldest where there are many."""
    while len(held) >= _LISTS:
        oldest, *_ = held
        held.pop(oldest, None)
    held[key] = value
