"""What happens on each event of the page, without Gradio: questions and citations."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from assistant.access import User
from assistant.models import Answer, Failure
from assistant.service import Service
from assistant.understood import Understood, asked_with
from assistant.web import conversation, panel
from assistant.web.conversation import Turn, Turns
from vectorstore.errors import NotFound, SettingsError, ThesisError

log = logging.getLogger(__name__)
LONGEST_QUESTION = 4000


@dataclass(frozen=True, slots=True)
class Scope:
    """The filters of the page as the user set them: dates are still text."""

    kinds: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    as_of: str = ""
    companies: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    mode: str = ""  # "extractive": without the language model that is set up

    def filters(self) -> dict[str, Any]:
        """Return what narrows the search, by the names of the Answer's contract. Raises SettingsError for a bad date."""
        since, until = read_day(self.since, "From"), read_day(self.until, "To")
        if since and until and since > until:
            raise SettingsError(f"From {since} is after To {until}.", "Swap the two dates.")
        named = {
            "kind": list(self.kinds), "publisher": list(self.publishers), "company": list(self.companies),
            "ticker": list(self.tickers), "form": list(self.forms), "collection": list(self.collections),
            "since": since, "until": until,
        }  # fmt: skip
        return {name: value for name, value in named.items() if value}


def read_day(text: str | None, label: str) -> str | None:
    """Return an ISO day; None for nothing. Raises SettingsError naming the field."""
    value = (text or "").strip()
    if not value:
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise SettingsError(f"{label}: {value!r} is not a date.", "Write it as YYYY-MM-DD, or clear it.") from None


def failure(error: ThesisError) -> Failure:
    """Return an error as the page shows it."""
    return Failure(kind=error.kind, message=error.message, what_to_do=error.what_to_do)


UNFORESEEN = Failure(
    kind="internal",
    message="The question could not be answered because of a fault in the program.",
    what_to_do="Try again; the log of the server names the fault.",
)


def ask(service: Service, user: User, turns: Turns, scope: Scope) -> Iterator[Turns]:
    """Answer the last turn of ``turns``, yielding the conversation after each event."""
    turn = turns[-1]
    try:
        as_of, filters = read_day(scope.as_of, "As of"), scope.filters()
        # Where records keep the conversation, its earlier turns come from there: what they keep is what was said.
        kept = turn.conversation if service.keeps else None
        past = () if kept else conversation.history(turns[:-1])
        # Leaving early (Stop, a closed page) closes the stream, which ends a model's request too.
        asked = service.stream(
            user, turn.question, as_of=as_of, filters=filters, history=past, conversation_id=kept,
            model=scope.mode or None, channel="page",
        )  # fmt: skip
        with closing(asked) as events:
            for event in events:
                turn = _apply(turn, event)
                if turn.answer is not None:
                    turn = replace(turn, read=_read(service, user, turn.answer))
                yield conversation.update(turns, turn)
        if turn.pending:
            log.error("the stream of answer events ended without an answer")
            turn = replace(turn, failure=UNFORESEEN)
            yield conversation.update(turns, turn)
    except ThesisError as error:
        yield conversation.update(turns, replace(turn, failure=failure(error)))
    except Exception:
        log.exception("answering failed")
        yield conversation.update(turns, replace(turn, failure=UNFORESEEN))


def cut(service: Service, user: User, turns: Turns, number: int) -> tuple[Turns, Failure | None]:
    """Return the turns before that number; what records keep is cut to them. With a Failure where it cannot be."""
    past = conversation.before(turns, number)
    if service.keeps:
        try:
            service.cut(user, conversation.current(turns), conversation.last_answer(past))
        except NotFound:
            pass  # nothing of it was kept: its questions were refused, or stopped before their records
        except ThesisError as error:
            return past, failure(error)
    return past, None


def _read(service: Service, user: User, answer: Answer) -> Understood | None:
    """Return what an answer's question was understood as; None for one that is none."""
    try:
        return service.read(user, answer.standalone_question, filters=asked_with(answer), as_of=answer.as_of)
    except ThesisError:
        return None  # the answer says itself what was wrong


def reopen(service: Service, user: User, conversation_id: str) -> Turns:
    """Return a kept conversation of this user as turns. Raises NotFound, StoreError."""
    turns = conversation.restored(service.conversation(user, conversation_id))
    return tuple(
        replace(turn, read=_read(service, user, turn.answer)) if turn.answer is not None else turn for turn in turns
    )


def _apply(turn: Turn, event: Mapping[str, Any]) -> Turn:
    if event["type"] == "status":
        return replace(turn, status=str(event["text"]).rstrip(".… "))
    if event["type"] == "sentence":
        return replace(turn, sentences=(*turn.sentences, str(event["text"])), draft="")
    if event["type"] == "draft":
        return replace(turn, draft=str(event["text"]))
    if event["type"] == "answer":
        return replace(turn, answer=event["answer"])
    return turn  # an event of a later version that this page has no place for


def open_source(service: Service, user: User, answer: Answer, number: int, key: str) -> str | None:
    """Return the panel with one source opened; None when the answer has no such source.

    ``key`` comes from the browser: a marker ("S1") or a passage's index ("p3").
    """
    cited = next((c for c in answer.citations if c.marker == key), None)
    if cited is not None:
        place = (cited.document_id, cited.version, cited.start, cited.end, cited.quote)
    elif re.fullmatch(r"p[0-9]{1,4}", key) and int(key[1:]) < len(answer.passages):
        found = answer.passages[int(key[1:])]
        place = (found.document_id, found.version, found.start, found.end, found.text)
    else:
        return None
    document_id, version, start, end, quote = place
    try:
        document = service.document(user, document_id, version)
    except ThesisError as error:
        return panel.sources(answer, number, chosen=key, problem=str(error))
    shown = panel.excerpt(document, start, end, quote, others=panel.others(answer, key))
    return panel.sources(answer, number, chosen=key, shown=shown)
