"""A user as every front end sees one; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["reader", "editor", "admin"]
Via = Literal["open", "password", "token", "proxy", "oidc"]
Action = Literal["ask", "search", "read", "tools", "feedback", "write", "metrics", "audit"]

# ask: questions; search: passages; read: the list and texts of documents; write: add and remove documents.
_READER: frozenset[Action] = frozenset({"ask", "search", "read", "tools", "feedback"})
ACTIONS: dict[Role, frozenset[Action]] = {
    "reader": _READER,
    "editor": _READER | {"write"},
    "admin": _READER | {"write", "metrics", "audit"},
}


@dataclass(frozen=True, slots=True)
class User:
    """``groups`` are named in the rules of collections; ``scopes`` limit a token further (None: all that the role may)."""

    name: str
    role: Role = "reader"
    groups: tuple[str, ...] = ()
    scopes: frozenset[Action] | None = None
    via: Via = "open"

    def may(self, action: Action) -> bool:
        return action in ACTIONS[self.role] and (self.scopes is None or action in self.scopes)


# Whoever sits at this machine, where nobody signs in: open mode and the command line.
LOCAL = User("local", "admin")
