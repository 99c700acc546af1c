"""What the browser is told of a conversation: which turns it shows, and the HTML of those that are new to it. Pure.

A whole conversation with every answer would be sent twice a question. assets/turns.js puts the parts into the page, and
leaves alone what has not changed: what the user opened, chose or scrolled to stays.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from assistant.web import render
from assistant.web.conversation import Turn, Turns

# Handed on by both places; what they show is made by turns.js, so their template never changes.
PLACE = '<div class="t-turns"></div>'
_SCRIPT = "if (window.thesisTurns) window.thesisTurns.{}(element, trigger, props, watch);"
TRANSCRIPT_SCRIPT, LIVE_SCRIPT = _SCRIPT.format("transcript"), _SCRIPT.format("live")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def conversation(turns: Turns, new: Sequence[Turn], today: date | None = None) -> str:
    """Return the finished turns in order, with the HTML of those of ``new``, as JSON {order, html}.

    A browser that lacks one of the others asks for all (event "missing").
    """
    told = {turn.number for turn in new}
    finished = [turn for turn in turns if not turn.pending]
    made = {_key(turn): render.turn_html(turn, today) for turn in finished if turn.number in told}
    return _packed([_key(turn) for turn in finished], made)


def greeting(html: str) -> str:
    """Return what an empty conversation shows, in the same form."""
    key = f"g.{_digest(html)}"
    return _packed([key], {key: html})


@dataclass
class Growing:
    """The HTML of the turn that is being answered, as lines of JSON [kept from the start, kept from the end, between].

    Each ``to`` appends what changed, so that Gradio sends the last line only (it sends what a longer text ends with).
    Places are UTF-16 units, as JavaScript counts: signs outside the basic plane are written as references.
    """

    value: str = ""
    _html: str = field(default="", repr=False)

    def to(self, html: str) -> str:
        html = _ASTRAL.sub(lambda sign: f"&#{ord(sign[0])};", html)
        if html != self._html:
            start = _alike(self._html, html)
            room = min(len(self._html), len(html)) - start
            end = _alike(self._html[::-1][:room], html[::-1][:room])
            self.value += f"{json.dumps([start, end, html[start : len(html) - end]])}\n"
            self._html = html
        return self.value


def _alike(one: str, other: str) -> int:
    """Return how many signs both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _packed(order: Sequence[str], html: dict[str, str]) -> str:
    return json.dumps({"order": order, "html": html})


def _key(turn: Turn) -> str:
    """Return a name that is another where the turn would look otherwise; its number stands first."""
    state = (turn.conversation, turn.question, turn.answer.answer_id if turn.answer else "", turn.failure, turn.stopped)
    return f"{turn.number}.{_digest(repr((state, turn.sentences, turn.judged, turn.read)))}"


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
