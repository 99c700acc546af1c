"""The tools that a model may call: the base's search, and the live metrics that are handed in as typed functions."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from pydantic import BaseModel, create_model

from assistant.agent.context import Quoted
from assistant.models import Failure, ToolResult
from vectorstore.records import Document, Filters, Passage

log = logging.getLogger(__name__)
MOST_PASSAGES = 12
# The base's search as `thesis search` does it: (query, filters, k) -> passages, best first.
Find = Callable[[str, Filters, int], Sequence[Passage]]


@dataclass(frozen=True, slots=True)
class LiveTool:
    """A live metric that a model may ask for.

    ``call`` takes typed keyword arguments with defaults and returns a ToolResult. A parameter ``as_of`` is filled with
    the question's own cut-off and is never the model's to choose. ``arguments``: their pydantic model, where the
    signature of ``call`` does not tell them.
    """

    name: str
    description: str
    call: Callable[..., ToolResult]
    arguments: type[BaseModel] | None = None
    reads_base: bool = False  # its result may hold words of documents

    def schema(self) -> type[BaseModel]:
        """Return the pydantic model of the arguments that the model may give."""
        if self.arguments is not None:
            return self.arguments
        hints = get_type_hints(self.call)
        fields: dict[str, Any] = {
            name: (hints.get(name, str), ... if parameter.default is inspect.Parameter.empty else parameter.default)
            for name, parameter in inspect.signature(self.call).parameters.items()
            if name != "as_of"
        }
        return create_model(f"{self.name}_arguments", **fields)

    @property
    def timed(self) -> bool:
        return "as_of" in inspect.signature(self.call).parameters


@dataclass(frozen=True, slots=True)
class BaseSearch:
    """The base's own search under the question's filters; ``collections``: those that the model may see, None for all."""

    find: Find
    load: Callable[[str, str], Document]
    wanted: Filters
    collections: tuple[str, ...] | None = None

    def __call__(self, query: str, company: str = "", period: str = "", k: int = 6) -> list[Quoted]:
        """Return up to ``k`` passages, best first."""
        text = " ".join(part.strip() for part in (query, company, period) if part and part.strip())[:1000]
        wanted = self.scope()
        if wanted is None or not text:
            return []
        found = self.find(text, wanted, max(1, min(k, MOST_PASSAGES)))
        return [self.quoted(p) for p in found if self.allows(p)]

    def scope(self) -> Filters | None:
        """Return the filters of a search; None where nothing may be searched."""
        if self.collections is None:
            return self.wanted
        named = self.wanted.collection
        allowed = tuple(c for c in self.collections if not named or c in named)
        return replace(self.wanted, collection=allowed) if allowed else None

    def allows(self, passage: Passage) -> bool:
        return self.collections is None or passage.collection in self.collections

    def quoted(self, passage: Passage) -> Quoted:
        return Quoted(passage, self.load(passage.chunk.document_id, passage.chunk.version))


def run_live(tool: LiveTool, arguments: Mapping[str, Any], as_of: str | None) -> ToolResult:
    """Call a live tool; whatever goes wrong inside is a result with status "error"."""
    given = dict(arguments) | ({"as_of": as_of} if tool.timed else {})
    try:
        return tool.call(**given)
    except Exception as error:  # noqa: BLE001 - a tool of any make; told as a result
        # A tool never raises into the chat; its own text may hold what a server sent, so only its kind is told.
        log.warning("the tool %s failed: %s", tool.name, type(error).__name__)
        return failed(tool.name, arguments, type(error).__name__)


def failed(name: str, arguments: Mapping[str, Any], kind: str) -> ToolResult:
    """Return the result of a tool that broke."""
    told = Failure(kind="tool", message=f"The tool {name} failed ({kind}).", what_to_do="Ask again; the log has more.")
    return ToolResult(tool=name, arguments=dict(arguments), status="error", error=told)


def checked_names(tools: Sequence[LiveTool]) -> tuple[LiveTool, ...]:
    """Return the tools; two of one name, or one that hides the search, are a mistake of the program."""
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names) or "search" in names:
        raise ValueError(f"tool names are not distinct: {names}")
    return tuple(tools)
