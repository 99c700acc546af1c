"""The HTTP API: /api/v1, what OpenAI's clients ask for, MCP, health and figures (docs/api.md)."""

from assistant.web.api.mount import mount

__all__ = ["mount"]
