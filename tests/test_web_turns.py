"""What the browser is told of a conversation: only what is new, and enough to put it together."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from web_fakes import FakeAssistant

from assistant.web import conversation, render, turns
from assistant.web.conversation import Turns

GAP = "What was the gap to large caps in March 2024?"


def answered(count: int) -> Turns:
    made: Turns = ()
    for n in range(count):
        made = conversation.begin(made, f"{GAP} ({n})")
        answer = FakeAssistant().answer(GAP).model_copy(update={"answer_id": f"a{n}"})
        made = conversation.update(made, replace(made[-1], answer=answer))
    return made


def read(value: str) -> tuple[list[str], dict[str, str]]:
    found = json.loads(value)
    return found["order"], found["html"]


def replayed(value: str) -> str:
    """Put the lines together as the browser does: by UTF-16 units."""
    html = b""
    for line in value.splitlines():
        start, end, text = json.loads(line)
        html = html[: 2 * start] + text.encode("utf-16-le", "surrogatepass") + html[len(html) - 2 * end :]
    return html.decode("utf-16-le", "surrogatepass")


def test_only_what_is_new_is_sent() -> None:
    made = answered(40)
    order, html = read(turns.conversation(made, made[-1:]))
    assert [key.split(".")[0] for key in order] == [str(n) for n in range(1, 41)]
    assert html == {order[-1]: render.turn_html(made[-1])}
    assert len(turns.conversation(made, ())) < 1000


def test_a_turn_that_changes_has_another_name_and_the_others_keep_theirs() -> None:
    made = answered(3)
    judged = conversation.update(made, replace(made[1], judged="good"))
    before, after = read(turns.conversation(made, ()))[0], read(turns.conversation(judged, ()))[0]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_the_turn_that_is_being_answered_is_no_finished_one() -> None:
    made = conversation.begin(answered(1), "And then?")
    order, html = read(turns.conversation(made, made))
    assert len(order) == len(html) == 1


def test_a_text_that_grows_is_sent_once() -> None:
    words = [f"word{n} " for n in range(300)]
    growing = turns.Growing()
    for n in range(300):
        value = growing.to(f"<article><p>{''.join(words[: n + 1])}</p></article>")
    assert len(value) < 8 * len("".join(words))
    assert replayed(value).endswith("word299 </p></article>")


@given(st.lists(st.text(alphabet=st.sampled_from("ab<é𝔸💼"), max_size=30), max_size=12))
def test_each_value_begins_with_the_one_before_and_gives_the_text(texts: list[str]) -> None:
    growing, before = turns.Growing(), ""
    for text in texts:
        value = growing.to(text)
        assert value.startswith(before)
        shown = "".join(sign if ord(sign) < 65536 else f"&#{ord(sign)};" for sign in text)
        assert replayed(value) == shown
        before = value
