"""Where documents lie, as each user may be told: a server's folders are for its administrators. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

from assistant.access import User
from assistant.web.text import file_name
from vectorstore.records import SourceInfo

UPLOADED = "upload:/"  # how the path of a document begins that was uploaded


def is_file(path: str) -> bool:
    """Whether a document came in by the path of a file of the server."""
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


class Places:
    """The places of some documents for one user: an administrator reads paths, others what stands below the common folder."""

    def __init__(self, sources: Sequence[SourceInfo], user: User) -> None:
        """``sources``: those that the user may read, so that the others leave no trace in what is common."""
        self._whole = user.role == "admin"
        folders: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for source in () if self._whole else sources:
            if is_file(source.path):
                folders[source.collection].add(_parts(source.path)[:-1])
        self._common = {name: len(_shared(sorted(found))) for name, found in folders.items()}

    def of(self, source: SourceInfo) -> str:
        """Return a path, an address, or for an upload its name."""
        if source.path.startswith(UPLOADED):
            return source.path.removeprefix(UPLOADED)
        if self._whole or not is_file(source.path):
            return source.path
        return "/".join(_parts(source.path)[self._common.get(source.collection, -1) :]) or file_name(source.path)

    def told(self, source: SourceInfo, text: str) -> str:
        """Return a text about a document without the folders that the user is not told of."""
        if self._whole or not is_file(source.path):
            return text
        folder = source.path[: len(source.path) - len(file_name(source.path))]
        return text.replace(source.path, self.of(source)).replace(folder, "")


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.replace("\\", "/").split("/"))


def _shared(folders: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the longest beginning that the first and the last of sorted folders share, which all of them do."""
    first, last = folders[0], folders[-1]
    count = 0
    while count < min(len(first), len(last)) and first[count] == last[count]:
        count += 1
    return first[:count]
