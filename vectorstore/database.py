"""Databases of the other packages, each under a name: a file (SQLite), or tables in the PostgreSQL that several machines share.

Written, read and told of when they fail by the store's own rules; the SQL is that of vectorstore._sql.
"""

from vectorstore._faults import fault
from vectorstore._postgres import Database as SharedDatabase
from vectorstore._sql import AnyDatabase, Connection, Lock, Rows, among
from vectorstore._sqlite import Database
from vectorstore.shared import Shared, shared_of


def shared_bytes(place: Shared) -> dict[str, int]:
    """Return how many bytes each part of a shared base takes in the database, by name; "" is the base itself. Raises StoreError."""
    database = SharedDatabase(place, "", "The base")
    try:
        with database.read() as connection:
            rows = connection.execute(
                "SELECT n.nspname, sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind = 'r' AND (n.nspname = ? OR starts_with(n.nspname, ?)) GROUP BY n.nspname",
                (place.schema, f"{place.schema}_"),
            ).fetchall()
    finally:
        database.close()
    return {str(name)[len(place.schema) + 1 :]: int(size) for name, size in rows}


__all__ = [
    "AnyDatabase",
    "Connection",
    "Database",
    "Lock",
    "Rows",
    "Shared",
    "SharedDatabase",
    "among",
    "fault",
    "shared_bytes",
    "shared_of",
]
