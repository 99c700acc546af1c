"""Passwords as argon2id hashes: the one door to argon2."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from vectorstore.errors import SettingsError

SHORTEST, LONGEST = 8, 1024
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def hashed(password: str) -> str:
    """Return the hash to keep. Raises SettingsError for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise SettingsError(
            f"The password has {len(password)} characters.", f"Give one of {SHORTEST} to {LONGEST:,} characters."
        )
    return _HASHER.hash(_same(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether ``password`` is the one kept. The work is the same where there is none (None)."""
    if len(password) > LONGEST:
        password, kept = "", None
    try:
        found = _HASHER.verify(kept if kept is not None else _nobodys(), _same(password))
    except VerificationError:
        return False
    return found and kept is not None


def is_hash(text: str) -> bool:
    """Whether ``text`` is an argon2id hash."""
    from argon2 import extract_parameters

    try:
        return extract_parameters(text).type is Type.ID
    except InvalidHashError:
        return False


def _same(password: str) -> bytes:
    # One password, whichever way a keyboard composes its letters.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("a password that nobody has, for the work of checking one")
