"""For make bench-scale: one base as files of a folder and the same as a shared one, the servers of the latter, and processor seconds."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_replicas import postgres_folder
from tests.chroma_servers import ChromaServer
from tests.postgres_server import PostgresServer, postgres_server
from vectorstore import backup, restore
from vectorstore.server import Server
from vectorstore.shared import Shared

_TICKS = float(os.sysconf("SC_CLK_TCK")) if hasattr(os, "sysconf") else 100.0


@dataclass(frozen=True)
class Bases:
    """The same documents twice; ``pids``: of the servers, by name."""

    folder: Path
    embedded: Path
    postgres: PostgresServer
    chroma: ChromaServer
    schema: str = "bench"
    pids: dict[str, int] = field(default_factory=dict)

    @property
    def shared(self) -> Shared:
        return Shared(self.postgres.url, self.schema)

    @property
    def server(self) -> Server:
        return Server(self.chroma.url)


@contextlib.contextmanager
def bases(store: Path) -> Iterator[Bases]:
    """Yield a copy of ``store`` and a shared base with the same documents, on servers of their own that wait for the disk."""
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-scale-", ignore_cleanup_errors=True))
        )
        embedded = folder / "embedded"
        ignored = shutil.ignore_patterns("owner.*", "control.json", "records.*", "board.*", "sessions.*", "tokens.*")
        shutil.copytree(store, embedded, ignore=ignored)
        place = stack.enter_context(postgres_folder(folder))
        postgres = stack.enter_context(postgres_server(place / "postgres", durable=True))
        chroma = stack.enter_context(ChromaServer(folder / "chroma"))
        made = Bases(folder, embedded, postgres, chroma, pids={"postgres": postgres.pid, "chroma": chroma.pid})
        backup.save(embedded, folder / "base.zip")
        restore.restore(folder / "base.zip", folder / "restored", server=made.server, shared=made.shared)
        yield made


def processor_seconds(pid: int) -> float:
    """Return the processor seconds of a process and its children so far, also of those that have ended (Linux; 0.0 elsewhere)."""
    total, tree = 0, [(pid, True)]
    while tree:
        one, root = tree.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
            children = [path.read_text(encoding="ascii") for path in Path(f"/proc/{one}/task").glob("*/children")]
        except OSError:
            continue  # it has ended: its parent counts it
        total += sum(map(int, fields[11:15] if root else fields[11:13]))
        tree += [(int(child), False) for listed in children for child in listed.split()]
    return total / _TICKS
