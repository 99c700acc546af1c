"""Where the vector index of a store is kept: in folders beside its ledger, or in collections of a Chroma server.

A generation of the index has a name in the ledger: ``chroma``, ``chroma-2`` for folders, ``server-ID-1`` for collections
``thesis-ID-1-body`` and ``thesis-ID-1-furniture``. ID is drawn for each ledger, so that stores that share a server never meet.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vectorstore.chroma import REBUILD, VectorIndex, discard, loads
from vectorstore.errors import StoreError
from vectorstore.ledger import Ledger
from vectorstore.server import Server

if TYPE_CHECKING:
    from vectorstore.chroma_server import Connection

log = logging.getLogger(__name__)

FOLDER = re.compile(r"chroma(?:-(\d{1,9}))?")
COLLECTIONS = re.compile(r"server-([0-9a-f]{32})-(\d{1,9})")
# What the ledger knows of its collections; none of it is true of another ledger.
META = ("chroma_store", "chroma_file", "chroma_made", "chroma_url")
_STORE, _FILE, _MADE, _URL = META
_PER_OPENING = 16


class Place(Protocol):
    """Makes, opens and deletes generations of one store's vector index, by the names that the ledger has for them."""

    def holds(self, name: str) -> bool:
        """Whether ``name`` is a generation of this store in this place."""

    def elsewhere(self, name: str) -> StoreError:
        """Return the error for a generation that this place does not hold."""

    def first(self) -> str:
        """Return the name of the index of a new store."""

    def named(self, number: int) -> str:
        """Return the name of a generation."""

    def numbers(self) -> list[int]:
        """Return the numbers of generations that no folder shows."""

    def open(self, name: str, fingerprint: str) -> VectorIndex:
        """Open an index, or make it where it is new. Raises StoreError."""

    def damaged(self, name: str, fingerprint: str) -> str:
        """Return what a crash of this program did to an index, "" for nothing."""

    def discard(self, name: str) -> None:
        """Delete an index. Raises StoreError, OSError."""

    def sweep(self, keep: str | None) -> None:
        """Delete every index but ``keep``, as far as no folder shows it."""

    def about(self) -> dict[str, object]:
        """Return what a user is told of the place, without secrets."""

    def close(self) -> None: ...


def place_of(root: Path, ledger: Ledger, server: Server | None) -> Place:
    """Return the place that the settings name. A server is asked when it is first needed."""
    return Folders(root, ledger) if server is None else Collections(root, ledger, server)


class Folders:
    """Embedded Chroma, below the store's folder."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self._root, self._ledger = root, ledger

    def holds(self, name: str) -> bool:
        return FOLDER.fullmatch(name) is not None

    def elsewhere(self, name: str) -> StoreError:
        return StoreError(
            f"The vectors of {self._root} are on the Chroma server {self._ledger.get_meta(_URL)}, and the setting chroma "
            "names none.",
            "Set chroma to that server, or run `thesis rebuild` to keep them in the folder; nothing is embedded again.",
        )

    def first(self) -> str:
        return "chroma"

    def named(self, number: int) -> str:
        return f"chroma-{number}"

    def numbers(self) -> list[int]:
        return []

    def open(self, name: str, fingerprint: str) -> VectorIndex:
        return VectorIndex(self._root / name, fingerprint)

    def damaged(self, name: str, fingerprint: str) -> str:
        return loads(self._root / name, fingerprint)

    def discard(self, name: str) -> None:
        if self.holds(name):
            discard(self._root / name)
        else:
            log.warning(
                "The collections of %s on %s stay there; delete them by hand.", name, self._ledger.get_meta(_URL)
            )

    def sweep(self, keep: str | None) -> None:
        """Nothing: the folders show them (vectorstore._indexes)."""

    def about(self) -> dict[str, object]:
        return {"where": "embedded"}

    def close(self) -> None: ...


class Collections:
    """Collections of a Chroma server.

    The ledger lists the generations that it made, and for each the marks of its last openings: the collections carry the mark of
    the opening that was last. A ledger whose marks differ is a copy, or an older state, of the one that they belong to; it lets
    them be, and is to be rebuilt into collections of its own. So is one whose file is another than at its last opening: two
    copies that are open at once would not see each other's marks.
    """

    def __init__(self, root: Path, ledger: Ledger, server: Server) -> None:
        self._root, self._ledger, self._server = root, ledger, server
        self._connected: Connection | None = None
        # A ledger that is no file may be open in many processes, and nobody copies it: nothing is marked.
        self._marks = ledger.path is not None
        here = str(ledger.path.stat().st_ino) if ledger.path is not None else ""
        with ledger.transaction():
            known = ledger.get_meta(_STORE)
            if known is not None and ledger.get_meta(_FILE) == here:
                return
            if known is not None:
                log.warning(
                    "The store %s was copied or moved: it leaves the collections thesis-%s-… on %s to where it came from.",
                    root, known, ledger.get_meta(_URL),
                )  # fmt: skip
            ledger.set_meta(_STORE, uuid.uuid4().hex)
            ledger.set_meta(_FILE, here)
            ledger.set_meta(_MADE, "{}")

    def holds(self, name: str) -> bool:
        match = COLLECTIONS.fullmatch(name)
        return match is not None and match[1] == self._ledger.get_meta(_STORE)

    def elsewhere(self, name: str) -> StoreError:
        if FOLDER.fullmatch(name):
            return StoreError(
                f"The vectors of {self._root} are in its folder, and the setting chroma names {self._server.url}.",
                "Run `thesis rebuild` to move them there (nothing is embedded again), or leave the setting out.",
            )
        return StoreError(
            f"The store {self._root} is a copy, or was moved: its vectors on {self._server.url} belong to where it came from.",
            "Run `thesis rebuild`: it makes its own from the ledger; nothing is embedded again.",
        )

    def first(self) -> str:
        return self.named(1 + max(self.numbers(), default=0))

    def named(self, number: int) -> str:
        return f"server-{self._ledger.get_meta(_STORE)}-{number}"

    def numbers(self) -> list[int]:
        return [int(match[2]) for name in self._made() if (match := COLLECTIONS.fullmatch(name))]

    def open(self, name: str, fingerprint: str) -> VectorIndex:
        from vectorstore.chroma_server import Missing, open_index

        connection = self._connection()
        opening = uuid.uuid4().hex[:_PER_OPENING] if self._marks else ""
        with self._ledger.transaction():
            made = self._made()
            known = None if self._ledger.is_empty() else made.get(name)
            # Before the server has it: an opening that dies in between is still this ledger's.
            self._remember(made | {name: [*made.get(name, ()), opening] if self._marks else []})
        try:
            index = open_index(connection, _prefix(name), fingerprint, opening, known)
        except Missing as error:
            raise Missing(
                f"The Chroma server {self._server.url} has no collections {_prefix(name)}-… of the store {self._root}"
                f" (last seen on {self._ledger.get_meta(_URL)}).",
                f"Set chroma, chroma_tenant and chroma_database to where they are. If they are lost: {REBUILD}",
            ) from error
        with self._ledger.transaction():
            if self._marks:
                self._remember(self._made() | {name: [opening]})
            self._ledger.set_meta(_URL, self._server.url)
        return index

    def damaged(self, name: str, fingerprint: str) -> str:
        """Nothing: a crash of this program does not touch the graph of a server, which the server writes."""
        return ""

    def discard(self, name: str) -> None:
        from vectorstore.chroma_server import drop_index

        if not self.holds(name):
            if FOLDER.fullmatch(name):
                discard(self._root / name)
            return
        drop_index(self._connection(), _prefix(name))
        with self._ledger.transaction():
            self._remember({other: marks for other, marks in self._made().items() if other != name})

    def sweep(self, keep: str | None) -> None:
        for name in self._made():
            if name != keep:
                try:
                    self.discard(name)
                except StoreError as error:
                    log.warning(
                        "The old index %s cannot be deleted yet: %s; the next start tries again.", name, error.message
                    )

    def about(self) -> dict[str, object]:
        found: dict[str, object] = {
            "where": self._server.url,
            "collections": f"thesis-{self._ledger.get_meta(_STORE)}-…",
        }
        if self._connected is not None:
            one = self._connected
            found |= {"version": one.version, "tenant": one.tenant, "database": one.database}
        return found

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()
        self._connected = None

    def _connection(self) -> Connection:
        from vectorstore.chroma_server import Connection

        if self._connected is None:
            self._connected = Connection(self._server)
        return self._connected

    def _made(self) -> dict[str, list[str]]:
        made: Any = json.loads(self._ledger.get_meta(_MADE) or "{}")
        return {str(name): [str(mark) for mark in marks] for name, marks in made.items()}

    def _remember(self, made: dict[str, list[str]]) -> None:
        self._ledger.set_meta(_MADE, json.dumps(made))


def _prefix(name: str) -> str:
    return "thesis-" + name.removeprefix("server-")
