"""What the front ends (page, HTTP API, MCP) share: one door that knows who asks."""

from assistant.service.service import Service

__all__ = ["Service"]
