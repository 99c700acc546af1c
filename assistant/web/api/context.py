"""What the routes share: the service, the settings, the pools and the figures."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fastapi import Request

from assistant.access import Action, User
from assistant.models import Answer
from assistant.service import Service
from assistant.web.api.counters import Counters
from assistant.web.api.limits import Rates
from assistant.web.api.problems import Unacceptable
from assistant.web.api.sse import HEARTBEAT, while_there
from assistant.web.api.work import Event, Work
from assistant.web.asking import user_of
from vectorstore.settings import Settings

T = TypeVar("T")
NO_MODEL = "extractive"


@dataclass(frozen=True)
class Api:
    """One server's HTTP API. Its methods run in the event loop and hand the work to threads."""

    service: Service
    settings: Settings
    work: Work
    rates: Rates
    counters: Counters

    @property
    def models(self) -> tuple[str, ...]:
        """What a request may name as its model: others would spend the keys of the server as a client likes."""
        return (NO_MODEL, self.settings.model) if self.settings.model not in {"", NO_MODEL} else (NO_MODEL,)

    def model(self, name: str | None) -> str | None:
        """Return the model that a request names; None: as the server is set up. Raises Unacceptable."""
        if not name:
            return None
        if name not in self.models:
            raise Unacceptable(
                "bad_request", "model: this server has no model of that name.", f"Models are: {', '.join(self.models)}."
            )
        return name

    async def read(self, request: Request, action: Action, read: Callable[[User], T]) -> T:
        """Run something short for the request's user."""
        user = user_of(request)
        self.service.need(user, action)
        return await self.work.call(partial(read, user))

    async def run(self, request: Request, action: Action, run: Callable[[User], T]) -> T:
        """Run something as long as an answer for the request's user. Raises TooMany; Gone where nobody waits any more."""
        user = user_of(request)
        self.service.need(user, action)
        return await while_there(request, self.work.call_slow(user.name, partial(run, user)))

    def events(
        self, user: User, question: str, *, pause: float | None = None, **asked: Any
    ) -> AsyncGenerator[Event | None, None]:
        """Yield the events of an answer; parameters as ``Service.stream``. ``pause`` as ``Work.answer``."""
        self.service.need(user, "ask")

        def make() -> Generator[Event, None, None]:
            return self.service.stream(user, question, **asked)

        return self.work.answer(user.name, make, pause=pause)

    async def answer(self, user: User, question: str, **asked: Any) -> Answer:
        """Return an answer; parameters as ``Service.stream``."""
        answer: Answer | None = None
        async with aclosing(self.events(user, question, **asked)) as events:
            async for event in events:
                if event is not None and event["type"] == "answer":
                    answer = event["answer"]
        assert answer is not None
        return answer

    async def begun(
        self, request: Request, user: User, question: str, **asked: Any
    ) -> tuple[Event | None, AsyncGenerator[Event | None, None]]:
        """Begin an answer: return its first event, so that what is wrong from the start has a status of its own."""
        events = self.events(user, question, pause=HEARTBEAT, **asked)
        try:
            return await while_there(request, anext(events)), events
        except BaseException:
            await events.aclose()
            raise


def filters_of(given: Any) -> Mapping[str, Any]:
    """Return the filters of a request by the names of the Answer's contract."""
    return {} if given is None else given.model_dump(exclude_none=True)
