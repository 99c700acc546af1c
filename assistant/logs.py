"""Logs: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def start(settings: Settings) -> None:
    """Log to standard error as the settings say. Raises SettingsError for a format or level that does not exist."""
    if settings.log_format not in {"text", "json"}:
        raise SettingsError(f"log_format = {settings.log_format!r} is unknown.", "Use text or json.")
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise SettingsError(f"log_level = {settings.log_level!r} is unknown.", "Use DEBUG, INFO, WARNING or ERROR.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines() if settings.log_format == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At INFO it writes whole addresses, and that of a webhook may hold a secret.
    logging.getLogger("httpx").setLevel(max(level, logging.WARNING))
