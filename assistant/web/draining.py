"""A server that is stopped answers what it was asked: it takes in nothing more, and waits for what is under way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress

import uvicorn

log = logging.getLogger(__name__)
_LOOK_S = 0.05


def drained(server: uvicorn.Server, loop: asyncio.AbstractEventLoop, busy: Callable[[], bool], seconds: float) -> None:
    """Close the port and the connections that are idle; return when ``busy`` is false, ``seconds`` later at most.

    A proxy in front then asks another replica. ``loop``: that of ``server``, in another thread.
    """
    work = _drain(server, busy, seconds)
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:  # the server has ended
        work.close()
        return
    with suppress(CancelledError, TimeoutError):  # it ends meanwhile
        future.result(seconds + 1)


async def _drain(server: uvicorn.Server, busy: Callable[[], bool], seconds: float) -> None:
    for one in server.servers:
        one.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()  # at once where it is idle, else after its answer
    until = asyncio.get_running_loop().time() + seconds
    while busy():
        if asyncio.get_running_loop().time() >= until:
            log.warning("stopping with answers or uploads under way, after %g s (stop_wait_s)", seconds)
            return
        await asyncio.sleep(_LOOK_S)
