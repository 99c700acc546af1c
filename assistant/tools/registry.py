"""All tools by name, and the one way to call one: `call` never raises.

A tool is a module of this package with ``TOOL: Tool`` (assistant.tools.base), named here.
"""

from __future__ import annotations

import contextvars
import difflib
import logging
import threading
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from assistant.models import Failure, ToolResult
from assistant.tools.base import Arguments, Context, Documents, Draft, OutOfTime, Tool, as_failure
from assistant.tools.deadline import time_limit
from vectorstore.errors import NotFound, ThesisError

log = logging.getLogger(__name__)
# How a kind of wrong value is told; by how pydantic calls it.
_WRONG = (
    ("date_", "is no date: write it as YYYY-MM-DD"),
    ("int_", "is no whole number"),
    ("float_", "is no number"),
    ("finite_", "is no finite number"),
)

NAMES = (
    "drawdown",
    "relative_valuation",
    "hedging",
    "balance_sheet",
    "embedded_expectations",
    "call_sentiment",
    "tariff_exposure",
    "concentration",
    "unprofitable_share",
    "analyst_coverage",
    "manager_excess",
    "ipo_pipeline",
    "federal_awards",
    "macro",
    "verify_claim",
)


@cache
def tools() -> Mapping[str, Tool]:
    """Return every tool by its name."""
    found = {name: import_module(f"assistant.tools.{name}").TOOL for name in NAMES}
    return MappingProxyType(found)


def need(name: str) -> Tool:
    """Return a tool by its name. Raises NotFound."""
    if name not in tools():
        raise NotFound(f"There is no tool {name!r}.", f"Tools are: {', '.join(tools())}.")
    return tools()[name]


def listed() -> list[dict[str, Any]]:
    """Return {name, summary, arguments: [{name, description, type, default}], sources} of every tool."""
    return [_entry(tool) for tool in tools().values()]


def _entry(tool: Tool) -> dict[str, Any]:
    fields = tool.arguments.model_json_schema()["properties"]
    arguments = [
        {
            "name": name,
            "description": field.get("description", ""),
            "type": field.get("type") or [one.get("type") for one in field.get("anyOf", ())],
            "default": field.get("default"),
        }
        for name, field in fields.items()
    ]
    return {"name": tool.name, "summary": tool.summary, "arguments": arguments, "sources": list(tool.sources)}


def call(name: str, arguments: Mapping[str, Any], context: Context) -> ToolResult:
    """Run a tool within the settings' ``tool_timeout_s``; whatever goes wrong is a ToolResult with its reason."""
    given = {str(key): value for key, value in arguments.items()}
    echoed = {
        key: value if isinstance(value, str | int | float | bool | None) else str(value) for key, value in given.items()
    }
    tool = tools().get(name)
    if tool is None:
        return _failed(name, echoed, "unknown_tool", f"There is no tool {name!r}.", f"Tools are: {', '.join(tools())}.")
    try:
        checked = tool.arguments.model_validate(given)
    except ValidationError as error:
        return _failed(name, echoed, "bad_arguments", _said(error, tool), _usage(tool))
    return _timed(tool, checked, context)


def wrong_arguments(name: str, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with the arguments of a tool and what it takes; None where `call` would take them. Raises NotFound."""
    tool = need(name)
    try:
        tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        return _said(error, tool), _usage(tool)
    return None


def _timed(tool: Tool, arguments: Arguments, context: Context) -> ToolResult:
    seconds = context.settings.tool_timeout_s
    done: list[ToolResult] = []

    def work() -> None:
        with time_limit(seconds):
            done.append(_run(tool, arguments, context))

    # A library that waits without a limit of its own must not hold the chat; a daemon does not hold the exit either.
    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(work,), name=f"tool-{tool.name}", daemon=True
    )
    thread.start()
    thread.join(seconds + 1)
    if done:
        return done[0]
    late = OutOfTime(f"{tool.name} was not done within {seconds} s.", "Try again, or raise tool_timeout_s.")
    return Draft(tool.name, arguments.model_dump(mode="json")).result(late)


def _run(tool: Tool, arguments: Arguments, context: Context) -> ToolResult:
    try:
        return tool.run(arguments, context)
    except ThesisError as error:
        return _failed(tool.name, arguments.model_dump(mode="json"), error.kind, error.message, error.what_to_do)
    except Exception as error:  # a bug in a tool must not end the answer; it is logged and shown
        log.exception("The tool %s failed", tool.name)
        message = f"{tool.name} failed: {type(error).__name__}: {error}"
        return _failed(tool.name, arguments.model_dump(mode="json"), "internal", message, "Report it, with the log.")


def _failed(name: str, arguments: dict[str, Any], kind: str, message: str, what_to_do: str) -> ToolResult:
    failure = Failure(kind=kind, message=message, what_to_do=what_to_do)
    return ToolResult(tool=name, arguments=arguments, status="error", error=failure)


def _said(error: ValidationError, tool: Tool) -> str:
    fields = tool.arguments.model_fields
    parts = []
    for one in error.errors(include_url=False):
        name = ".".join(str(part) for part in one["loc"]) or "arguments"
        if one["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, fields, n=1)
            parts.append(f"There is no argument {name!r}" + (f": is {near[0]} meant?" if near else ""))
            continue
        why = next((words for start, words in _WRONG if one["type"].startswith(start)), "")
        if one["type"] == "string_pattern_mismatch":
            why = f"is not that. It is: {fields[name].description}" if name in fields else "is not in its form"
        parts.append(
            f"{name} = {one['input']!r} {why}"
            if why
            else f"{name} = {one['input']!r}: {one['msg'][:1].lower()}{one['msg'][1:]}"
        )
    return "; ".join(parts).rstrip(".?") + ("?" if parts[-1].endswith("?") else ".")


def _usage(tool: Tool) -> str:
    names = ", ".join(tool.arguments.model_fields)
    return f"{tool.name} takes {names}." if names else f"{tool.name} takes no arguments."


__all__ = [
    "NAMES",
    "Arguments",
    "Context",
    "Documents",
    "Tool",
    "as_failure",
    "call",
    "listed",
    "need",
    "tools",
    "wrong_arguments",
]
