"""The board as text for a terminal: a line of status and the newest claims of each side a catalyst. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from assistant.catalysts.shapes import Board, CatalystBoard, Change, Changes, Evidence, Reading
from assistant.catalysts.status import number
from assistant.shown import printable

_WIDTH = 110
_NEWEST = 3  # claims of a side that are shown of each catalyst; all of one that is asked for alone, up to:
_ALONE = 20
_MARKS = {True: "holds", False: "does not hold", None: "no figure"}


def board_text(board: Board) -> str:
    """Return a board for people."""
    alone = len(board.catalysts) == 1
    when = f"as of {board.as_of}" if board.as_of else "as of today"
    new = f"; * new since {board.since}" if board.since else ""
    lines = [f"{len(board.catalysts)} catalyst{'s' * (not alone)} over {board.documents} documents, {when}{new}"]
    lines += [f"note: {text}" for text in board.warnings]
    for one in board.catalysts:
        lines += ["", *_catalyst(one, _ALONE if alone else _NEWEST, alone=alone)]
    if not alone:
        lines += ["", "One catalyst in full: thesis board ID. How each mark is made: thesis board --json, under rules."]
    return "\n".join(lines)


def _catalyst(one: CatalystBoard, most: int, *, alone: bool) -> list[str]:
    counts = one.counts
    title = f"{one.name.upper()} ({one.id}): {one.status.replace('_', ' ')}"
    said = f"{counts.speak_for} for, {counts.speak_against} against in {counts.documents} documents"
    extra = [f"{counts.repeats} repeats"] * bool(counts.repeats) + [f"{counts.superseded} superseded"] * bool(
        counts.superseded
    )
    extra += [f"{counts.new} new"] * bool(counts.new)
    lines = [printable(title), *_wrapped(one.rule, "  "), f"  {', '.join([said, *extra])}"]
    if alone:
        lines += ["", *_wrapped(f"Statement: {one.statement}", "  "), *_wrapped(f"Mechanism: {one.mechanism}", "  ")]
        lines += ["", "  Conditions:", *(line for reading in one.metrics for line in _reading(reading))]
    for name, listed in (("for", one.for_), ("against", one.against)):
        if listed:
            shown = _chosen(listed, most)
            lines += [f"  {name}:", *(line for claim in shown for line in _claim(claim))]
            if len(listed) > len(shown):
                lines.append(f"    and {len(listed) - len(shown)} more")
    if one.counts.less_sure:
        sides = [sum(claim.side == side for claim in one.less_sure) for side in ("for", "against")]
        lines.append(f"  less sure, and not counted: {sides[0]} for, {sides[1]} against")
        if alone:
            lines += [line for claim in one.less_sure for line in _claim(claim, f"{claim.side}: ")]
    for pair in one.contradictions[: None if alone else 1]:
        lines += _wrapped(f"contradiction: {pair.why}", "  ")
    return lines


def _chosen(listed: Sequence[Evidence], most: int) -> Sequence[Evidence]:
    """Return the newest that still stand; superseded ones only where few stand."""
    return sorted(listed, key=lambda one: one.superseded is not None)[:most]


def _claim(one: Evidence, side: str = "") -> list[str]:
    place = [one.author or "unnamed", one.published or "undated", one.kind, f"page {one.page}" if one.page else None]
    marks = [f"said {len(one.also) + 1} times"] * bool(one.also)
    if one.superseded is not None:
        marks.append(f"superseded {one.superseded.published}, then {one.superseded.side}")
    told = ", ".join(part for part in [*place, *marks] if part)
    new = "* " if one.new else ""
    quote = " ".join(one.quote.split())
    return _wrapped(f"{side}{new}“{quote}” ({told}; {one.document_id[:12]} {one.start}-{one.end})", "    ", "      ")


def _reading(one: Reading) -> list[str]:
    side = "confirms" if one.side == "confirms" else "refutes"
    if one.value is None:
        return _wrapped(f"{side}: {one.rule}: {one.reason} {one.what_to_do}".rstrip(), "    ", "      ")
    old = ", old" if one.old else ""
    against = f", against {number(one.threshold, one.unit)}" if one.compared else ""
    told = f"{side}: {one.rule}: {_MARKS[one.holds]}: {number(one.value, one.unit)}{against}"
    reason = f" {one.reason}" if one.reason else ""
    return _wrapped(f"{told} (as of {one.as_of}{old}; {one.source}){reason} {one.why}", "    ", "      ")


def changes_text(found: Changes) -> str:
    """Return a list of changes for people."""
    since = f" since {found.since}" if found.since else ""
    if not found.changes:
        return f"Nothing has changed{since}."
    lines = [f"Changes{since}, newest first:"]
    for one in found.changes:
        lines += _change(one)
    if found.more:
        lines.append("  and older ones")
    return "\n".join(lines)


def _change(one: Change) -> list[str]:
    lines = _wrapped(f"{one.time[:16].replace('T', ' ')}  {one.title}. {one.text}", "  ", "      ")
    if one.quote:
        lines += _wrapped(f"“{' '.join(one.quote.split())}”", "      ")
    return lines


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        printable(text), _WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


__all__ = ["board_text", "changes_text"]
