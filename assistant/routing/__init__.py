"""Which live-metrics tools a question needs, and with which arguments: without a language model."""

from assistant.routing.route import ToolCall, route

__all__ = ["ToolCall", "route"]
