"""One question to the model, from the first retrieval to the Answer: events on the way, the extractive answer where it fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import prompts
from assistant.agent import answering, providers, reading
from assistant.agent.answering import Draft
from assistant.agent.clients import Clients
from assistant.agent.context import Desk, Quoted, fitting, neutral, orders, tokens, trimmed
from assistant.agent.judging import Check
from assistant.agent.loop import SHARED, Run
from assistant.agent.providers import ModelSpec
from assistant.agent.reading import Reader
from assistant.agent.tools import BaseSearch, Find, LiveTool, checked_names
from assistant.compose import retrieved
from assistant.models import Answer
from assistant.question import Question
from vectorstore.records import Document, Filters, Passage, SourceInfo
from vectorstore.settings import Settings
from vectorstore.view import Base

if TYPE_CHECKING:
    from assistant.agent.run import Event, Session

PROMPTS = ("system", "question", "search_tool", "last_call", "repair")
PAUSE = 1.0  # seconds of silence after which a waiting caller gets a sign of life, and may leave
PASSAGES_SHARE = 0.6  # of the context, for the first passages; the rest is for the conversation and the searches
NEIGHBOURED = 4  # of the first passages, whose neighbours are shown too
NEEDED = 8  # of the best passages: if one of them may not leave this machine, the model is not asked
_MARKER = re.compile(r" ?\[[ST]\d+\]")
_CUT = frozenset({"length", "max_tokens", "incomplete", "MAX_TOKENS"})
_BLOCKED = frozenset({"content_filter", "refusal", "SAFETY", "safety"})


@dataclass(frozen=True, slots=True)
class Found:
    """What the extractive mode found for a question, which is where the model starts from."""

    question: Question
    wanted: Filters
    sources: Sequence[SourceInfo]
    passages: Mapping[str, Passage]  # by chunk id, best first
    given: frozenset[str]
    answer: Answer


class Agent:
    """Asks models over one store. Safe for use from several threads."""

    def __init__(
        self,
        store: Base,
        settings: Settings,
        load: Callable[[str, str], Document],
        find: Find,
        tools: Sequence[LiveTool] | Callable[[], Sequence[LiveTool]] = (),
        check: Check | None = None,
        clients: Clients | None = None,
    ) -> None:
        """``clients``: connections that others use too; who made them closes them."""
        self._store = store
        self._settings = settings
        self._load = load
        self._find = find
        self._check = check
        # A function where making them loads what no other answer needs.
        self._tools = tools if callable(tools) else checked_names(tools)
        self._clients = clients or Clients(settings)

    def close(self) -> None:
        """Close the connections to models."""
        self._clients.close()

    def stream(
        self, spec: ModelSpec, found: Found, history: Sequence[Mapping[str, str]]
    ) -> Generator[dict[str, Any], None, Answer]:
        """Yield status, draft and sentence events, and return the answer. Closing the generator ends the request.

        Raises SettingsError for a model whose package or key is lacking.
        """
        begun = time.perf_counter()
        client = self._clients.get(spec)
        private = self._private(spec, client)
        plain = found.answer
        if not found.passages:
            return (yield from _plainly(plain))
        hidden = self._needs(found, private)
        if hidden:
            told = ", ".join(sorted(hidden))
            why = f"Passages of {told} go to local models only, so {spec} was not asked; this is the extractive answer."
            return (yield from _plainly(answering.fallback(plain, why)))
        desk = Desk()
        session = self._session(client, desk, found, private)
        asked = self._first_message(session, found, private)
        withheld = sum(p.collection in private for p in found.passages.values())
        draft = Draft(desk, self._check or _grounding(), found.question)
        reader = Reader()
        state = _State()
        yield {"type": "status", "text": f"Asking {spec}"}
        past = self._history(history, asked, private)
        with Run[Any](SHARED, lambda emit: session.answer(emit, past, asked)) as run:
            for event in run.events(PAUSE):
                yield from self._follow(event, state, draft, reader, frozenset(desk.held), spec)
                if reader.full:
                    break
        why = _useless(state, draft, reader)
        if why:
            more = answering.notes(reader, draft, "answered", plain) if reader.unknown or reader.removed else ()
            why = f"The model {spec} {why}; this is the extractive answer."
            return (yield from _plainly(answering.fallback(plain, why, more)))
        if not state.problem and not reader.full:
            yield from self._repair(session, draft, reader)
        answer = self._finish(spec, found, session, draft, reader, state, withheld, begun)
        for claim in answer.claims:
            if claim.text not in draft.told:
                yield answering.sentence(claim)
        return answer

    # before

    def _private(self, spec: ModelSpec, client: Any) -> frozenset[str]:
        """Return the collections of the base that this model may not see."""
        names = {name.casefold() for name in self._settings.local_models_only}
        if not names or providers.is_local(spec, self._settings.local_models, client):
            return frozenset()
        return frozenset(c for s in self._store.sources() if (c := s.collection).casefold() in names)

    def _needs(self, found: Found, private: frozenset[str]) -> set[str]:
        """Return the private collections that the answer rests on: a cited passage, or one of the best."""
        if not private:
            return set()
        cited = {c.document_id for c in found.answer.citations}
        best = [p for p in found.passages.values() if p.chunk.chunk_id in found.given][:NEEDED]
        needed = {p.collection for p in best} | {s.collection for s in found.sources if s.document_id in cited}
        return needed & private

    def _session(self, client: Any, desk: Desk, found: Found, private: frozenset[str]) -> Session:
        from assistant.agent.run import Session

        collections = {s.collection for s in self._store.sources()} - private if private else None
        return Session(
            client=client,
            desk=desk,
            search=BaseSearch(
                self._find, self._load, found.wanted, tuple(sorted(collections)) if collections is not None else None
            ),
            system=prompts.load("system").render(boundary=desk.boundary),
            calls=max(1, self._settings.model_calls),
            deadline=time.monotonic() + self._settings.model_timeout_s,
            live=self._live(private),
            as_of=found.wanted.as_of,
        )

    def _live(self, private: frozenset[str]) -> tuple[LiveTool, ...]:
        """Return the live tools; where the model may not see a part of the base, those that read the base are left out."""
        if callable(self._tools):
            self._tools = checked_names(self._tools())
        return tuple(tool for tool in self._tools if not (private and tool.reads_base))

    def _first_message(self, session: Session, found: Found, private: frozenset[str]) -> str:
        given = [p for i, p in found.passages.items() if i in found.given and p.collection not in private]
        shown_too = self._with_neighbours(given)
        session.found += shown_too[len(given) :]
        quoted = [Quoted(p, self._load(p.chunk.document_id, p.chunk.version)) for p in shown_too]
        span_of = answering.span_finder(found.answer, self._load)
        allowed = {tool.name for tool in session.live}
        read = [r for r in found.answer.tool_results if r.tool in allowed]
        evidence = answering.first_evidence(quoted, found.answer.claims, span_of, read)
        shown = fitting(session.desk, evidence, round(PASSAGES_SHARE * self._settings.model_context_tokens))
        scope = f"Only documents published by {found.wanted.as_of} may be used.\n" if found.wanted.as_of else ""
        return prompts.load("question").render(
            passages="\n\n".join(shown), question=found.answer.standalone_question, scope=scope
        )

    def _with_neighbours(self, given: Sequence[Passage]) -> list[Passage]:
        """Put the chunks beside the best passages, on the same page, after them: a table or an argument may be cut between two."""
        out = list(given)
        held = {p.chunk.chunk_id for p in given}
        for passage in given[:NEIGHBOURED]:
            chunks = self._store.chunks(passage.chunk.document_id)
            at = next((i for i, c in enumerate(chunks) if c.chunk_id == passage.chunk.chunk_id), None)
            for chunk in chunks[max(0, at - 1) : at + 2] if at is not None else ():
                if chunk.chunk_id not in held and chunk.page == passage.chunk.page and chunk.role == "body":
                    held.add(chunk.chunk_id)
                    out.append(replace(passage, chunk=chunk))
        return out

    def _history(
        self, history: Sequence[Mapping[str, str]], asked: str, private: frozenset[str]
    ) -> list[tuple[str, str]]:
        """Return the earlier turns that fit; where something is private, only what the user wrote."""
        turns = [
            (str(m.get("role")), _MARKER.sub("", neutral(str(m.get("content") or ""))))
            for m in history
            if m.get("role") == "user" or (m.get("role") == "assistant" and not private)
        ]
        # What an earlier answer quoted must not speak to the model in its own voice.
        turns = [(role, text) for role, text in turns if role == "user" or not orders(text)]
        room = self._settings.model_context_tokens - tokens(asked)
        return trimmed([t for t in turns if t[1].strip()], round(room * 0.5))

    # while it writes

    def _follow(
        self, event: Event | None, state: _State, draft: Draft, reader: Reader, known: frozenset[str], spec: ModelSpec
    ) -> Iterator[dict[str, Any]]:
        """Take one event in; yield what it lets the user see."""
        from assistant.agent.run import Broke, Doing, Ended, Wrote

        if event is None:
            yield {"type": "status", "text": state.doing or f"Waiting for {spec}"}
        elif isinstance(event, Doing):
            state.doing = reading.clean(event.text, frozenset()).text
            yield {"type": "status", "text": state.doing}
        elif isinstance(event, Wrote):
            state.doing = ""
            state.fed += event.text
            yield from _tell(reader.feed(event.text, known), draft)
            words = reader.draft(known)
            if words:
                yield {"type": "draft", "text": words}
        elif isinstance(event, Ended):
            yield from _tell(reader.feed(event.text[len(state.fed) :], known), draft)
            state.cut = event.finish in _CUT
            yield from _tell(reader.finish(known, cut=state.cut), draft)
            state.ended, state.fed = event, ""
            state.blocked = bool(event.refusal) or event.finish in _BLOCKED
            if event.tools:
                draft.keep_supported()
        elif isinstance(event, Broke):
            state.problem = event.problem.text
            yield from _tell(reader.finish(known, cut=True), draft)

    # after

    def _repair(self, session: Session, draft: Draft, reader: Reader) -> Iterator[dict[str, Any]]:
        """Send what failed back to the model once, all of it in one request."""
        from assistant.agent.run import Ended

        failed = draft.failed()
        if not failed or session.left() < 1:
            return
        yield {"type": "status", "text": f"Checking {len(failed)} sentence{'s' * (len(failed) != 1)} again"}
        request = prompts.load("repair").render(failed=answering.failed_list(failed))
        with Run[Any](SHARED, lambda emit: session.repair(emit, request)) as run:
            for event in run.events(PAUSE):
                if event is None:
                    yield {"type": "status", "text": "Checking again"}
                elif isinstance(event, Ended):
                    draft.mend(failed, reading.corrections(event.text, frozenset(session.desk.held), reader))

    def _finish(
        self,
        spec: ModelSpec,
        found: Found,
        session: Session,
        draft: Draft,
        reader: Reader,
        state: _State,
        withheld: int,
        begun: float,
    ) -> Answer:
        plain = found.answer
        broken = bool(state.problem or state.cut or reader.full)
        made = answering.compose(draft, sources=found.sources, complete=not broken)
        refused = made.status == "insufficient_evidence"
        warnings = answering.notes(reader, draft, made.status, plain)
        if state.problem:
            warnings.insert(0, f"The model {spec} {state.problem} before its answer was complete.")
        elif state.cut:
            warnings.insert(0, f"The model {spec} reached its limit of length before its answer was complete.")
        if withheld:
            warnings.append(
                f"{withheld} passage{'s' * (withheld != 1)} that only local models may see {'was' if withheld == 1 else 'were'} kept from {spec}."
            )
        passages = dict(found.passages)
        for passage in session.found:
            passages.setdefault(passage.chunk.chunk_id, passage)
        shown = {e.passage.chunk.chunk_id for _, e in session.desk.passages()}
        spent = {"model": _ms(begun) - round(draft.seconds * 1000, 1), "check": round(draft.seconds * 1000, 1)}
        total = plain.timings_ms.get("total", 0.0) + _ms(begun)
        return Answer(
            **(
                dict(plain)
                | {
                    "mode": "model",
                    "model": str(spec),
                    "prompt_sha": prompts.combined_sha(prompts.load(name) for name in PROMPTS),
                    "status": made.status,
                    "text": answering.refusal(draft, plain, list(passages.values())) if refused else made.writer.text,
                    "claims": () if refused else tuple(made.writer.claims),
                    "citations": () if refused else tuple(made.writer.citations),
                    "tool_results": made.tools,
                    "passages": tuple(retrieved(p, given=i in shown) for i, p in passages.items()),
                    "warnings": (*warnings, *plain.warnings),
                    "timings_ms": plain.timings_ms
                    | {k: round(max(v, 0.0), 1) for k, v in spent.items()}
                    | {"total": round(total, 1)},
                }
            )
        )


@dataclass
class _State:
    """How far the model has come."""

    fed: str = ""  # text of the message that is being written
    doing: str = ""
    problem: str = ""
    cut: bool = False
    blocked: bool = False
    ended: Any = None


def _tell(pieces: Sequence[reading.Piece], draft: Draft) -> Iterator[dict[str, Any]]:
    """Check new sentences and give out those that passed."""
    for piece in pieces:
        judged = draft.take(piece)
        if judged is not None and judged.supported:
            draft.told.add(judged.piece.text)
            yield answering.sentence(judged)


def _grounding() -> Check:
    from assistant.grounding import check

    return check


def _useless(state: _State, draft: Draft, reader: Reader) -> str:
    """Return why the model's work gives no answer at all; "" where it gives one, even if only that nothing was found."""
    if draft.supported():
        return ""
    if state.problem:
        return state.problem
    if state.blocked or draft.declines():
        return "declined to answer"
    if not draft.parts:
        return (
            "kept calling its tools and gave no answer"
            if state.ended is not None and state.ended.tools
            else "gave no answer"
        )
    return ""


def _plainly(answer: Answer) -> Generator[dict[str, Any], None, Answer]:
    for claim in answer.claims:
        yield answering.sentence(claim)
    return answer


def _ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)


__all__ = ["Agent", "Found"]
