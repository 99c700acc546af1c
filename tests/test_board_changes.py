"""What changed: after documents came, changed and went, after a measurement; kept with its time, told to whom it may be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.catalysts import changes
from tests.board_cases import Bench, bench, note
from vectorstore.database import Connection
from vectorstore.embedding import Embedder
from vectorstore.errors import NotFound, SettingsError

FIRST = note(
    "# First\n\nTariffs raise the costs of small importers of steel.",
    title="First", publisher="Quay Research", published="2024-03-01", kind="note",
)  # fmt: skip
LATER = note(
    "# Later\n\nTariffs no longer raise the costs of small importers of steel.",
    title="Later", publisher="Quay Research", published="2024-05-01", kind="note",
)  # fmt: skip


@pytest.fixture
def base(tmp_path: Path, embedder: Embedder, model_cache: Path) -> Iterator[Bench]:
    with bench(tmp_path, embedder, model_cache) as made:
        made.put({"first.md": FIRST})
        made.face.update()
        yield made


def told(base: Bench, **asked: str) -> list[tuple[str, str, str]]:
    return [(c.kind, c.catalyst, c.text) for c in base.face.changes(**asked).changes]  # type: ignore[arg-type]


def test_the_list_begins_with_the_first_whole_reading(base: Bench) -> None:
    assert [kind for kind, _, _ in told(base)] == ["begun"]
    base.face.update()
    assert len(told(base)) == 1


def test_a_new_document_and_what_it_supersedes(base: Bench) -> None:
    base.put({"later.md": LATER})
    base.face.update()
    found = base.face.changes().changes
    assert [(c.kind, c.catalyst, c.title) for c in found[:2]] == [
        ("superseded", "tariffs", "Tariffs: Quay Research speaks again"),
        ("evidence_new", "tariffs", "Tariffs: 1 sentence against"),
    ]
    assert (
        found[0].text
        == "Quay Research came back on 2024-05-01 to what was said on 2024-03-01, and takes the other side."
    )
    assert found[0].before == "Tariffs raise the costs of small importers of steel."
    assert found[1].text == "New in “Later” (Quay Research, 2024-05-01): 1 sentence against."
    for one in found[:2]:
        assert one.quote == "Tariffs no longer raise the costs of small importers of steel."
        assert one.document_id is not None
        assert base.assistant.document(one.document_id, one.version).text[one.start : one.end] == one.quote
    tariffs = base.face.board("tariffs").catalysts[0]
    superseded = tariffs.for_[0].superseded
    assert superseded is not None
    assert (superseded.evidence_id, superseded.published, superseded.side) == (
        tariffs.against[0].evidence_id, "2024-05-01", "against",
    )  # fmt: skip
    base.face.update()
    assert len(told(base)) == 3


def test_a_new_version_tells_what_came_and_what_went(kept_in: str, base: Bench) -> None:
    base.put({"first.md": FIRST.replace("steel", "glass")})
    base.face.update()
    assert [(kind, text) for kind, _, text in told(base)[:2]] == [
        ("evidence_gone", "No longer in “First” (Quay Research, 2024-03-01): 1 sentence for."),
        ("evidence_new", "New in “First” (Quay Research, 2024-03-01): 1 sentence for."),
    ]
    base.put({"first.md": FIRST.replace("steel", "glass") + "\n\nAnother word on nothing of the kind at all."})
    base.face.update()
    assert len(told(base)) == 3  # the same words in another version are no news


def test_a_document_that_goes_takes_its_words_from_the_list(kept_in: str, base: Bench) -> None:
    base.put({"later.md": LATER})
    base.face.update()
    base.ingestor.remove([base.id_of("later.md")])
    base.face.update()
    found = base.face.changes().changes
    assert found[0].kind == "evidence_gone"
    assert [c.quote for c in found] == [None] * 4
    assert [(c.before, c.after) for c in found if c.kind == "superseded"] == [(None, None)]


def _measure(base: Bench, value: float | None, as_of: str) -> None:
    base.tools.given = {} if value is None else {
        "macro": [("customs_duty_rate_change", "United States", value, "percentage points", as_of)]
    }  # fmt: skip
    base.face.measure()


def test_a_threshold_that_was_crossed_and_the_status(tmp_path: Path, embedder: Embedder, model_cache: Path) -> None:
    with bench(tmp_path, embedder, model_cache, stale_after_days=0) as base:
        base.put({"first.md": FIRST})
        base.face.update()
        _measure(base, 0.2, "2024-01-31")
        assert len(told(base)) == 1  # what was never measured has not changed
        _measure(base, 0.8, "2024-02-29")
        assert told(base)[:2] == [
            (
                "status_changed", "tariffs",
                "From mixed to confirming. Confirming: 1 of 2 conditions that confirm it hold; 0 of 2 conditions that refute it hold; "
                "2 without a figure. customs_duty_rate_change of United States is 0.8 pp (≥ 0.5 percentage points; as of 2024-02-29).",
            ),
            (
                "metric_crossed", "tariffs",
                "customs_duty_rate_change ≥ 0.5 percentage points: 0.8 pp as of 2024-02-29, before 0.2 pp as of 2024-01-31 (A source).",
            ),
        ]  # fmt: skip
        _measure(base, 0.8, "2024-03-31")
        assert len(told(base)) == 3


def test_a_source_that_fails_is_no_news(tmp_path: Path, embedder: Embedder, model_cache: Path) -> None:
    with bench(tmp_path, embedder, model_cache, stale_after_days=0) as base:
        base.put({"first.md": FIRST})
        base.face.update()
        _measure(base, 0.8, "2024-02-29")
        base.tools.failed = {"macro": "error"}
        _measure(base, None, "")
        base.tools.failed = {}
        _measure(base, 0.9, "2024-03-31")
        assert len(told(base)) == 1


def test_whoever_reads_a_part_is_told_of_that_part(tmp_path: Path, embedder: Embedder, model_cache: Path) -> None:
    with bench(tmp_path, embedder, model_cache, stale_after_days=0) as base:
        base.put({"first.md": FIRST}, "open")
        base.face.update()
        base.put({"later.md": LATER}, "deals")
        base.face.update()
        base.tools.given = {
            "call_sentiment": [
                ("call_sentiment_z", "small caps against large caps", -1.0, "standard deviations", "2024-01-01")
            ],
            "macro": [("customs_duty_rate_change", "United States", 0.1, "percentage points", "2024-01-01")],
        }
        base.face.measure()
        base.tools.given["call_sentiment"] = [
            ("call_sentiment_z", "small caps against large caps", -3.0, "standard deviations", "2024-04-01")
        ]
        base.tools.given["macro"] = [
            ("customs_duty_rate_change", "United States", 0.9, "percentage points", "2024-04-01")
        ]
        base.face.measure()
        whole = [c.kind for c in base.face.changes().changes]
        part = base.within("open").changes().changes
        assert sorted(whole) == sorted(
            ["begun", "evidence_new", "superseded", *["metric_crossed", "status_changed"] * 2]
        )
        # The tone of calls is read from documents, also from those that this reader may not read.
        assert sorted((c.kind, c.catalyst) for c in part) == [
            ("begun", ""), ("metric_crossed", "tariffs"), ("status_changed", "tariffs"),
        ]  # fmt: skip
        assert "Later" not in str(part)
        assert {c.change_id for c in part} < {c.change_id for c in base.face.changes().changes}


def test_the_list_is_narrowed_by_day_catalyst_and_number(kept_in: str, base: Bench) -> None:
    base.put({"later.md": LATER})
    base.face.update()
    today = changes.now()[:10]
    assert len(base.face.changes(since=today).changes) == 3
    assert base.face.changes(since="2999-01-01").changes == ()
    assert base.face.changes(as_of="2020-01-01").changes == ()
    assert {c.catalyst for c in base.face.changes("tariffs").changes} == {"tariffs"}
    found = base.face.changes(limit=2)
    assert (len(found.changes), found.more) == (2, True)
    with pytest.raises(NotFound, match="no catalyst 'weather'"):
        base.face.changes("weather")
    with pytest.raises(SettingsError, match="limit = 0"):
        base.face.changes(limit=0)


def test_a_crash_in_between_loses_nothing_and_tells_nothing_twice(
    kept_in: str, base: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.put({"later.md": LATER})
    noted = changes.note

    def dies(connection: Connection, *rest: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(changes, "note", dies)
    with pytest.raises(KeyboardInterrupt):
        base.face.update()
    assert base.face.board("tariffs").pending == 1  # the reading went with the note that could not be made
    monkeypatch.setattr(changes, "note", noted)
    base.face.update()
    base.face.update()
    assert [kind for kind, _, _ in told(base)] == ["superseded", "evidence_new", "begun"]


def test_the_list_does_not_grow_without_end(base: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_KEPT", 3)
    for i in range(3):
        base.put({"first.md": FIRST.replace("steel", f"goods of kind {i}")})
        base.face.update()
    assert len(told(base)) == 3
