"""The board as a file, in the form that the file's ending says."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from assistant.catalysts import memo
from assistant.catalysts.shapes import Board
from vectorstore.errors import SettingsError

ENDINGS = (".md", ".html", ".pdf", ".json", ".csv", ".xlsx")


def checked(path: Path) -> Path:
    """Return the path of a file to write. Raises SettingsError for another ending, or a folder that is not there."""
    if path.suffix.lower() not in ENDINGS or not path.parent.is_dir():
        raise SettingsError(
            f"{path} is no {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file in a folder that is there.",
            "For example: --export board.pdf",
        )
    return path


def content(board: Board, ending: str, made: datetime, base: str = "") -> bytes:
    """Return a board as a file's bytes. ``ending``: one of ENDINGS; ``base``: the address of a server, for links in tables."""
    match ending:
        case ".json":
            return (json.dumps(board.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode(
                "utf-8", "replace"
            )
        case ".csv":
            from assistant.export.tables import to_csv

            return to_csv(memo.as_tables(board, base)[0])
        case ".xlsx":
            from assistant.export.tables import to_xlsx

            return to_xlsx(memo.as_tables(board, base))
        case ".pdf":
            from assistant.export import pdf

            return pdf.write(memo.paper(board, made), made)
        case ".html":
            from assistant.export import page

            return page.write(memo.paper(board, made)).encode("utf-8", "replace")
        case _:
            from assistant.export import markdown

            return markdown.write(memo.paper(board, made)).encode("utf-8", "replace")


def save(board: Board, path: Path, made: datetime, base: str = "") -> None:
    """Write a board. Raises SettingsError where the file cannot be written."""
    data = content(board, path.suffix.lower(), made, base)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}.", "Name a file that you may write."
        ) from error


__all__ = ["ENDINGS", "checked", "content", "save"]
