"""The gate in front of every route: sets ``scope["state"]["user"]``."""

from __future__ import annotations

from assistant.access import LOCAL
from assistant.web.guard import Application, Receive, Scope, Send


class Gate:
    """ASGI middleware; every request that passes has a user."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["user"] = LOCAL
        await self.app(scope, receive, send)
