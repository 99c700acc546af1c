"""Which documents a sync may take out: those whose file is certainly gone, below a folder that was really read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest import remote
from ingest.progress import Failed
from ingest.sources import Found, is_url, shown, under
from vectorstore.records import SourceInfo


def gone_from(stored: Sequence[SourceInfo], found: Found) -> tuple[list[str], list[Failed]]:
    """Return the ids of the documents whose file is gone, and the folders where nothing may be concluded.

    ``stored`` is what the collection holds. A folder that is missing or empty is far more often a disk that is not
    mounted than a base that is to be emptied: nothing below it is taken out.
    """
    files = [info for info in stored if remote.is_remote(info.path) or not is_url(info.path)]
    refused: list[Failed] = []

    def refuse(folder: str, state: str) -> None:
        below = sum(under(info.path, folder) for info in files)
        if below:
            refused.append(Failed(shown(folder), _kept(below, state, folder)))

    for folder in found.missing:
        refuse(folder, "missing")
    for folder in found.unread:
        refuse(folder, "not readable")
    gone: dict[str, None] = {}
    for folder in found.folders:
        if any(under(item.path, folder) for item in found.items):
            gone.update((i.document_id, None) for i in files if under(i.path, folder) and _is_gone(i.path, found))
        else:
            refuse(folder, "empty")
    return list(gone), refused


def _kept(count: int, state: str, folder: str) -> str:
    documents = "1 document stays" if count == 1 else f"{count} documents stay"
    return (
        f"The folder is {state}, so its {documents} in the base. If they are to go, run: thesis remove {shown(folder)}"
    )


def _is_gone(path: str, found: Found) -> bool:
    """Return whether the file is certainly not there; a place that cannot be looked into proves nothing.

    Of an object store the listing decides, which was complete.
    """
    if remote.is_remote(path):
        return path not in found.listed
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
