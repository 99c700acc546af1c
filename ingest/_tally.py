"""What came of each file of one ingest: counted, told as progress, and summed up in the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.progress import Failed, IngestReport, Progress, Skipped, Taken, Warned
from ingest.sources import Item, shown
from vectorstore.records import document_id

ProgressCallback = Callable[[Progress], None]

_URL_WEIGHT = 200_000  # bytes that a URL counts for before it is fetched


def weight(item: Item) -> int:
    return item.size or _URL_WEIGHT


@dataclass(frozen=True, slots=True)
class Going:
    """A document that is in by its words while its vectors are made: what to count when they are."""

    item: Item
    new: bool
    chunks: int
    pages: int
    warnings: tuple[str, ...]


class Tally:
    """The counts of one ingest under way. For one thread."""

    def __init__(self, collection: str, progress: ProgressCallback | None) -> None:
        self._collection = collection
        self._progress = progress
        self._told = Progress()
        self._begun = time.monotonic()
        self._bytes_done = self._bytes_total = 0
        self._files = self._files_total = self._pages = self._shown = 0
        self._added = self._updated = self._unchanged = 0
        self._order: dict[str, int] = {}
        self._warnings: list[Warned] = []
        self._taken: dict[str, Taken] = {}
        self.chunks = 0
        self.behind = 0  # documents that answer by their words only as yet
        self.failed: list[Failed] = []

    def begin(self, items: Sequence[Item]) -> None:
        """Take down what is to be done."""
        self._order = {shown(item.path): i for i, item in enumerate(items)}
        self._bytes_total = sum(map(weight, items))
        self._files_total = len(items)
        self._told = Progress(files_total=len(items), current=items[0].name if items else "")

    def unchanged(self, item: Item) -> None:
        self._unchanged += 1
        self._files += 1
        self._note(item, "unchanged")
        self._bytes_total -= weight(item)  # it took no time: it says nothing on the time of the others
        self.tell(item)

    def stored(self, going: Going) -> None:
        outcome: Literal["added", "updated"] = "added" if going.new else "updated"
        self._note(going.item, outcome, " ".join(going.warnings), pages=going.pages, chunks=going.chunks)
        if going.new:
            self._added += 1
        else:
            self._updated += 1
        self._warnings += [Warned(shown(going.item.path), text) for text in going.warnings]
        self._bytes_done += weight(going.item)
        self.chunks += going.chunks
        self._pages += going.pages
        self._files += 1
        self.tell(going.item)

    def fail(self, item: Item, text: str) -> None:
        self._note(item, "failed", text)
        self.failed.append(Failed(shown(item.path), text))
        self._files += 1
        self._bytes_total -= weight(item)
        self.tell(item)

    def _note(
        self,
        item: Item,
        outcome: Literal["added", "updated", "unchanged", "failed"],
        text: str = "",
        *,
        pages: int = 0,
        chunks: int = 0,
    ) -> None:
        path = shown(item.path)
        self._taken[path] = Taken(path, document_id(self._collection, item.path), outcome, pages, chunks, text)

    def tell(self, item: Item, *, chunks: int = 0, done: int = 0) -> None:
        """Report progress; ``chunks`` and ``done`` (bytes) are those of a batch that is under way."""
        if self._progress is None:
            return
        seconds = time.monotonic() - self._begun
        bytes_done = self._bytes_done + done
        left = seconds * max(0, self._bytes_total - bytes_done) / bytes_done if bytes_done else None
        # A batch is embedded before its files count: what was shown of it is not taken back.
        self._shown = max(self._shown, self.chunks + chunks)
        self._told = Progress(
            self._files, self._files_total, self._pages, self._shown, seconds, left, item.name, self.behind
        )
        self._progress(self._told)

    def tell_again(self) -> None:
        """Report the same: a slow file must not keep whoever asked from stopping it."""
        if self._progress is not None:
            self._progress(self._told)

    def files(self) -> tuple[Taken, ...]:
        """Return what came of each file, in their order."""
        refused = [Taken(one.path, "", "failed", text=one.error) for one in self.failed if one.path not in self._order]
        return (*(self._taken[path] for path in self._order if path in self._taken), *refused)

    def report(self, skipped: Sequence[Skipped], removed: int, seconds: float) -> IngestReport:
        def place(entry: Failed | Warned) -> int:
            return self._order.get(entry.path, -1)

        return IngestReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            removed=removed,
            skipped=tuple(skipped),
            failed=tuple(sorted(self.failed, key=place)),
            warnings=tuple(sorted(self._warnings, key=place)),
            chunks=self.chunks,
            seconds=seconds,
        )
