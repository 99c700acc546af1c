"""Opening what is meant to be a file: nothing that a folder holds may make a reader wait for ever."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from vectorstore.errors import ReadError


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises ReadError for a pipe or a device, also one put there since it was listed.

    A pipe is opened without waiting for its other end; on Windows, which has none in folders, as always.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    stream = os.fdopen(number, "rb") if stat.S_ISREG(os.fstat(number).st_mode) else None
    if stream is None:
        os.close(number)
        raise ReadError(f"{path.name} is a device or a pipe, not a file.", "Save its content as a file.")
    return stream
