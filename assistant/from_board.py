"""Questions that the catalyst board answers, found before the documents are searched."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from vectorstore.records import Filters

if TYPE_CHECKING:
    from assistant.assistant import Assistant

# Without one of these words no question is of the board: most are told by that, before anything is loaded.
_MAY_BE = re.compile(
    r"\b(?:catalysts?|due|claims?|forecasts?|predictions?|guidance|targets?|minds?|views?|opinions?)\b"
    r"|^\W*(?:which|what)\b.*\b(?:mention|speak|talk|discuss|refer|comment|write)s?\b",
    re.I,
)


def from_board(text: str, wanted: Filters, day: date, assistant: Assistant) -> dict[str, Any] | None:
    """Return the fields of an Answer that the board gives to ``text``; None where the question is none of its own, or is filtered.

    Raises StoreError, CatalystsError.
    """
    if not _MAY_BE.search(text) or replace(wanted, as_of=None) != Filters():
        return None
    from assistant.catalysts.asking import board_question
    from assistant.catalysts.library import load

    asked = board_question(text, lambda: load(assistant.settings), day)
    if asked is None:
        return None
    from assistant.catalysts.answering import answer

    found = answer(asked, assistant.catalysts, assistant.store, assistant.document, wanted.as_of)
    return {one.name: getattr(found, one.name) for one in fields(found)}


__all__ = ["from_board"]
