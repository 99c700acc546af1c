"""How old a figure is, in words. Pure: today comes in as a value."""

from __future__ import annotations

from datetime import UTC, date, datetime

from assistant.export.text import day
from assistant.freshness import age_in_words
from assistant.models import ToolResult


def old(iso: str | None, today: date | None, asked: date | None = None) -> str:
    """Return "today", "yesterday" or "3 days old"; "" without ``today``, and for what is no day or lies ahead.

    ``asked``: the as-of day of the question, which the age counts to instead ("3 days old on 30 Jun 2024").
    """
    days = _days(iso, asked if today is not None and asked is not None else today)
    if days is None or days < 0:
        return ""
    if asked is not None:
        return f"{age_in_words(days)} old on {day(asked.isoformat())}" if days else "the day asked for"
    return ("today", "yesterday")[days] if days < 2 else f"{age_in_words(days)} old"


def ago(iso: str | None, today: date | None) -> str:
    """Return "today", "yesterday" or "3 days ago"; "" without ``today``, and for what is no day or lies ahead."""
    days = _days(iso, today)
    if days is None or days < 0:
        return ""
    return ("today", "yesterday")[days] if days < 2 else f"{age_in_words(days)} ago"


def _days(iso: str | None, on: date | None) -> int | None:
    if on is None or not iso:
        return None
    try:
        return (on - date.fromisoformat(iso[:10])).days
    except ValueError:
        return None


def asked_of(result: ToolResult) -> date | None:
    """Return the as-of day that a result was asked for; None where it is of now."""
    asked = result.arguments.get("as_of")
    try:
        return date.fromisoformat(asked) if isinstance(asked, str) else None
    except ValueError:
        return None


def moment(iso: str) -> str:
    """Return an ISO time as "1 Oct 2026, 10:00 UTC"; a day as a day, anything else as it is."""
    try:
        read = datetime.fromisoformat(iso)
    except ValueError:
        return day(iso)
    if len(iso) <= 10 or read.tzinfo is None:
        return day(iso)
    read = read.astimezone(UTC)
    return f"{day(read.date().isoformat())}, {read:%H:%M} UTC"


__all__ = ["ago", "asked_of", "moment", "old"]
