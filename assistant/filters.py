"""The filters of a question as scripts and pages give them: checked, and made into those of the store. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from vectorstore.errors import SettingsError
from vectorstore.records import KINDS, Filters

FILTER_NAMES = ("kind", "publisher", "company", "ticker", "form", "collection", "since", "until")


def readers_of(given: Sequence[str] | None) -> frozenset[str] | None:
    """Return the collections that ``--within`` names, with commas between; None where it was not given. Raises SettingsError."""
    if given is None:
        return None
    names = frozenset(name.strip() for one in given for name in one.split(",") if name.strip())
    if not names:
        raise SettingsError("--within names no collection.", "For example: --within notes,filings")
    return names


def parse_date(name: str, text: str) -> str:
    """Return an ISO date; SettingsError names what is wrong."""
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except (ValueError, AttributeError):
        raise SettingsError(
            f"{name} = {text!r} is not a date.", "Write it as YYYY-MM-DD, for example 2025-06-30."
        ) from None


def make_filters(given: Mapping[str, Any] | None, as_of: str | None) -> Filters:
    """Return Filters from a mapping of DESIGN's filter names; a value is a text or a list of texts.

    Raises SettingsError for an unknown name or a date that is none.
    """
    values: dict[str, Any] = {}
    if not isinstance(given or {}, Mapping):
        raise SettingsError(f"filters = {given!r} is not a mapping.", "Give {name: value or list of values}.")
    for name, value in (given or {}).items():
        if name not in FILTER_NAMES:
            raise SettingsError(f"There is no filter {name!r}.", f"Filters are: {', '.join(FILTER_NAMES)}.")
        if value is None or value in ("", [], ()):
            continue
        if name in {"since", "until"}:
            values[name] = parse_date(name, str(value))
        else:
            listed = (value,) if isinstance(value, str) else value
            if not isinstance(listed, list | tuple) or not all(isinstance(v, str) for v in listed):
                raise SettingsError(
                    f"filters: {name} = {value!r} is no text or list of texts.", "For example: ['note']."
                )
            unknown = [v for v in listed if name == "kind" and v not in KINDS]
            if unknown:
                raise SettingsError(f"There is no kind {unknown[0]!r}.", f"Kinds are: {', '.join(KINDS)}.")
            values[name] = tuple(listed)
    if as_of:
        values["as_of"] = parse_date("as_of", as_of)
    return Filters(**values)
