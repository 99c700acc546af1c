"""The answer with a language model: any chat model behind LangChain, each of its sentences checked before it is shown.

Nothing of LangChain is loaded until a model is asked.
"""

from __future__ import annotations

from assistant.agent.agent import Agent, Found
from assistant.agent.providers import EXTRACTIVE, ModelSpec, describe, parse, require, scrub
from assistant.agent.tools import LiveTool

__all__ = ["EXTRACTIVE", "Agent", "Found", "LiveTool", "ModelSpec", "describe", "parse", "require", "scrub"]
