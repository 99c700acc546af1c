"""An answer as a file, in the form that the file's ending says."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from assistant.export.answers import answer_paper
from assistant.models import Answer
from vectorstore.errors import SettingsError

ENDINGS = (".md", ".html", ".pdf")


def checked(path: Path, *, batch: bool = False) -> Path:
    """Return the path of a file to write. Raises SettingsError for a ``batch``, another ending, or a folder that is not there."""
    if batch:
        raise SettingsError("--export takes one answer.", "Leave --batch or --export out.")
    if path.suffix.lower() not in ENDINGS or not path.parent.is_dir():
        raise SettingsError(
            f"{path} is no .md, .html or .pdf file in a folder that is there.", "For example: --export answer.pdf"
        )
    return path


def save(answer: Answer, path: Path, made: datetime) -> None:
    """Write the answer. Raises SettingsError where the file cannot be written."""
    paper = answer_paper(answer, made)
    ending = path.suffix.lower()
    if ending == ".pdf":
        from assistant.export import pdf

        data = pdf.write(paper, made)
    elif ending == ".html":
        from assistant.export import page

        data = page.write(paper).encode()
    else:
        from assistant.export import markdown

        data = markdown.write(paper).encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}.", "Name a file that you may write."
        ) from error


__all__ = ["ENDINGS", "checked", "save"]
