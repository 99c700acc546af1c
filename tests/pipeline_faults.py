"""What a worker does in the fault tests: a file is read as always, unless its name says otherwise."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from ingest import worker
from vectorstore.settings import Settings


def parse(job: worker.Job, settings: Settings) -> worker.Parsed:
    name = job.name
    if name.startswith("hang"):
        Path(f"{job.file}.pid").write_text(str(os.getpid()))
        time.sleep(600)
    if "waits" in name:
        Path(f"{job.file}.here").touch()
        while not Path(f"{job.file}.go").exists():
            time.sleep(0.02)
    if "kills-once" in name and not Path(f"{job.file}.once").exists():
        Path(f"{job.file}.once").touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    if name.startswith("exit"):
        print("a library's farewell", file=sys.stderr)
        os._exit(3)
    if name.startswith("segfault"):
        ctypes.string_at(0)
    if name.startswith("memory"):
        bytearray(worker.MEMORY_LIMIT + (1 << 30))
    if name.startswith("bug"):
        raise KeyError("unforeseen")
    if name.startswith("chatty"):
        print("a library that prints " * 10_000)
    if name.startswith("late") and job.file is not None:
        parsed = worker.parse(job, settings)
        with job.file.open("ab") as stream:
            stream.write(b"% more")
        return parsed
    return worker.parse(job, settings)
