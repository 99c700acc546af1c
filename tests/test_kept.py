"""A cache that is bounded: the values used last, each made once for all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from assistant.kept import Kept


@given(
    most=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(["get", "put", "made"]), st.integers(0, 6), st.integers(0, 9)), max_size=40
    ),
)
def test_it_keeps_what_was_used_last(most: int, steps: list[tuple[str, int, int]]) -> None:
    kept: Kept[int, int] = Kept(most)
    model: OrderedDict[int, int] = OrderedDict()
    for step, key, value in steps:
        if step == "get":
            assert kept.get(key) == model.get(key)
        elif step == "put":
            assert kept.put(key, value) == value
            model[key] = value
        else:
            assert kept.made(key, lambda value=value: value) == model.setdefault(key, value)  # type: ignore[misc]
        if key in model:
            model.move_to_end(key)
        while len(model) > most:
            model.popitem(last=False)
        assert len(kept) == len(model)
    assert [kept.get(key) for key in model] == list(model.values())


def test_threads_that_make_it_at_once_get_the_same() -> None:
    kept: Kept[str, object] = Kept(8)
    together = threading.Barrier(4)

    def make() -> object:
        together.wait(10)  # all four found nothing
        return object()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: kept.made("a", make), range(4)))
    assert len(set(map(id, made))) == 1


def test_what_cannot_be_made_is_not_kept() -> None:
    kept: Kept[str, int] = Kept(2)
    for _ in range(2):
        try:
            kept.made("a", lambda: 1 // 0)
        except ZeroDivisionError:
            assert kept.get("a") is None
    assert kept.made("a", lambda: 3) == 3
