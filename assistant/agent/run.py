"""The model at work: LangChain's agent loop over the tools, within limits of calls and time. Only this module runs models."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolCallLimitMiddleware, ToolErrorMiddleware, hook_config
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool, StructuredTool
from langsmith import tracing_context

import prompts
from assistant.agent.context import Desk, Reading, fitting
from assistant.agent.failures import ModelFailed, Problem, classify, midway
from assistant.agent.tools import BaseSearch, LiveTool, run_live

# What these log may hold questions, passages and headers: only their warnings are let through.
for _name in (
    "openai",
    "anthropic",
    "google_genai",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "langchain",
    "langsmith",
):
    logging.getLogger(_name).setLevel(logging.WARNING)

ATTEMPTS = 3
BACKOFF = (1.0, 3.0)  # seconds before the second and third attempt where the server names none
TOOLS_A_CALL = 3  # tool calls allowed, for each call of the model
SEARCH_TOKENS = 3000  # of passages that one search may bring


@dataclass(frozen=True, slots=True)
class Wrote:
    """A piece of text, of the ``call``-th request."""

    text: str
    call: int


@dataclass(frozen=True, slots=True)
class Ended:
    """One message of the model is whole. ``finish`` is the provider's word for why it ended."""

    call: int
    tools: bool
    finish: str
    refusal: str
    text: str


@dataclass(frozen=True, slots=True)
class Doing:
    """Something to show while waiting."""

    text: str


@dataclass(frozen=True, slots=True)
class Broke:
    """The run ended early."""

    problem: Problem


Event = Wrote | Ended | Doing | Broke
Emit = Callable[[Event], None]


@dataclass
class Session:
    """One answer in the making by a model: its client, its evidence, its tools, its limits."""

    client: BaseChatModel
    desk: Desk
    search: BaseSearch
    system: str
    calls: int
    deadline: float  # of time.monotonic()
    live: Sequence[LiveTool] = ()
    as_of: str | None = None
    messages: list[AnyMessage] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)  # passages that searches brought
    withheld: int = 0

    def left(self) -> float:
        return self.deadline - time.monotonic()

    async def answer(self, emit: Emit, history: Sequence[tuple[str, str]], question: str) -> None:
        """Run the agent to its answer; what goes wrong is the last event."""
        self.messages = [
            *(HumanMessage(text) if role == "user" else AIMessage(text) for role, text in history),
            HumanMessage(question),
        ]
        limits = _Limits(self, emit)
        agent = create_agent(
            self.client,
            self._tools(emit),
            system_prompt=self.system,
            middleware=[
                limits,
                ToolCallLimitMiddleware(run_limit=TOOLS_A_CALL * self.calls, exit_behavior="continue"),
                ToolErrorMiddleware(
                    lambda error, request: f"The tool {request.tool_call['name']} failed ({type(error).__name__})."
                ),
            ],
        )
        config: Any = {"callbacks": [_Listener(limits)], "recursion_limit": 8 * self.calls + 10}
        try:
            # Nothing of a question goes to a tracing service, whatever the environment says.
            with tracing_context(enabled=False):
                async with asyncio.timeout(max(self.left(), 0.01)):
                    # "messages" makes the model stream; its text comes through the callback, in order with its end.
                    running: Any = agent
                    given = {"messages": self.messages}
                    async for mode, data in running.astream(given, config=config, stream_mode=["messages", "values"]):
                        if mode == "values":
                            self.messages = list(data["messages"])
        except Exception as error:  # noqa: BLE001 - a client of any provider; told as a Problem
            if not isinstance(error, ModelFailed | TimeoutError):
                logging.getLogger(__name__).warning("a run failed: %s", type(error).__name__)
            emit(Broke(classify(error)))

    async def repair(self, emit: Emit, request: str) -> None:
        """Ask once, without tools, for corrections of the answer that was given."""
        messages = [SystemMessage(self.system), *self.messages, HumanMessage(request)]
        try:
            with tracing_context(enabled=False):
                async with asyncio.timeout(max(self.left(), 0.01)):
                    emit(_ended(0, await self.client.ainvoke(messages)))
        except Exception as error:  # noqa: BLE001 - a client of any provider; told as a Problem
            emit(Broke(classify(error)))

    def _tools(self, emit: Emit) -> list[BaseTool]:
        async def search(query: str, company: str = "", period: str = "", k: int = 6) -> str:
            emit(Doing(f"Searching the base: {' '.join(f'{query} {company} {period}'.split())[:80]}"))
            found = await asyncio.to_thread(self.search, query, company, period, k)
            self.found += [item.passage for item in found]
            shown = fitting(self.desk, found, SEARCH_TOKENS)
            return "\n\n".join(shown) or "Nothing found."

        described = prompts.load("search_tool").render()
        tools: list[BaseTool] = [StructuredTool.from_function(coroutine=search, name="search", description=described)]
        return tools + [self._live(tool, emit) for tool in self.live]

    def _live(self, tool: LiveTool, emit: Emit) -> BaseTool:
        async def call(**arguments: Any) -> str:
            emit(Doing(f"Calling {tool.name}"))
            result = await asyncio.to_thread(run_live, tool, arguments, self.as_of)
            return self.desk.show(Reading(result))

        return StructuredTool(
            name=tool.name,
            description=tool.description,
            args_schema=tool.schema(),
            coroutine=call,
        )


class _Listener(AsyncCallbackHandler):
    """Reports what the model writes, as it writes it."""

    def __init__(self, limits: _Limits) -> None:
        self.limits = limits

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **_: Any) -> None:
        message = getattr(chunk, "message", None)
        text = str(message.text) if message is not None else str(token or "")
        if text:
            self.limits.written += 1
            self.limits.emit(Wrote(text, self.limits.call))


class _Limits(AgentMiddleware[Any, Any, Any]):
    """Counts calls, asks again where a server is busy, tells the model when it must end, and ends where it does not."""

    def __init__(self, session: Session, emit: Emit) -> None:
        super().__init__()
        self.tools = []
        self.session = session
        self.emit = emit
        self.call = 0
        self.written = 0
        self.plain = False  # the model takes no tools

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        self.call += 1
        if self.plain:
            request = request.override(tools=[])
        if 1 < self.call == self.session.calls:
            request = request.override(messages=[*request.messages, HumanMessage(prompts.load("last_call").render())])
        attempt = 0
        while True:
            before = self.written
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001 - a client of any provider; told as a Problem
                problem = classify(error)
                if self.written > before:
                    raise ModelFailed(midway(problem)) from None
                if problem.status in {400, 404, 422, 501} and request.tools and self.call == 1:
                    # Many small models, and servers that are not set up for it, take no tools; the passages are there.
                    self.plain, request = True, request.override(tools=[])
                    continue
                attempt += 1
                wait = problem.wait if problem.wait is not None else BACKOFF[min(attempt, len(BACKOFF)) - 1]
                if not problem.transient or attempt >= ATTEMPTS or wait >= self.session.left():
                    raise ModelFailed(problem) from None
                self.emit(Doing(f"The model {problem.text}; asking again in {wait:.0f} s"))
                await asyncio.sleep(wait)

    @hook_config(can_jump_to=["model", "end"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        last = next((m for m in reversed(state["messages"]) if isinstance(m, AIMessage)), None)
        if last is None:
            return None
        spent = self.call >= self.session.calls
        broken = bool(last.invalid_tool_calls) and not last.tool_calls
        self.emit(_ended(self.call, last))
        if spent and (last.tool_calls or broken):
            return {"jump_to": "end"}
        return {"jump_to": "model"} if broken else None


async def once(client: BaseChatModel, system: str, text: str, seconds: float) -> str:
    """Return the reply to one request without tools; a busy server is asked again where the time allows. Raises ModelFailed, TimeoutError."""
    end = time.monotonic() + seconds
    messages = [SystemMessage(system), HumanMessage(text)]
    with tracing_context(enabled=False):
        async with asyncio.timeout(seconds):
            attempt = 0
            while True:
                try:
                    return _ended(0, await client.ainvoke(messages)).text
                except Exception as error:  # noqa: BLE001 - a client of any provider; told as a Problem
                    problem = classify(error)
                attempt += 1
                wait = problem.wait if problem.wait is not None else BACKOFF[min(attempt, len(BACKOFF)) - 1]
                if not problem.transient or attempt >= ATTEMPTS or wait >= end - time.monotonic():
                    raise ModelFailed(problem)
                await asyncio.sleep(wait)


def _ended(call: int, message: AIMessage) -> Ended:
    meta = message.response_metadata
    finish = meta.get("finish_reason") or meta.get("stop_reason") or meta.get("done_reason") or meta.get("status") or ""
    refusal = str(message.additional_kwargs.get("refusal") or "")
    if not refusal and isinstance(message.content, list):
        blocks = [b for b in message.content if isinstance(b, dict)]
        refusal = next((str(b.get("refusal") or "refused") for b in blocks if b.get("type") == "refusal"), "")
    wants_tools = bool(message.tool_calls or message.invalid_tool_calls)
    return Ended(call, wants_tools, str(finish), refusal, str(message.text))
