"""A store folder that was copied with plain file tools while a program wrote to it.

SQLite and Chroma each stay whole through a crash, but a copy goes file by file and may mix two
states. Such a copy is known by two facts in the ledger: the file that it was opened as last, and that no program had closed
it since its last change. It is then compared in full once, before anything is answered from it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from vectorstore.errors import StoreError
from vectorstore.ledger import Ledger

BACKUP = "Copy the folder again while no program has it open, or use `thesis backup`, which may run at any time."


def copied_open(ledger: Ledger) -> bool:
    """Whether the store is a copy of one that was open, and has not been compared yet."""
    known = ledger.get_meta("file") if ledger.path is not None else None
    return known is not None and known != _file(ledger) and ledger.get_meta("changing") == "yes"


def ended_badly(ledger: Ledger) -> bool:
    """Whether the program that changed the store last never closed it; among several, each sees to what it did itself."""
    return not ledger.shared and ledger.get_meta("changing") == "yes"


def remember(ledger: Ledger) -> None:
    """Note which file this is."""
    here = _file(ledger)
    if here and ledger.get_meta("file") != here:
        ledger.set_meta("file", here)


def check_ledger(ledger: Ledger) -> None:
    """Raise StoreError for a copy whose ledger mixes two states: no rebuild can mend that."""
    if (found := ledger.problems(thorough=True)) != []:
        raise StoreError(
            f"The store of {ledger.path} was copied while it was written to, and its ledger mixes two states ({found[0]}).",
            BACKUP,
        )


def check_indexes(ledger: Ledger, problems: Callable[[], list[str]], advice: str) -> None:
    """Raise StoreError for a copy whose indexes are of another state than its ledger; a rebuild mends that."""
    found = [problem for problem in problems() if "wait for their vectors" not in problem]
    if found:
        raise StoreError(
            f"The store of {ledger.path} was copied while it was written to, and its indexes are of another state than its ledger ({found[0]}).",
            advice,
        )


def closed(ledger: Ledger) -> None:
    """Note that the store is closed with nothing under way."""
    with contextlib.suppress(StoreError):  # it only saves the next opening of a copy a comparison
        if not ledger.shared and ledger.get_meta("changing") == "yes" and not ledger.marked():
            ledger.set_meta("changing", "no")


def _file(ledger: Ledger) -> str:
    if ledger.path is None:
        return ""
    stat = ledger.path.stat()
    return f"{stat.st_dev}:{stat.st_ino}"
