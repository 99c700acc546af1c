"""Databases of the other packages, each under a name: a file (SQLite), or tables in the PostgreSQL that several machines share.

Written, read and told of when they fail by the store's own rules; the SQL is that of vectorstore._sql.
"""

from vectorstore._faults import fault
from vectorstore._postgres import Database as SharedDatabase
from vectorstore._sql import AnyDatabase, Connection, Lock, Rows, among
from vectorstore._sqlite import Database
from vectorstore.shared import Shared, shared_of

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
    "shared_of",
]
