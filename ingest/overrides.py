"""What the user says of a document (``--meta key=value``, ``thesis amend``): it wins, and stays said until it is said anew.

An empty value says that there is none: nobody's name stands for the publisher that the text seemed to have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ingest.metadata import AMENDED, amended, override
from vectorstore.records import Metadata, Origin

_EXTRA = "extra."
# What may be said not to be there; a document always has a kind.
_NONE: Mapping[str, Any] = {"authors": ()} | dict.fromkeys(
    [
        "title",
        "publisher",
        "published",
        "company",
        "ticker",
        "form",
        "fiscal_period",
        "period_end",
        "report_date",
        "url",
    ]
)


def apply(metadata: Metadata, user: Mapping[str, str]) -> Metadata:
    """Return ``metadata`` with the user's values, each with an origin "user", free keys too. Raises SettingsError."""
    free = override(Metadata(), user).extra
    result = override(metadata, user)
    none = {name: _NONE[name] for name, value in user.items() if name in _NONE and not value.strip()}
    names = {_EXTRA + key for key in free} | none.keys()
    others = [o for o in result.origins if o.field not in names]
    # In one order, however often and in whatever order it was said.
    users = sorted({o.field for o in others if o.source == "user"} | names)
    origins = (*(o for o in others if o.source != "user"), *(Origin(name, "user") for name in users))
    result = replace(result, **none, origins=origins)
    said_form = result.origin("form")
    if said_form is None or said_form.source != "user" or AMENDED in free:
        return result
    extra = {key: value for key, value in result.extra.items() if key != AMENDED}
    return replace(result, extra=MappingProxyType(extra | amended(result.form)))


def said(metadata: Metadata) -> dict[str, str]:
    """Return what the user said of the document so far, by field: ``apply`` of it gives the same values again."""
    values: dict[str, str] = {}
    for origin in metadata.origins:
        if origin.source != "user":
            continue
        name = origin.field
        if name.startswith(_EXTRA):
            values[name.removeprefix(_EXTRA)] = metadata.extra[name.removeprefix(_EXTRA)]
        elif name == "authors":
            values[name] = "; ".join(metadata.authors)
        else:
            values[name] = str(getattr(metadata, name) or "")
    return values


def merged(known: Mapping[str, str], user: Mapping[str, str]) -> dict[str, str]:
    """Return ``known`` (from ``said``) with the user's new values, under the names that ``said`` uses."""
    return {**known, **said(apply(Metadata(), user))}
