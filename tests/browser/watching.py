"""A browser page with what it asked for and what went wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Gradio 6.31 counts its events with an option and a keyword that pandas 3 is about to drop.
GRADIO_WARNINGS = ("ignore:'future.no_silent_downcasting'", "ignore:The copy keyword is deprecated")


@dataclass
class Watched:
    """``hosts``: every host that was asked for anything; ``errors``: uncaught errors of scripts."""

    page: Any
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        """Type a question, press Enter and wait for the whole answer."""
        before = self.page.locator("#transcript .t-turn").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        self.page.locator("#transcript .t-turn").nth(before).wait_for()

    @property
    def last(self) -> Any:
        return self.page.locator("#transcript .t-turn").last


def watched(page: Any) -> Watched:
    """Return a page whose requests and errors are recorded."""
    seen = Watched(page)

    def request(sent: Any) -> None:
        if sent.url.startswith(("http:", "https:", "ws:", "wss:")):
            seen.hosts.add(sent.url.split("/")[2])

    page.on("request", request)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.set_default_timeout(20_000)
    return seen
