"""How old an answer's newest source is, and when that has to be said. Pure: today comes in as a value."""

from __future__ import annotations

from datetime import date

from assistant.models import Answer
from assistant.periods import periods
from assistant.question import understand

# Mean lengths in the Gregorian calendar.
_YEAR, _MONTH = 365.2425, 30.436875
_WARNS = "The newest source of this answer"


def newest_source(answer: Answer, today: date) -> tuple[str, int] | None:
    """Return when the newest cited source appeared (ISO date) and its age in days; None where no cited source is dated.

    The age counts to the answer's as-of date where one is set, else to ``today``.
    """
    dates = [c.published for c in answer.citations if c.published]
    if not dates:
        return None
    on = date.fromisoformat(answer.as_of) if answer.as_of else today
    return max(dates), max(0, (on - date.fromisoformat(max(dates))).days)


def age_in_words(days: int) -> str:
    """Return an age as people say it: "12 days", "5 months", "3 years 2 months"."""
    if days < 2 * _MONTH:
        return f"{days} day{'s' * (days != 1)}"
    months = int(days / _MONTH)
    if months < 24:
        return f"{months} months"
    years, rest = int(days / _YEAR), int(days % _YEAR / _MONTH)
    return f"{years} years" + (f" {rest} month{'s' * (rest != 1)}" if rest else "")


def newest_line(answer: Answer, today: date) -> str:
    """Return the line that stands below an answer's sources; "" where no cited source is dated, or a warning says it already."""
    newest = newest_source(answer, today)
    if newest is None or any(w.startswith(_WARNS) for w in answer.warnings):
        return ""
    then = f" on {answer.as_of}" if answer.as_of else ""
    return f"Newest source: {newest[0]}, {age_in_words(newest[1])} old{then}"


def stale(answer: Answer, today: date, limit_days: int) -> str:
    """Return the warning for an answer whose newest source is older than ``limit_days`` (0: never), else "".

    A question for a past period, or for who wrote something and when, is not out of date by asking.
    """
    newest = newest_source(answer, today)
    asked = answer.standalone_question
    if newest is None or not limit_days or newest[1] <= limit_days:
        return ""
    if periods(asked) or understand(asked).intent == "metadata":
        return ""
    then = f" on {answer.as_of}" if answer.as_of else ""
    return f"{_WARNS} is of {newest[0]}: {age_in_words(newest[1])} old{then}."


__all__ = ["age_in_words", "newest_line", "newest_source", "stale"]
