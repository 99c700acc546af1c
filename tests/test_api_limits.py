"""Rates and places: exact counts under an injected clock, and nothing is ever lost or made."""

from __future__ import annotations

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.api import limits
from assistant.web.api.limits import Rates, Slots, TooMany


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(rates: Rates, user: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            rates.take(user)
        except TooMany:
            continue
        count += 1
    return count


def test_a_user_has_a_minutes_worth_at_once_and_then_the_rate() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    assert taken(rates, "a", 100) == 60
    assert taken(rates, "b", 10) == 10, "another user's bucket is their own"
    clock.now += 1
    assert taken(rates, "a", 5) == 1
    clock.now += 3600
    assert taken(rates, "a", 100) == 60, "no more than a minute's worth is saved up"


def test_it_says_how_long_to_wait_and_that_is_enough() -> None:
    clock = Clock()
    rates = Rates(7, clock)
    taken(rates, "a", 7)
    with pytest.raises(TooMany, match="More than 7 requests in a minute") as refused:
        rates.take("a")
    assert refused.value.retry_after == 9  # 60 / 7 = 8.57
    clock.now += refused.value.retry_after
    rates.take("a")


def test_no_limit_is_none() -> None:
    assert taken(Rates(0, Clock()), "a", 1000) == 1000


def test_a_clock_that_goes_back_gives_nothing() -> None:
    clock = Clock()
    rates = Rates(2, clock)
    assert taken(rates, "a", 3) == 2
    clock.now -= 500
    assert taken(rates, "a", 3) == 0


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_USERS", 3)
    clock = Clock()
    rates = Rates(1, clock)
    for name in "abcde":
        clock.now += 1
        assert taken(rates, name, 1) == 1
    assert len(rates._left) == 3
    assert taken(rates, "e", 1) == 0, "the newest are still held to theirs"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 20)), max_size=60))
def test_never_more_than_the_rate_in_any_window(asked: list[tuple[str, float]]) -> None:
    clock = Clock()
    rates = Rates(6, clock)
    given_at: dict[str, list[float]] = {"a": [], "b": []}
    for user, later in asked:
        clock.now += later
        given_at[user] += [clock.now] * taken(rates, user, 1)
    for times in given_at.values():
        for first, start in enumerate(times):
            for last in range(first, len(times)):
                # A full bucket at the start, and what came in since.
                assert last - first + 1 <= 6 + (times[last] - start) * 6 / 60 + 1e-6


def test_places_of_the_server_and_of_a_user() -> None:
    slots = Slots(3, 2)
    first, second = slots.enter("a"), slots.enter("a")
    with pytest.raises(TooMany, match="of yours") as own:
        slots.enter("a")
    third = slots.enter("b")
    with pytest.raises(TooMany, match="The server is making 3") as whole:
        slots.enter("c")
    assert (own.value.reason, whole.value.reason, slots.used) == ("user", "server", 3)
    first.done()
    assert slots.used == 2
    with pytest.raises(TooMany, match="of yours"):
        slots.enter("a")  # its reader has not left yet
    first.left()
    slots.enter("a")
    for slot in (second, third):
        slot.done()
        slot.done()
        slot.left()
        slot.left()
    assert slots.used == 1


def test_places_without_limits() -> None:
    slots = Slots(0, 0)
    assert len([slots.enter("a") for _ in range(500)]) == 500


def test_places_add_up_when_many_threads_come_and_go() -> None:
    slots = Slots(5, 3)
    most = []

    def work(name: str) -> None:
        for _ in range(200):
            try:
                slot = slots.enter(name)
            except TooMany:
                continue
            most.append(slots.used)
            slot.done()
            slot.left()

    threads = [threading.Thread(target=work, args=(name,)) for name in "aabbcc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 5
    assert (slots.used, dict(slots._of)) == (0, {})


def test_an_error_goes_through_pickle() -> None:
    error = pickle.loads(pickle.dumps(TooMany("a", "b", 3, "rate")))
    assert (error.message, error.what_to_do, error.retry_after, error.reason) == ("a", "b", 3, "rate")
