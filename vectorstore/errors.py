"""Errors that a user can act on.

::

    ThesisError                  message + what_to_do, and a kind for programs
    ├── StoreError               the store folder or one of its indexes
    │   ├── StoreLocked          another process owns the store
    │   ├── StoreEmpty           nothing has been ingested yet
    │   ├── StoreFull            no space left on its disk
    │   ├── StoreUnavailable     the server that holds its vectors does not answer
    │   └── FingerprintMismatch  the index was made by another model or chunker
    ├── ReadError                a document that cannot be read
    ├── FetchError               a URL that cannot or must not be fetched
    ├── SettingsError            thesis.toml, a THESIS_* variable or a flag
    ├── NotFound                 no such document, version or tool
    └── Forbidden                something that this user may not do
"""

from __future__ import annotations


class ThesisError(Exception):
    """A failure with its remedy. ``kind`` is stable for programs, ``what_to_do`` is for people."""

    kind = "error"

    def __init__(self, message: str, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do

    def __str__(self) -> str:
        return f"{self.message} {self.what_to_do}".strip()

    def __reduce__(self) -> tuple[type[ThesisError], tuple[str, str]]:
        # Workers send errors to their parent by pickle.
        return (type(self), (self.message, self.what_to_do))


class StoreError(ThesisError):
    kind = "store"


class StoreLocked(StoreError):
    kind = "store_locked"


class StoreEmpty(StoreError):
    kind = "store_empty"


class StoreFull(StoreError):
    kind = "store_full"


class StoreUnavailable(StoreError):
    kind = "store_unavailable"


class FingerprintMismatch(StoreError):
    kind = "fingerprint_mismatch"


class ReadError(ThesisError):
    kind = "unreadable"


class FetchError(ThesisError):
    kind = "fetch"


class SettingsError(ThesisError):
    kind = "settings"


class NotFound(ThesisError):
    kind = "not_found"


class Forbidden(ThesisError):
    kind = "forbidden"


def unknown(document_id: str) -> NotFound:
    """Return the error for a document that is nowhere; one that a reader may not see is told of in the same words."""
    return NotFound(f"There is no document {document_id}.", "`thesis sources` lists what is in.")
