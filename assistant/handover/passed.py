"""Whose settings count when a command is handed over.

The caller's, as if it had the store itself, but for two kinds: what the store was opened with must agree
(``FIXED``; a rebuild may change it), and what belongs to the owner's process stays the owner's (``OWNERS``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

FIXED = ("embedding_model", "embedding_backend", "embedding_device")
OWNERS = frozenset(
    {"store", "host", "port", "knowledge", "cache", "lock_wait_s"}
    | {"log_format", "log_level", "log_questions"}
    | {"auth", "users_file", "trusted_proxies", "proxy_user_header", "proxy_groups_header"}
    | {"admins", "editors", "readers", "session_idle_minutes", "session_hours", "cookie_secure"}
    | {"oidc_issuer", "oidc_client_id", "oidc_scopes", "oidc_name_claim", "oidc_groups_claim", "oidc_hosts"}
    | {"root_path", "frame_origins", "access_file"}
    | {"board_hours", "webhook_url", "webhook_secret"}
)
_PATHS = (
    "data",
    "catalysts",
    "sentiment_lexicon",
    "ca_bundle",
    "embedding_model",
    "reranker",
)  # or names, where nothing lies there
_CALLERS = tuple(f.name for f in fields(Settings) if f.name not in OWNERS and f.name not in FIXED)


def of_caller(settings: Settings, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what goes over: the caller's own settings, and those that must agree. Paths are made absolute from ``folder``."""

    def value(name: str) -> Any:
        held = getattr(settings, name)
        if name in _PATHS and held and (folder / Path(held).expanduser()).exists():
            return str(folder / Path(held).expanduser())
        return list(held) if isinstance(held, tuple) else held

    return {name: value(name) for name in _CALLERS}, {name: value(name) for name in FIXED}


def combined(own: Settings, given: Mapping[str, Any], names: tuple[str, ...] = _CALLERS) -> Settings:
    """Return ``own`` with what is ``given`` of ``names`` in its place. Raises SettingsError for what is no setting."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        made = tuple(value) if isinstance(value, list) else value
        if name not in names or type(made) is not type(getattr(own, name)):
            raise SettingsError(
                f"The process that has the store knows no setting {name!r} of this kind.",
                "It runs another version of the program: stop it and start it again.",
            )
        values[name] = made
    return replace(own, **values)
