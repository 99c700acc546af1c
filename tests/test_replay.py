"""`thesis replay`: a recorded answer is given again to the same bytes, or it is said what differs and why it cannot be."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from record_samples import ANNA, DAY, answer, ask, open_records

import app
from assistant import live
from assistant.assistant import Assistant
from assistant.cli import Wiring, run
from assistant.gates import Gates
from assistant.models import ToolResult
from assistant.records import Records, audit
from assistant.records.replay import ask_again, canonical_answer, replay
from assistant.service import Service
from vectorstore.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TALK = "conversation-1"
# (question, as_of, filters): facts, lists, refusals, both sides, dates, live metrics, errors.
QUESTIONS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("How many analysts follow the average large-cap stock?", None, {}),
    ("What share of small-cap companies is unprofitable?", None, {}),
    ("Why do tariffs favour domestic suppliers?", None, {}),
    ("What are the arguments for and against small caps?", None, {}),
    ("Who wrote the note on tariffs, and when?", None, {}),
    ("Which catalysts could lift small caps?", None, {}),
    ("How much floating-rate debt do small companies carry?", None, {}),
    ("What do lower interest rates mean for small caps?", "2025-06-30", {}),
    ("How concentrated is the S&P 500?", "2024-12-31", {}),
    ("What does defence spending mean for suppliers?", None, {"kind": ["note"]}),
    ("What does reshoring add?", None, {"since": "2024-01-01"}),
    ("How deep is the current drawdown of the Russell 2000 today?", None, {}),
    ("What is the valuation gap to large caps now?", None, {}),
    ("What is the revenue of Vantor Aerospace in fiscal 2031?", None, {}),
    ("What is the colour of the moon?", None, {}),
    ("How does infrastructure spending reach small firms?", None, {}),
    ("What does the base say about IPOs and AI?", None, {}),
    ("How do hedging costs compare with sentiment?", None, {}),
    ("What returns are embedded in expectations?", None, {}),
    ("Which sectors of the index gain from federal awards today?", None, {}),
    ("Rates?", None, {"publisher": ["nobody"]}),
    ("", None, {}),
    ("What of it?", "soon", {}),
    ("x" * 4001, None, {}),
)


class Shell:
    """Asks through a service over a copy of the sample notes, and runs `thesis` on it."""

    def __init__(self, store: Path, cache: Path, **settings: Any) -> None:
        self.settings = Settings(store=str(store), cache=str(cache), workers=1, **settings)

    def ask(self, *asked: dict[str, Any], gates: Gates | None = None, user: Any = ANNA, rules: Any = None) -> list[str]:
        """Return the ids of the answers."""
        with (
            app.open_assistant(self.settings) as assistant,
            Records.opened(self.settings, self.settings.store) as records,
        ):
            door = Service(assistant, None, self.settings, records=records, gates=gates, rules=rules)
            return [door.ask(user, **one).answer_id for one in asked]

    def thesis(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
        code = run([*arguments, "--store", self.settings.store], wiring, out=out)
        return code, out.getvalue()

    def replay(self, answer_id: str) -> tuple[int, dict[str, Any]]:
        code, text = self.thesis("replay", answer_id, "--json")
        return code, json.loads(text)

    def payload(self, answer_id: str) -> dict[str, Any]:
        with Records.opened(self.settings, self.settings.store) as records:
            assert records is not None
            with records._database.read() as connection:
                seq = audit.row_of(connection, answer_id)
                assert seq is not None
                found = audit.payload_of(connection, seq)
                assert found is not None
                return found


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> None:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")


@pytest.fixture
def notes(tmp_path: Path, knowledge_store: Callable[[Path], Path], model_cache: Path) -> Shell:
    return Shell(knowledge_store(tmp_path), model_cache)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, knowledge_store: Callable[[Path], Path], model_cache: Path) -> tuple[Shell, list[str]]:  # fmt: skip
    """All questions, each in a conversation of its own but for the first two, which are followed up."""
    shell = Shell(knowledge_store(tmp_path_factory.mktemp("asked")), model_cache)
    first = [{"question": q, "as_of": a, "filters": f, "conversation_id": f"talk-{n:04}"} for n, (q, a, f) in enumerate(QUESTIONS)]  # fmt: skip
    after = [
        {"question": "And small caps?", "conversation_id": "talk-0000"},
        {"question": "What about 2023?", "conversation_id": "talk-0001"},
    ]
    return shell, shell.ask(*first, *after)


def test_every_answer_is_given_again_to_the_same_bytes(asked: tuple[Shell, list[str]]) -> None:
    shell, ids = asked
    assert len(ids) == 26
    with app.open_assistant(shell.settings) as assistant:
        statuses = set()
        for answer_id in reversed(ids):  # in another order: what is held in memory changes no answer
            payload = shell.payload(answer_id)
            found = replay(answer_id, payload, lambda record: ask_again(assistant, record))
            assert (found.outcome, found.differences) == ("same", ()), payload["question"]
            assert found.recorded == found.again != ""
            statuses.add(payload["status"])
    assert statuses >= {"answered", "insufficient_evidence", "error"}


def test_the_command_gives_it_in_another_process_too(asked: tuple[Shell, list[str]]) -> None:
    shell, ids = asked
    for answer_id in (ids[0], ids[11], ids[24]):
        code, found = shell.replay(answer_id)
        assert (code, found["outcome"], found["differences"]) == (0, "same", [])
        assert shell.thesis("replay", answer_id)[1].splitlines()[0] == f"same: {found['again']}"
    environ = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "app.py", "replay", ids[3]]
    command[1:2] = ["-c", "import sys, app; sys.exit(app.main(sys.argv[1:]))"]
    done = subprocess.run([*command, "--store", shell.settings.store], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout.startswith("same: ")) == (0, True), done.stderr


def test_a_question_of_today_is_asked_as_on_its_day_with_what_the_metrics_gave(
    asked: tuple[Shell, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, ids = asked
    answer_id = ids[11]  # the drawdown today
    payload = shell.payload(answer_id)
    assert payload["tool_calls"] != []
    # Years later, and with sources that would answer otherwise.
    monkeypatch.setattr(live, "today", lambda: date(2031, 1, 1))
    monkeypatch.setattr("assistant.assistant.today", lambda: date(2031, 1, 1))
    monkeypatch.setattr("assistant.tools.registry.call", lambda *_: pytest.fail("a source was asked"))
    code, found = shell.replay(answer_id)
    assert (code, found["outcome"]) == (0, "same")
    assert found["notes"] == ["What the live metrics gave is taken from the record; no source is asked."]
    # An old source is as old as it was then.
    assert shell.replay(ids[0])[1]["outcome"] == "same"


def test_results_of_other_tools_are_not_used() -> None:
    from assistant.routing import ToolCall

    results = (ToolResult(tool="drawdown", marker="T1"), ToolResult(tool="macro", marker="T2"))
    then = live.Then(DAY, results)
    assert then.live([ToolCall("drawdown", {}), ToolCall("macro", {})]) == results
    for calls in ([ToolCall("drawdown", {})], [ToolCall("macro", {}), ToolCall("drawdown", {})], []):
        assert then.live(calls) == ()


def test_what_the_settings_and_gates_changed_is_told_apart(notes: Shell, tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    path.write_text('disclaimer = "For information only."')
    shell = Shell(Path(notes.settings.store), Path(notes.settings.cache), stale_after_days=1)
    (answer_id,) = shell.ask({"question": QUESTIONS[0][0]}, gates=Gates.load(Settings(gates_file=str(path))))
    kept = shell.payload(answer_id)
    assert kept["answer"]["warnings"][-2].startswith("The newest source of this answer")
    assert kept["answer"]["warnings"][-1] == "For information only."
    # The command's own settings say 365 days and no gates.
    code, found = notes.replay(answer_id)
    assert (code, found["outcome"]) == (0, "same")
    assert found["notes"][-1] == "What the gates added is not compared: they may be other ones now."


def test_a_reader_of_some_collections_is_replayed_as_one(tmp_path: Path, model_cache: Path) -> None:
    shell = Shell(tmp_path / "store", model_cache)
    files = tmp_path / "files"
    files.mkdir()
    for name, text in (
        ("open", "Ferry demand rose 3% in April 2024."),
        ("closed", "Ferry demand fell 9% in June 2024."),
    ):
        (files / f"{name}.md").write_text(f"# Note\n\n{text}\n")
        assert shell.thesis("ingest", str(files / f"{name}.md"), "--collection", name)[0] == 0

    class Rules:
        def readable(self, user: Any) -> frozenset[str]:
            return frozenset({"open"})

    (answer_id,) = shell.ask({"question": "How did ferry demand change in 2024?"}, rules=Rules())
    kept = shell.payload(answer_id)
    assert (kept["collections"], len(kept["retrieved"])) == (["open"], 1)
    assert shell.replay(answer_id)[1]["outcome"] == "same"


def test_a_base_that_changed_is_named_with_both_fingerprints(notes: Shell, tmp_path: Path) -> None:
    (answer_id,) = notes.ask({"question": QUESTIONS[0][0]})
    was = notes.payload(answer_id)["index_fingerprint"]
    (tmp_path / "new.md").write_text("# New\n\nFerry demand rose 3% in April 2024.\n")
    assert notes.thesis("ingest", str(tmp_path / "new.md"))[0] == 0
    code, found = notes.replay(answer_id)
    with app.open_assistant(notes.settings) as assistant:
        now = assistant.store.index_fingerprint
    assert was != now
    assert (code, found["outcome"], found["reason"]) == (
        1,
        "cannot",
        f"The base has changed since: its index was {was}, and is {now}.",
    )
    assert notes.thesis("replay", answer_id)[1].splitlines()[0] == f"cannot: {found['reason']}"
    # The citations of the saved answer are still what they were.
    with app.open_assistant(notes.settings) as assistant:
        for cited in notes.payload(answer_id)["answer"]["citations"]:
            text = assistant.document(cited["document_id"], cited["version"]).text
            assert text[cited["start"] : cited["end"]] == cited["quote"]


def test_an_answer_of_a_model_is_not_given_again(notes: Shell) -> None:
    records = open_records(Path(notes.settings.store))
    written = answer("m1", mode="model", model="openai:x", prompt_sha="p")
    records.asked(ANNA, ask(model="openai:x", by_model=True), written)
    records.asked(ANNA, ask(by_model=True), answer("m2"))  # the model did not answer
    records.close()
    for answer_id, model in (("m1", "openai:x"), ("m2", "a model")):
        code, found = notes.replay(answer_id)
        assert (code, found["outcome"]) == (1, "cannot")
        assert found["reason"] == f"A model wrote it, or was asked to ({model}): a model says the same thing twice in other words."  # fmt: skip
    code, text = notes.thesis("replay", "nobody", "--json")
    assert (code, json.loads(text)["error"]["kind"]) == (1, "not_found")


def test_a_difference_is_shown_where_it_is() -> None:
    kept = answer("a1", text="Rates fell.", warnings=("old", "gate"), tool_results=(ToolResult(tool="macro", retrieved_at="2026-01-01"),))  # fmt: skip
    payload = {"answer": kept.model_dump(), "index_fingerprint": "f1", "by_model": False, "notes": 1, "tool_calls": [], "program": "0"}  # fmt: skip
    same = kept.model_copy(update={"answer_id": "other", "timings_ms": {"total": 3.0}, "warnings": ("old",),
                                   "tool_results": (ToolResult(tool="macro", retrieved_at="2027-01-01"),)})  # fmt: skip
    assert replay("a1", payload, lambda _: same).outcome == "same"
    other = same.model_copy(update={"text": "Rates rose. [S1]", "warnings": (), "citations": ()})
    found = replay("a1", payload, lambda _: other)
    assert (found.outcome, found.recorded == found.again) == ("differs", False)
    assert [d["at"] for d in found.differences] == ["citations[0]", "text", "warnings[0]"]
    assert found.differences[1] == {"at": "text", "recorded": "Rates fell. [S1]", "again": "Rates rose. [S1]"}
    assert found.differences[2] == {"at": "warnings[0]", "recorded": "old", "again": "(nothing)"}
    long = same.model_copy(update={"text": "x" * 500 + "A" + "y" * 500})
    kept_long = {**payload, "answer": {**payload["answer"], "text": "x" * 500 + "B" + "y" * 500}}
    (one,) = replay("a1", kept_long, lambda _: long).differences
    assert one["recorded"] == "…" + "x" * 20 + "B" + "y" * 179
    many = {**payload, "answer": {**payload["answer"], "filters": {str(n): 1 for n in range(50)}}}
    assert len(replay("a1", many, lambda _: same).differences) == 20


def test_the_canonical_form_leaves_out_ids_and_times_only() -> None:
    plain = answer().model_dump()
    for name, value in (("answer_id", "z"), ("timings_ms", {"a": 1.0})):
        assert canonical_answer({**plain, name: value}) == canonical_answer(plain)
    for name in set(plain) - {"answer_id", "timings_ms", "warnings", "tool_results"}:
        assert canonical_answer({**plain, name: "changed"}) != canonical_answer(plain)


def test_replay_is_handed_to_the_process_that_owns_the_base(notes: Shell) -> None:
    (answer_id,) = notes.ask({"question": QUESTIONS[0][0]})
    holder = (
        "import sys, app\nfrom vectorstore.settings import Settings\n"
        f"settings = Settings(store={notes.settings.store!r}, cache={notes.settings.cache!r})\n"
        "with app.open_assistant(settings):\n    print('held', flush=True)\n    sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        code, found = notes.replay(answer_id)
        first.communicate("\n", timeout=60)
    assert (code, found["outcome"]) == (0, "same")


def test_the_seam_asks_as_it_did_before_without_a_record(knowledge: Assistant) -> None:
    question = QUESTIONS[0][0]
    first = knowledge.ask(question)
    again = knowledge.ask(question, then=live.Then(live.today(), first.tool_results))
    assert canonical_answer(first.model_dump()) == canonical_answer(again.model_dump())
    late = knowledge.ask(question, then=live.Then(date(2040, 1, 1)))
    assert any("years" in w for w in late.warnings)
