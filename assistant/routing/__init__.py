"""Which live-metrics tools a question needs, and with which arguments: without a language model."""

from assistant.routing.intent import asks_of_today
from assistant.routing.route import ToolCall, route
from assistant.routing.votes import encoder

__all__ = ["ToolCall", "asks_of_today", "encoder", "route"]
