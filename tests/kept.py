"""Where records, tokens, sessions, saved pulls and boards of a test are kept: what the fixture ``kept_in`` put into the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vectorstore.settings import Settings
from vectorstore.shared import Shared, shared_of

_NAMES = ("ledger", "ledger_schema", "chroma")


def shared_settings() -> dict[str, Any]:
    """Return the settings that name a shared base; {} for files of the folder."""
    return {name: os.environ[f"THESIS_{name.upper()}"] for name in _NAMES if f"THESIS_{name.upper()}" in os.environ}


def kept_at(root: Path) -> Path | Shared:
    """Return the folder, or the shared base."""
    return shared_of(Settings(**shared_settings())) or root
