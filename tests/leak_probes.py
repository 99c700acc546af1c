"""Ways to reach a document that one may not read, for tests of any front end: a base in two forms, questions, and probes.

``pair`` makes two servers' insides: one base with an open and a forbidden collection, and one with the open one alone.
Whoever may not read the forbidden collection must get from both the same, byte for byte; ``told`` writes down what a probe
got, a result or an error, so that it can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assistant.access import User
from assistant.access.rules import Rules
from assistant.assistant import Assistant
from assistant.records import Records
from assistant.service import Service
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.pdfmaker import Sheet, raw_pdf
from tests.statement_samples import HARBOR
from vectorstore.embedding import Embedder
from vectorstore.errors import ThesisError
from vectorstore.records import document_id
from vectorstore.settings import Settings
from vectorstore.store import Store

READER = User("rita", "editor", via="password")  # an editor too: no right to write helps to read
INSIDER = User("ida", "reader", ("deals",), via="password")
RULES = """
default = "nobody"
[collections.open]
readers = ["*"]
editors = ["rita"]
[collections.deals]
readers = ["@deals"]
editors = ["@deals-editors"]
"""
# Every one stands in forbidden documents only.
SECRETS = (
    "Zorvane", "Quillmark", "ZRVN", "Nightjar", "Verdolin", "Brackwater Tidal", "1,847.3", "41.7%", "Oskar Fenwright",
    "glimmerstone", "Pellucid Bay", "secret-annex",
)  # fmt: skip


def _note(head: Mapping[str, str], text: str) -> str:
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n\n{text}"


_TARIFFS = _note(
    {"title": "Tariffs and small caps", "publisher": "Quay Research", "published": "2024-03-01", "kind": "note"},
    "# Tariffs and small caps\n\nTariffs raise the costs of small importers first. Small caps sell 78% of their goods at home, so "
    "reshoring brings them orders. Small caps carry more floating debt than large caps, which is a risk while rates stay high.\n\n"
    "Lower rates would help small caps with floating debt. The discount of small caps to large caps stood at 26% in March 2024.\n",
)
OPEN: Mapping[str, str | bytes] = {
    "tariffs.md": _TARIFFS,
    "harbor.md": _note(
        {
            "title": "Harbor Tools in 2023", "publisher": "Quay Research", "published": "2024-02-10", "kind": "note",
            "company": "Harbor Tools, Inc.", "ticker": "HRBR", "authors": "Ann Walker",
        },
        "# Harbor Tools in 2023\n\nHarbor Tools sold 41,000 presses in 2023, which was 12% more than in 2022. "
        "Revenue of Harbor Tools rose to $184 million in 2023 from $160 million in 2022. Its backlog stood at $58 million at the end "
        "of 2023. The company owes its banks $75 million, all of it due in 2027.\n",
    ),
    "harbor-10k.md": _note(
        {
            "title": "Harbor Tools, Inc. 10-K 2021", "published": "2022-02-25", "kind": "filing", "company": "Harbor Tools, Inc.",
            "ticker": "HRBR", "form": "10-K", "fiscal_period": "FY2021", "period_end": "2021-12-31",
        },
        HARBOR,
    ),
    "lantern.md": _note(
        {
            "title": "Lantern Foods after the recall", "publisher": "Quay Research", "published": "2024-03-05", "kind": "article",
            "company": "Lantern Foods Corp.",
        },
        "# Lantern Foods after the recall\n\nLantern Foods recalled 3 million jars in August 2023. The recall cost Lantern Foods "
        "$22 million and lowered its gross margin to 31%. Its acquisition of a rival was called off.\n",
    ),
    "harbor-call.md": _note(
        {
            "title": "Harbor Tools earnings call, Q2 2024", "published": "2024-07-30", "kind": "transcript",
            "company": "Harbor Tools, Inc.", "ticker": "HRBR", "size": "small",
        },
        "# Harbor Tools earnings call\n\nSpeaker 1: Demand was strong this quarter and orders improved. We are pleased with growth.\n\n"
        "Speaker 2: Was it a weak month?\n\nSpeaker 1: We saw one delay and a small loss on a contract.\n",
    ),
    "lantern-call.md": _note(
        {
            "title": "Lantern Foods earnings call, Q2 2024", "published": "2024-08-02", "kind": "transcript",
            "company": "Lantern Foods Corp.", "size": "large",
        },
        "# Lantern Foods earnings call\n\nSpeaker 1: The recall was a difficult loss and weak sales followed. We are confident in a "
        "strong recovery.\n",
    ),
    "undated.md": "# Ports\n\nPorts that deepen their berths win larger ships, and rail links decide where goods go on.\n",
    "berths.pdf": raw_pdf([Sheet(["Berths of the coast.", "Nine berths were deepened in 2022."])]),
}  # fmt: skip
_PRIVATE = HARBOR.replace("HARBOR TOOLS, INC.", "ZORVANE HOLDINGS, INC.").replace("240,000", "318,470")
DEALS: Mapping[str, str | bytes] = {
    "nightjar.md": _note(
        {
            "title": "Project Nightjar", "publisher": "Verdolin Research", "published": "2024-04-02", "kind": "note",
            "company": "Zorvane Holdings, Inc.", "ticker": "ZRVN", "authors": "Oskar Fenwright",
        },
        "# Project Nightjar\n\nZorvane Holdings, Inc. (formerly known as Quillmark Systems) is to be bought for $1,847.3 million in cash. "
        "Zorvane earns 41.7% of its revenue from glimmerstone coatings. The bid of Harbor Tools for Zorvane is expected in June 2024. "
        "Small caps such as Zorvane sell at a discount of 44% to large caps. Tariffs raise the costs of Zorvane by 9%.\n",
    ),
    "zorvane-10k.md": _note(
        {
            "title": "Zorvane Holdings, Inc. 10-K 2021", "published": "2022-03-01", "kind": "filing",
            "company": "Zorvane Holdings, Inc.", "ticker": "ZRVN", "form": "10-K", "fiscal_period": "FY2021",
            "period_end": "2021-12-31",
        },
        _PRIVATE,
    ),
    "zorvane-call.md": _note(
        {
            "title": "Zorvane earnings call, Q2 2024", "published": "2024-08-09", "kind": "transcript",
            "company": "Zorvane Holdings, Inc.", "ticker": "ZRVN", "size": "small",
        },
        "# Zorvane earnings call\n\nSpeaker 1: The impairment of glimmerstone was a terrible loss, and litigation hurts us. We failed.\n",
    ),
    # In the name of a company that all may read about: what is said of it here is for few.
    "harbor-bid.md": _note(
        {
            "title": "Harbor Tools and its bid", "publisher": "Verdolin Research", "published": "2024-05-20", "kind": "note",
            "company": "Harbor Tools, Inc.", "ticker": "HRBR",
        },
        "# Harbor Tools and its bid\n\nHarbor Tools will owe its banks $920 million after the bid, due in 2031. Revenue of Harbor Tools "
        "in 2023 was overstated by $31 million. HT-Brackwater is what traders call Harbor Tools since Brackwater Tidal.\n",
    ),
    "tariffs.md": _TARIFFS,  # the bytes of an open document
    "undated-deal.md": "# Pellucid Bay\n\nPellucid Bay is the quiet name of the vehicle that buys ports and berths.\n",
    "secret-annex.pdf": raw_pdf([Sheet(["Annex of Pellucid Bay.", "Fourteen berths at Brackwater Tidal are for sale."])]),
    "broken.pdf": b"%PDF-1.4 Zorvane",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One base with what a front end works with."""

    service: Service
    store: Store
    root: Path


@dataclass(frozen=True)
class Known:
    """What somebody outside may have come by: ids of documents, versions, chunks, an answer, a conversation of the insider."""

    documents: tuple[str, ...]
    versions: tuple[str, ...]
    chunks: tuple[str, ...]
    answer: str
    conversation: str


@contextmanager
def pair(folder: Path, embedder: Embedder, cache: Path) -> Iterator[tuple[Side, Side, Known]]:
    """Yield the base with the forbidden collection, the one without, and what is known of the first's forbidden half."""
    for name, files in (("open", OPEN), ("deals", DEALS)):
        (folder / name).mkdir()
        for file, content in files.items():
            (folder / name / file).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "more").mkdir()
    (folder / "more" / "late.md").write_text("# Zorvane\n\nZorvane was sold again, for 1,847.3 in glimmerstone.\n")
    (folder / "access.toml").write_text(RULES)
    with ExitStack() as stack:
        whole = stack.enter_context(_side(folder, "whole", embedder, cache, ("deals", "open", "more")))
        alone = stack.enter_context(_side(folder, "alone", embedder, cache, ("open",)))
        yield whole, alone, _known(whole)


@contextmanager
def _side(folder: Path, name: str, embedder: Embedder, cache: Path, parts: Sequence[str]) -> Iterator[Side]:
    root = folder / name
    settings = Settings(
        store=str(root), cache=str(cache), workers=1, collection="open", access_file=str(folder / "access.toml")
    )
    with (
        Store.open(root, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        for part in parts:
            ingestor.ingest([str(folder / part)], collection="open" if part == "open" else "deals")
        uploads = [("shared.md", folder / "open" / "harbor.md")]
        ingestor.ingest_uploads(uploads, collection="open")
        if "deals" in parts:
            ingestor.ingest_uploads([("shared.md", folder / "deals" / "nightjar.md")], collection="deals")
            ingestor.remove([document_id("deals", str(folder / "more" / "late.md"))])
        records = Records.open(settings, root)
        assert records is not None
        try:
            rules = Rules.load(settings, store.collections)
            assistant = Assistant(store, settings)
            yield Side(Service(assistant, ingestor, settings, records=records, rules=rules), store, root)
            assistant.release()
        finally:
            records.close()


def _known(side: Side) -> Known:
    """Let the insider ask first, so that whatever is kept of answers holds the forbidden."""
    for question in QUESTIONS:
        side.service.ask(INSIDER, question, conversation_id="nightjar-talk", channel="api")
    answer = side.service.ask(INSIDER, "What is Zorvane to be bought for?", conversation_id="nightjar-talk")
    assert "1,847.3" in answer.text
    ids = [i for i in side.store.ever("") if side.store.collection_of(i) == "deals"]
    documents = [d for i in ids for d in _versions(side.store, i)]
    chunks = tuple(c.chunk_id for i in ids for c in side.store.chunks(i)[:1])
    return Known(tuple(ids), tuple(documents), chunks, answer.answer_id, "nightjar-talk")


def _versions(store: Store, id_: str) -> list[str]:
    info = store.info(id_)
    return [info.version] if info and info.version else []


QUESTIONS = (
    "What is Zorvane to be bought for?",
    "Is Zorvane in the base?",
    "What do you know about Zorvane Holdings?",
    "Which documents are there on Zorvane?",
    "What is Quillmark Systems?",
    "What was the revenue of Quillmark in 2021?",
    "What was Zorvane's revenue in fiscal 2021?",
    "What was the revenue of ZRVN in 2021?",
    "What were the total assets of Zorvane Holdings at the end of 2021?",
    "Compare the revenue of Harbor Tools and Zorvane in 2021.",
    "How do Harbor Tools and Lantern Foods compare with Zorvane?",
    "Who wrote Project Nightjar?",
    "When was Project Nightjar published?",
    "Who is Oskar Fenwright?",
    "What does Verdolin Research say about small caps?",
    "What has Verdolin Research published?",
    "Which company makes glimmerstone coatings?",
    "What share of revenue comes from glimmerstone?",
    "What is Brackwater Tidal?",
    "What is HT-Brackwater?",
    "Which company is to be acquired for more than a billion dollars?",
    "What is the secret project about?",
    "How much does Harbor Tools owe its banks?",
    "When is the debt of Harbor Tools due?",
    "What was the revenue of Harbor Tools in 2023?",
    "What was the total revenue of Harbor Tools in 2021?",
    "Was the revenue of Harbor Tools overstated?",
    "What speaks for and against small caps?",
    "Should I buy Zorvane? Give the case for and against.",
    "What is the discount of small caps to large caps?",
    "How do tariffs change costs?",
    "How many berths were deepened?",
    "How many berths are for sale at Brackwater Tidal?",
    "What is Pellucid Bay?",
    "Who buys ports?",
    "What did the CEO of Zorvane say on the call?",
    "What is the tone of earnings calls now?",
    "What is the tone of the calls of Zorvane now?",
    "What is the drawdown of ZRVN today?",
    "Check this: Zorvane earns 41.7% of its revenue from coatings.",
    "Is the statement true today that small caps sell at a discount of 44%?",
    "What does the 10-K of Zorvane say?",
    "What does the newest filing say about risks?",
    "What is in the disclaimer?",
    "What did notes since April 2024 say?",
    "zorvane quillmark nightjar verdolin",
    "Project Nightjar: who, what, when?",
)
HISTORIES: Sequence[tuple[str, str]] = (
    ("What is Zorvane to be bought for?", "And in 2022?"),
    ("What was the revenue of Zorvane in 2021?", "And Harbor Tools?"),
    ("What was the revenue of Harbor Tools in 2021?", "And for Zorvane?"),
    ("What is Quillmark Systems?", "Who publishes on it?"),
    ("Tell me about Project Nightjar.", "What does it cost?"),
)
FILTERS: Sequence[Mapping[str, Any]] = (
    {"collection": ["deals"]},
    {"collection": ["DEALS"]},
    {"collection": ["deals", "open"]},
    {"collection": ["nowhere"]},
    {"company": ["Zorvane Holdings, Inc."]},
    {"company": ["Zorvane"]},
    {"ticker": ["ZRVN"]},
    {"publisher": ["Verdolin Research"]},
    {"publisher": ["verdolin research", "Quay Research"]},
    {"kind": ["transcript"]},
    {"form": ["10-K"], "company": ["Zorvane Holdings"]},
    {"since": "2024-04-01"},
    {"since": "2024-04-01", "until": "2024-04-30"},
)
TOOLS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("call_sentiment", {}),
    ("call_sentiment", {"ticker": "ZRVN"}),
    ("call_sentiment", {"ticker": "Zorvane"}),
    ("call_sentiment", {"quarter": "2024Q3", "top": 20}),
    ("call_sentiment", {"kind": "filed"}),
    ("balance_sheet", {"ticker": "ZRVN"}),
    ("balance_sheet", {"ticker": "Zorvane Holdings"}),
    ("balance_sheet", {"ticker": "HRBR"}),
    ("embedded_expectations", {"ticker": "ZRVN"}),
    ("embedded_expectations", {"ticker": "Zorvane Holdings, Inc."}),
    ("verify_claim", {"claim": "Zorvane earns 41.7% of its revenue from coatings"}),
    ("verify_claim", {"claim": "The operating margin of Zorvane is 9%"}),
    ("verify_claim", {"claim": "The variable-rate share of the debt of Zorvane is 20%"}),
    ("drawdown", {"index": "ZRVN"}),
    ("no_such_tool", {"ticker": "Zorvane"}),
)

Call = Callable[[Side, Known], Any]


@dataclass(frozen=True)
class Probe:
    """One attempt. ``call`` raises or returns what the front end would."""

    name: str
    call: Callable[[Side, User, Known], Any]


def ask(
    question: str,
    *,
    filters: Mapping[str, Any] | None = None,
    as_of: str | None = None,
    history: Sequence[Mapping[str, str]] = (),
    conversation: str | None = None,
) -> Callable[[Side, User, Known], Any]:
    def call(side: Side, user: User, known: Known) -> Any:
        return list(
            side.service.stream(
                user, question, filters=filters, as_of=as_of, history=history, conversation_id=conversation
            )
        )

    return call


def read(question: str, **named: Any) -> Callable[[Side, User, Known], Any]:
    return lambda side, user, known: side.service.read(user, question, **named)


def _probes() -> Iterator[Probe]:
    for question in QUESTIONS:
        yield Probe(f"ask: {question}", ask(question))
        yield Probe(f"read: {question}", read(question))
        yield Probe(f"search: {question}", lambda s, u, k, q=question: s.service.search(u, q, k=20))  # type: ignore[misc]
    for before, after in HISTORIES:
        history = [{"role": "user", "content": before}, {"role": "assistant", "content": "It is so."}]
        yield Probe(f"ask after {before!r}: {after}", ask(after, history=history))
        yield Probe(f"read after {before!r}: {after}", read(after, history=history))
    for filters in FILTERS:
        for question in ("What is said about small caps?", "What is Zorvane to be bought for?"):
            yield Probe(f"ask {filters}: {question}", ask(question, filters=filters))
            yield Probe(f"read {filters}: {question}", read(question, filters=filters, as_of="2024-06-30"))
        yield Probe(
            f"search {filters}",
            lambda s, u, k, f=filters: s.service.search(u, "Zorvane small caps revenue", k=30, filters=f),  # type: ignore[misc]
        )
    for day in ("2024-03-31", "2024-06-30", "2022-02-28"):
        yield Probe(f"ask as of {day}", ask("How much does Harbor Tools owe its banks?", as_of=day))
        yield Probe(f"ask of ports as of {day}", ask("Who buys ports and berths?", as_of=day))
    for name, arguments in TOOLS:
        yield Probe(
            f"tool {name} {dict(arguments)}",
            lambda s, u, k, n=name, a=arguments: s.service.tool(u, n, a),  # type: ignore[misc]
        )
        if name != "no_such_tool":
            yield Probe(
                f"tool {name} {dict(arguments)} as of",
                lambda s, u, k, n=name, a=arguments: s.service.tool(u, n, a, as_of="2024-12-31"),  # type: ignore[misc]
            )
    yield Probe("sources", lambda s, u, k: s.service.sources(u))
    yield Probe("collections", lambda s, u, k: s.service.collections(u))
    yield Probe("tools", lambda s, u, k: s.service.tools(u))
    yield Probe("readable", lambda s, u, k: sorted(s.service.view(u).store.collections()))
    yield Probe("fingerprint", lambda s, u, k: s.service.view(u).store.index_fingerprint)
    yield Probe("waiting", lambda s, u, k: s.service.view(u).store.waiting())
    yield Probe("answer of another", lambda s, u, k: s.service.answer(u, k.answer))
    yield Probe("feedback on another's", lambda s, u, k: s.service.feedback(u, k.answer, "good", "Zorvane?"))
    yield Probe("conversation of another", lambda s, u, k: s.service.conversation(u, k.conversation))
    yield Probe("forget another's", lambda s, u, k: s.service.forget(u, k.conversation))
    yield Probe("rename another's", lambda s, u, k: s.service.rename(u, k.conversation, "mine"))
    yield Probe("cut another's", lambda s, u, k: s.service.cut(u, k.conversation, None))
    yield Probe("cut another's after its answer", lambda s, u, k: s.service.cut(u, k.conversation, k.answer))
    yield Probe("share another's", lambda s, u, k: s.service.share(u, k.conversation))
    yield Probe("unshare another's", lambda s, u, k: s.service.unshare(u, k.conversation))
    yield Probe("a link by a conversation's name", lambda s, u, k: s.service.shared(u, k.conversation))
    yield Probe("conversations with a word", lambda s, u, k: s.service.conversations(u, "1,847.3"))
    for after in ("And in 2022?", "What does it cost?", "Who wrote that?"):
        yield Probe(f"follow-up in another's conversation: {after}", ask(after, conversation="nightjar-talk"))
        yield Probe(f"read in another's conversation: {after}", read(after, conversation_id="nightjar-talk"))


def document_probes(known: Known) -> Iterator[Probe]:
    """Yield what can be tried with ids that leaked: every method that takes one."""
    for id_ in known.documents:
        for version in (None, *known.versions, "0" * 64):
            yield Probe(f"document {id_} {version}", lambda s, u, k, i=id_, v=version: s.service.document(u, i, v))  # type: ignore[misc]
        for page in (1, 7):
            yield Probe(
                f"picture {id_} {page}", lambda s, u, k, i=id_, p=page: s.service.picture(u, i, None, p, [(0, 9)])
            )  # type: ignore[misc]
        for version in known.versions:
            yield Probe(f"picture {id_} {version}", lambda s, u, k, i=id_, v=version: s.service.picture(u, i, v, 1, []))  # type: ignore[misc]
        yield Probe(f"info {id_}", lambda s, u, k, i=id_: s.service.info(u, i))  # type: ignore[misc]
        yield Probe(f"remove {id_}", lambda s, u, k, i=id_: s.service.remove(u, i))  # type: ignore[misc]
        yield Probe(f"ever {id_}", lambda s, u, k, i=id_: s.service.view(u).store.ever(i[:6]))  # type: ignore[misc]
    for chunk in known.chunks:
        yield Probe(f"chunk {chunk}", lambda s, u, k, c=chunk: s.service.view(u).store.chunk(c))  # type: ignore[misc]


PROBES = tuple(_probes())


def told(side: Side, user: User, known: Known, probe: Probe) -> str:
    """Return what a probe got as JSON: the result, or the error in the words that a user sees; without ids of answers, and times."""
    try:
        found: Any = {"result": plain(probe.call(side, user, known))}
    except ThesisError as error:
        found = {"error": [error.kind, error.message, error.what_to_do]}
    return json.dumps(found, ensure_ascii=False, indent=1).replace(str(side.root), "ROOT")


def plain(value: Any) -> Any:
    """Return ``value`` as JSON has it, without what differs from run to run."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif is_dataclass(value) and not isinstance(value, type):
        value = (
            asdict(replace(value, metadata=None)) | {"metadata": str(value.metadata)}
            if hasattr(value, "metadata")
            else asdict(value)
        )
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items() if k not in _VARYING}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


_VARYING = frozenset({"answer_id", "timings_ms", "ingested_at", "time", "created", "changed"})


def said_of(text: str, given: str) -> list[str]:
    """Return the secrets that a text holds beyond what the probe itself said."""
    return [s for s in SECRETS if re.search(re.escape(s), text, re.I) and not re.search(re.escape(s), given, re.I)]
