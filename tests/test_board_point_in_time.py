"""As of a day, nothing that was published, filed or observed later stands anywhere on the board."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.catalysts.shapes import Board, CatalystBoard
from tests.board_cases import Bench, bench, note
from vectorstore.embedding import Embedder
from vectorstore.errors import SettingsError

DAYS = [date(2024, 1, 1) + timedelta(days=7 * i) for i in range(10)]
SAYINGS = (
    "Tariffs raise the costs of small importers of steel and of their customers.",
    "The refund of duties will help the small importers of steel and their customers.",
    "Small caps look cheap against large caps on price to earnings.",
    "Small caps look dear against large caps on price to earnings.",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: object) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("as-of"), embedder, model_cache) as made:  # type: ignore[arg-type]
        files = {}
        for i, day in enumerate(DAYS):
            head = {"title": f"Note {i}", "publisher": f"House {i % 2}", "published": day.isoformat(), "kind": "note"}
            files[f"{i}.md"] = note(f"# Note {i}\n\n{SAYINGS[i % 4]}\n\n{SAYINGS[(i + 1) % 4]} Number {i}.", **head)
        files["undated.md"] = note(f"# Undated\n\n{SAYINGS[0]}", title="Undated", publisher="House 0")
        made.put(files)
        assert made.face.update() == 0
        yield made


def _days(board: Board) -> Iterator[str | None]:
    """Yield every day that stands on a board."""
    for one in board.catalysts:
        for claim in (*one.for_, *one.against):
            yield claim.published
            yield from (place.published for place in claim.also)
            if claim.superseded is not None:
                yield claim.superseded.published
        yield from (reading.as_of for reading in one.metrics if reading.as_of is not None)


def _claims(one: CatalystBoard) -> object:
    return [one.for_, one.against, one.counts, [p for p in one.contradictions if p.kind == "authors"]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(-10, 80), observed=st.integers(-10, 80), value=st.floats(-3, 3))
def test_nothing_of_later_days_is_on_the_board(base: Bench, offset: int, observed: int, value: float) -> None:
    day = (DAYS[0] + timedelta(days=offset)).isoformat()
    seen = (DAYS[0] + timedelta(days=observed)).isoformat()
    base.tools.given = {
        "macro": [
            ("customs_duty_rate_change", "United States", value, "percentage points", seen),
            ("fed_funds_rate_change", "United States", value, "percentage points", seen),
        ],
        "relative_valuation": [("relative_price_to_earnings", "Russell 2000 / S&P 500", value, "x", seen)],
    }
    with base.boards.database().write() as connection:
        connection.execute("DELETE FROM measured")
    board = base.face.board(as_of=day)
    assert all(found is not None and found <= day for found in _days(board))
    assert board.as_of == day
    assert board.documents == sum(d.isoformat() <= day for d in DAYS)
    # It is the board of a base into which nothing came later.
    then = base.boards.board(
        base.assistant.store, base.tools, measure=False, keep=lambda s: (s.metadata.published or "9") <= day
    )
    assert list(map(_claims, board.catalysts)) == list(map(_claims, then.catalysts))
    tariffs = next(one for one in board.catalysts if one.id == "tariffs")
    expected = (
        "no_data" if seen > day else "confirming" if value >= 0.5 else "contradicting" if value <= -0.5 else "mixed"
    )
    assert tariffs.status == expected
    assert base.tools.calls[-1][1] == day


def test_what_is_left_out_for_having_no_date_is_told(base: Bench) -> None:
    board = base.face.board(as_of=DAYS[-1].isoformat())
    assert board.warnings == ("1 document without a date left out under as-of 2024-03-04.",)
    assert board.documents == 10
    assert base.face.board().documents == 11


def test_since_marks_what_was_published_since(base: Bench) -> None:
    board = base.face.board("tariffs", since=DAYS[9].isoformat())
    claims = [*board.catalysts[0].for_, *board.catalysts[0].against]
    assert {one.new for one in claims} == {True, False}
    assert all(one.new == ((one.published or "") >= DAYS[9].isoformat()) for one in claims)
    assert board.catalysts[0].counts.new == sum(one.new for one in claims)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"as_of": "yesterday"}, "as_of = 'yesterday' is not a date."),
        ({"since": "2024-13-01"}, "since = '2024-13-01' is not a date."),
        ({"as_of": "2024-01-01", "since": "2024-01-02"}, "since = 2024-01-02 lies after as_of = 2024-01-01."),
    ],
)
def test_dates_that_are_none_are_told(base: Bench, given_: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as told:
        base.face.board(**given_)  # type: ignore[arg-type]
    assert told.value.message == message


def test_each_tool_is_asked_once_and_kept(base: Bench) -> None:
    base.tools.given = {
        "macro": [("customs_duty_rate_change", "United States", 1.0, "percentage points", "2024-01-02")]
    }
    with base.boards.database().write() as connection:
        connection.execute("DELETE FROM measured")
    base.tools.calls.clear()
    first = base.face.board()
    asked = list(base.tools.calls)
    assert (
        len(asked)
        == len(set(asked)) + sum(n == "macro" for n, _ in asked) - 1 + sum(n == "federal_awards" for n, _ in asked) - 1
    )
    base.tools.calls.clear()
    assert base.face.board() == first
    assert base.tools.calls == []
    base.face.measure()
    assert len(base.tools.calls) == len(asked)
