"""The ledger's part for a base that several processes work on: which words changed, whose the waiting documents are.

Each process has a keyword index of its own and brings it in line from ``changed_words``: for each document the number of the
change that touched its words last. A document that waits for its vectors belongs to the process that put it in; when that
process is gone, another takes it over. In a ledger on SQLite, which one process has, all of this is nothing.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of the package
from __future__ import annotations

from collections.abc import Iterable

from vectorstore._postgres import Database as Postgres
from vectorstore._shared_ledger import Process
from vectorstore._sql import AnyDatabase


class Following:
    """What keeps processes in step."""

    _database: AnyDatabase
    _process: Process | None = None  # this one, where there are others

    @property
    def shared(self) -> bool:
        """Whether other processes change this ledger, too."""
        return self._database.shared

    @property
    def revision(self) -> int:
        """The number of the last change that this thread sees."""
        return self._database.revision

    def base(self) -> str:
        """Return the name that a shared base was given when it was made."""
        with self._database.read() as connection:
            return str(connection.execute("SELECT value FROM meta WHERE key = 'base'").fetchone()[0])

    def keep_original(self, version: str, body: bytes) -> None:
        """Keep the bytes that a version was read from where all processes reach them."""
        with self._database.write() as connection:
            connection.execute("INSERT INTO originals VALUES (?, ?) ON CONFLICT DO NOTHING", (version, body))

    def original(self, version: str) -> bytes | None:
        """Return such bytes; None where there are none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT body FROM originals WHERE version = ?", (version,)).fetchone()
        return None if row is None else bytes(row[0])

    def originals(self) -> list[str]:
        """Return the versions whose bytes are kept here."""
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT version FROM originals ORDER BY version").fetchall()]

    def drop_unused_originals(self) -> int:
        """Forget the bytes of versions whose text is not kept; return how many there were."""
        with self._database.write() as connection:
            kept = "SELECT version FROM versions WHERE pruned_at IS NULL"
            return connection.execute(f"DELETE FROM originals WHERE version NOT IN ({kept})").rowcount

    def numbered(self) -> None:
        """See to it that new documents come after those that were copied in with their numbers."""
        if isinstance(self._database, Postgres):
            with self._database.write() as connection:
                connection.execute(
                    "SELECT setval(pg_get_serial_sequence('documents', 'number'), greatest(max(number), 1)) FROM documents"
                )

    def words_changed(self, document_ids: Iterable[str]) -> None:
        """Note, in the change that is being written, that the words of documents are others, or gone."""
        if not isinstance(self._database, Postgres):
            return
        change = self._database.change
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO changed_words VALUES (?, ?) ON CONFLICT (document_id) DO UPDATE SET change = excluded.change",
                [(name, change) for name in document_ids],
            )

    def words_since(self, change: int) -> tuple[int, list[tuple[int, str]]]:
        """Return the number of the last change, and (number, document id) of all whose words changed after ``change``."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, document_id FROM changed_words JOIN documents USING (document_id) WHERE change > ? "
                "ORDER BY change, number",
                (change,),
            ).fetchall()
            return self._database.revision, rows

    def living(self) -> None:
        """See to it that the others know that this process lives, also after the server was away. Raises StoreUnavailable."""
        if self._process is not None:
            self._process.check()

    def take_over(self) -> int:
        """Make the waiting documents of processes that are gone this one's; return how many there were."""
        if self._process is None:
            return 0
        mine = self._process.number
        orphans = (
            f"process != ? AND NOT EXISTS (SELECT 1 FROM {self._process.LIVING} WHERE living.number = waiting.process)"
        )
        with self._database.read() as connection:
            if connection.execute(f"SELECT 1 FROM waiting WHERE {orphans} LIMIT 1", (mine,)).fetchone() is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(f"UPDATE waiting SET process = ? WHERE {orphans}", (mine, mine)).rowcount
