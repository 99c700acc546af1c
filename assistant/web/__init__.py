"""The web page: ``build`` makes it, ``serve`` serves it. Importing this package does not import Gradio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.web.page import build
    from assistant.web.server import Handle, serve

__all__ = ["Handle", "build", "serve"]


def __getattr__(name: str) -> Any:
    if name == "build":
        from assistant.web.page import build

        return build
    if name in {"serve", "Handle"}:
        from assistant.web import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
