"""What the user says of a document (``--meta key=value``): it wins, and stays said until a new value replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ingest.metadata import override
from vectorstore.records import Metadata, Origin

_EXTRA = "extra."


def apply(metadata: Metadata, user: Mapping[str, str]) -> Metadata:
    """Return ``metadata`` with the user's values, each with an origin "user", free keys too. Raises SettingsError."""
    free = override(Metadata(), user).extra
    result = override(metadata, user)
    names = {_EXTRA + key for key in free}
    origins = tuple(o for o in result.origins if o.field not in names)
    return replace(result, origins=origins + tuple(Origin(name, "user") for name in sorted(names)))


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
            values[name] = str(getattr(metadata, name))
    return values


def merged(known: Mapping[str, str], user: Mapping[str, str]) -> dict[str, str]:
    """Return ``known`` (from ``said``) with the user's new values, under the names that ``said`` uses."""
    return {**known, **said(apply(Metadata(), user))}
