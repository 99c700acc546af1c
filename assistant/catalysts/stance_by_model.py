"""A language model as a second reader of stances, where the settings ask for one (docs/stance.md).

It is asked of sentences that the classifier took for a side, and can only confirm that, make it less sure, or drop it. A sentence that it
was not asked of, or of which its reply says nothing that can be read, keeps the classifier's stance, and its reasons say so.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import prompts
from assistant.agent import parse, require
from assistant.agent.clients import Clients
from assistant.agent.context import draw_boundary, neutral, orders
from assistant.agent.failures import ModelFailed
from assistant.agent.providers import is_local
from assistant.catalysts.evidence import LEAST, WITHOUT, Classify, Stance
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.stance import Stance as Told
from assistant.catalysts.stance_model import STANCES
from assistant.evidence import Encode
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
PROMPTS = ("stance_rules", "stance_sentences")
AT_ONCE = 10  # sentences of one request, all of one document: no document can speak to the reader of another
AGREED, DOUBTED = 0.9, 0.7  # score of a stance that the model reads so too, at least; and otherwise, at most
PAUSE_S = 900.0  # for which a model that fails is not asked again
FRUITLESS = 3  # requests in a row whose replies cannot be read, after which it is not asked either
RULE = (
    f"A language model reads each sentence again that has a side. Where it agrees the stance counts (score {AGREED} or more); where it reads the "
    f"other side, the sentence is less sure (score {DOUBTED} or less); where it reads neither, the sentence is left away."
)
UNREADABLE = "its reply was not as asked"
ORDER = "the sentence speaks to a model"
PRIVATE = "the collection is for local models only"
_FENCE = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.S)
_DECLINED = frozenset({400, 413, 422})  # by what was sent, not by the state of the server


class ByModel:
    """The model of one store. ``str``: its name and the prompts, on which all that is read with it depends."""

    def __init__(self, classify: Classify, settings: Settings, clients: Clients) -> None:
        """Raises SettingsError where no model is set, or its package or key is lacking."""
        spec = parse(settings.model, settings)
        if spec is None:
            raise SettingsError(
                "board_model is true, but model names no language model.",
                "Set model to provider:name (docs/models.md), or board_model to false.",
            )
        require(spec)
        self.spec, self.classify, self._settings, self._clients = spec, classify, settings, clients
        self._private = frozenset(name.casefold() for name in settings.local_models_only)
        self._until, self._why, self._fruitless = 0.0, "", 0
        self._lock, self._without = threading.Lock(), Counter[str]()
        self.rule = RULE

    def __str__(self) -> str:
        return f"{self.spec}/{prompts.combined_sha(prompts.load(name) for name in PROMPTS)[:12]}"

    @property
    def paused(self) -> bool:
        """Whether it has failed a short while ago, and is not asked until that is over."""
        return time.monotonic() < self._until

    def report(self) -> None:
        """Log what was read without the model since the last time: how many sentences, and why."""
        with self._lock:
            counted, self._without = self._without, Counter()
        for why, count in counted.items():
            log.warning("%d sentence%s %s %s: %s", count, "s" * (count != 1), WITHOUT, self.spec, why)

    def may_read(self, collection: str) -> bool:
        """Whether sentences of ``collection`` may go to this model. Raises SettingsError as ``Clients.get``."""
        if collection.casefold() not in self._private:
            return True
        return is_local(self.spec, self._settings.local_models, self._clients.get(self.spec))

    def without(self, one: Stance, why: str) -> Told:
        """Return a stance as the classifier has it, saying why the model had no part in it."""
        with self._lock:
            self._without[why] += 1
        return Told(one.label, one.score, (*one.reasons, f"{WITHOUT} {self.spec}: {why}"))

    def asked(self, texts: Sequence[str], catalyst: Catalyst) -> tuple[Mapping[str, str], str, bool]:
        """Return the labels by text as far as the reply has them, why the others have none, and whether to ask of them again one day."""
        if self.paused:
            return {}, self._why, True
        boundary = draw_boundary()
        system = prompts.load("stance_rules").render(boundary=boundary)
        shown = [_fenced(text, boundary, f"sentence={number}") for number, text in enumerate(texts, start=1)]
        statement = _fenced(catalyst.statement, boundary, "statement")
        text = prompts.load("stance_sentences").render(
            statement=statement, sentences="\n\n".join(shown), count=str(len(texts))
        )
        try:
            reply = self._clients.ask(self.spec, system, text)
        except ModelFailed as error:
            why = f"it {error.problem.text}"
            if error.problem.status not in _DECLINED:
                self._pause(why)
                return {}, why, True
            return self._nothing(why)
        labels = labels_of(reply, len(texts))
        if not labels:
            return self._nothing(UNREADABLE)
        self._fruitless = 0
        return {texts[number - 1]: label for number, label in labels.items()}, UNREADABLE, False

    def _nothing(self, why: str) -> tuple[Mapping[str, str], str, bool]:
        self._fruitless += 1
        if self._fruitless >= FRUITLESS:
            self._pause(why)
        return {}, why, False

    def _pause(self, why: str) -> None:
        self._until, self._why, self._fruitless = time.monotonic() + PAUSE_S, why, 0


class Judge:
    """A classifier of the sentences of one document. ``unasked``: catalysts for which the model is to be asked again one day."""

    def __init__(self, model: ByModel, collection: str) -> None:
        self._model, self._collection = model, collection
        self.unasked: set[str] = set()

    def __call__(self, sentences: Sequence[str], catalyst: Catalyst, encode: Encode) -> list[Stance]:
        """Return the stance of each of ``sentences``. Raises SettingsError where the model's client cannot be made."""
        model, found = self._model, list(self._model.classify(sentences, catalyst, encode))
        sided = [n for n, one in enumerate(found) if one.label in ("for", "against") and one.score >= LEAST]
        if sided and not model.may_read(self._collection):
            return [model.without(one, PRIVATE) if n in sided else one for n, one in enumerate(found)]
        ordering = {n for n in sided if orders(sentences[n])}
        wanted = list(dict.fromkeys(sentences[n] for n in sided if n not in ordering))
        read: dict[str, str] = {}
        lacking: dict[str, str] = {}
        for at in range(0, len(wanted), AT_ONCE):
            batch = wanted[at : at + AT_ONCE]
            labels, why, again = model.asked(batch, catalyst)
            read |= labels
            lacking |= {text: why for text in batch if text not in labels}
            if again:
                self.unasked.add(catalyst.id)
        out = list(found)
        for n in sided:
            text, one = sentences[n], found[n]
            if n in ordering or text in lacking:
                out[n] = model.without(one, ORDER if n in ordering else lacking[text])
            else:
                out[n] = together(one, read[text], str(model.spec))
        return out


def together(one: Stance, label: str, name: str) -> Stance:
    """Return the stance of a sentence that the classifier reads as ``one``, on a side, and the model ``name`` as ``label``."""
    if label == one.label:
        return Told(label, max(one.score, AGREED), (*one.reasons, f"the language model {name} reads it so too"))
    reasons = (*one.reasons, f"the language model {name} reads it as {label}")
    return Told(label, one.score, reasons) if label == "neither" else Told(one.label, min(one.score, DOUBTED), reasons)


def labels_of(reply: str, count: int) -> dict[int, str]:
    """Return the labels by number, 1 to ``count``, of those sentences for which a reply has one of the three words.

    Nothing where the reply is no JSON object (bare, or in one code fence), is too long, or names a number twice or one that was not asked.
    """
    text = reply.strip()
    if len(text) > 100 + 40 * count:
        return {}
    fenced = _FENCE.fullmatch(text)
    try:
        found = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once)
    except ValueError:
        return {}
    asked = {str(number): number for number in range(1, count + 1)}
    if not isinstance(found, dict) or not asked.keys() >= found.keys():
        return {}
    return {asked[key]: value for key, value in found.items() if isinstance(value, str) and value in STANCES}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a number twice")
    return dict(pairs)


def _fenced(text: str, boundary: str, name: str) -> str:
    return f"<<<DATA {boundary} {name}>>>\n{neutral(text)}\n<<<END {boundary}>>>"


__all__ = ["PROMPTS", "RULE", "ByModel", "Judge", "labels_of"]
