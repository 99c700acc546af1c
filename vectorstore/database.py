"""SQLite files of the other packages: written, read and told of when they fail by the store's own rules."""

from vectorstore._faults import fault
from vectorstore._sqlite import Database

__all__ = ["Database", "fault"]
