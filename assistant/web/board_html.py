"""The catalyst board as HTML: the list of catalysts, and one of them in full. Pure; every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from assistant.catalysts.shapes import Board, CatalystBoard, Evidence, Pair, Reading, Superseded
from assistant.live_text import figure
from assistant.web.ages import old
from assistant.web.text import day, document_path, esc

SHOWN = 12  # claims of a side before the rest is folded away
STATUS = {
    "confirming": "data confirm", "contradicting": "data contradict", "mixed": "data are mixed", "stale": "data are old", "no_data": "no data",
}  # fmt: skip
_SIDES = {"for": "pro", "against": "con"}
_DIRECTION = {"tailwind": "tailwind for small companies", "headwind": "headwind for small companies"}


def overview(board: Board, today: date) -> str:
    """Return every catalyst as a row: status, counts, and the newest claim of each side."""
    return f'<div class="t-catalysts">{"".join(_row(one, today) for one in board.catalysts)}</div>{_rules(board)}'


def _row(one: CatalystBoard, today: date) -> str:
    new = f' <span class="t-new-mark">{one.counts.new} new</span>' if one.counts.new else ""
    newest = "".join(
        f'<p class="t-newest"><span class="t-side t-{_SIDES[side]}">{side}</span> {esc(_short(found[0].quote))} '
        f'<span class="t-dim">{esc(_by(found[0], today))}</span></p>'
        for side, found in (("for", _standing(one.for_)), ("against", _standing(one.against)))
        if found
    )
    return (
        f'<section class="t-catalyst"><button type="button" class="t-catalyst-head" data-event="open" data-id="{esc(one.id)}">'
        f'<span class="t-catalyst-name">{esc(one.name)}</span>{status(one)}<span class="t-tally"><b>{one.counts.speak_for}</b> for '
        f"<b>{one.counts.speak_against}</b> against{new}</span></button>"
        f'<p class="t-rule">{esc(_words(one.rule))}</p>{newest or _silent(one)}</section>'
    )


def _silent(one: CatalystBoard) -> str:
    weak = one.counts.less_sure
    said = f" {weak} may be." if weak else ""
    return f'<p class="t-dim">No sentence of the base is surely for or against it.{said}</p>'


def _short(quote: str, most: int = 220) -> str:
    text = " ".join(quote.split())
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"


def _standing(found: Sequence[Evidence]) -> list[Evidence]:
    return [one for one in found if one.superseded is None]


def status(one: CatalystBoard) -> str:
    """Return a status as a mark in words."""
    return f'<span class="t-status-mark t-is-{esc(one.status)}">{esc(STATUS[one.status])}</span>'


def catalyst(one: CatalystBoard, board: Board, today: date) -> str:
    """Return one catalyst in full: its statement, conditions, contradictions, and the claims for and against."""
    measured = (
        f'<p class="t-dim">Figures asked for {esc(day(one.measured_at))}, {esc(_old(one.measured_at, today))}.</p>'
        if one.measured_at
        else ""
    )
    return (
        f'<div class="t-one"><button type="button" class="t-link" data-event="back">← All catalysts</button><h2>{esc(one.name)} '
        f'{status(one)}</h2><p class="t-statement">{esc(one.statement)}</p><p class="t-dim">{esc(one.mechanism)} '
        f"A {_DIRECTION.get(one.direction, esc(one.direction))} where it holds.</p><h3>Live data</h3>"
        f'<p class="t-rule">{esc(_words(one.rule))}</p>{_conditions(one.metrics, today)}{measured}{_pairs(one)}'
        f'<div class="t-sides">{_side("for", one.for_, one, today)}{_side("against", one.against, one, today)}</div>{_rules(board)}</div>'
    )


def _conditions(metrics: Sequence[Reading], today: date) -> str:
    if not metrics:
        return '<p class="t-dim">No condition on live data is set for this catalyst.</p>'
    rows = "".join(_condition(one, today) for one in metrics)
    why = {(one.reason, one.what_to_do) for one in metrics if one.value is None}
    if len(why) == 1 and all(one.value is None for one in metrics):
        # The same reason for all is said once.
        items = "".join(
            f'<li><span class="t-side t-{_SIDES[_speaks(one)]}">{_speaks(one)}</span> {esc(_words(one.rule))}: {esc(one.why)}</li>'
            for one in metrics
        )
        return (
            f'<p>{esc(" ".join(why.pop()))}</p><details class="t-more" data-key="conditions"><summary>{len(metrics)} conditions</summary>'
            f'<ul class="t-plain">{items}</ul></details>'
        )
    return (
        '<div class="t-scroll" tabindex="0" role="group" aria-label="Conditions"><table class="t-table"><thead><tr><th scope="col">Condition</th><th scope="col">Figure</th>'
        f'<th scope="col">As of</th><th scope="col">Speaks</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _speaks(one: Reading) -> str:
    return "for" if one.side == "confirms" else "against"


def _words(rule: str) -> str:
    # Names of metrics are those of `thesis tool`.
    return rule.replace("_", " ")


def _condition(one: Reading, today: date) -> str:
    speaks = _speaks(one)
    rule = f'{esc(_words(one.rule))}<span class="t-sub">{esc(one.why)}</span>'
    if one.value is None:
        why = " ".join(part for part in (one.reason, one.what_to_do) if part)
        return f'<tr><td>{rule}</td><td colspan="2" class="t-dim">{esc(why)}</td><td class="t-dim">no figure</td></tr>'
    against = f" against {figure(one.threshold, one.unit)}" if one.compared and one.threshold is not None else ""
    old = ' <span class="t-verdict">old</span>' if one.old else ""
    said = (
        f'<span class="t-side t-{_SIDES[speaks]}">{speaks}</span>'
        if one.holds
        else f'<span class="t-dim">{"does not hold" if one.holds is False else esc(one.reason)}</span>'
    )
    return (
        f'<tr><td>{rule}</td><td class="t-number">{esc(figure(one.value, one.unit) + against)}<span class="t-sub">{esc(one.source)}</span></td>'
        f'<td><span class="t-nowrap">{esc(day(one.as_of))}</span><span class="t-sub">{esc(_old(one.as_of, today))}</span>{old}</td><td>{said}</td></tr>'
    )


def _pairs(one: CatalystBoard) -> str:
    if not one.contradictions:
        return ""
    claims = {c.evidence_id: c for c in (*one.for_, *one.against)}
    items = "".join(_pair(pair, one, claims) for pair in one.contradictions)
    return f'<h3>Contradictions</h3><div class="t-pairs">{items}</div>'


def _pair(pair: Pair, one: CatalystBoard, claims: dict[str, Evidence]) -> str:
    sides = [claims[id_] for id_ in (pair.for_id, pair.against_id) if id_ is not None and id_ in claims]
    said = "".join(
        f'<blockquote><span class="t-side t-{_SIDES[c.side]}">{c.side}</span> {esc(" ".join(c.quote.split()))} {_link(c)}</blockquote>'
        for c in sides
    )
    if pair.reading is not None and pair.reading < len(one.metrics):
        reading = one.metrics[pair.reading]
        value = figure(reading.value, reading.unit) if reading.value is not None else "no figure"
        said += f'<blockquote><span class="t-side t-data">data</span> {esc(_words(reading.rule))}: {esc(value)}, as of {esc(day(reading.as_of))}</blockquote>'
    return f'<div class="t-pair"><p class="t-dim">{esc(pair.why)}</p><div>{said}</div></div>'


def _side(side: str, found: Sequence[Evidence], one: CatalystBoard, today: date) -> str:
    shown, rest = found[:SHOWN], found[SHOWN:]
    count = one.counts.speak_for if side == "for" else one.counts.speak_against
    items = "".join(_claim(c, today) for c in shown)
    if rest:
        items += (
            f'<details class="t-more" data-key="{side}"><summary>{len(rest)} older</summary>'
            f"{''.join(_claim(c, today) for c in rest)}</details>"
        )
    weak = [c for c in one.less_sure if c.side == side]
    empty = f'<p class="t-dim">No sentence of the base is surely {side} it.</p>'
    less = (
        f'<details class="t-more t-less" data-key="less-{side}"><summary>{len(weak)} less sure, not counted</summary>'
        f"{''.join(_claim(c, today) for c in weak)}</details>"
        if weak
        else ""
    )
    return f'<section class="t-column"><h3>{"For" if side == "for" else "Against"} <span class="t-count">{count}</span></h3>{items or empty}{less}</section>'


def _claim(one: Evidence, today: date) -> str:
    new = ' <span class="t-new-mark">new</span>' if one.new else ""
    gone = _superseded(one.superseded) if one.superseded else ""
    also = (
        f'<details class="t-also" data-key="{esc(one.evidence_id)}"><summary>said {len(one.also) + 1} times</summary><ul>'
        + "".join(
            f'<li><a href="{esc(document_path(p.document_id, p.version, p.start, p.end))}" target="_blank" rel="noopener noreferrer">'
            f"{esc(p.title or p.path)}</a> {esc(day(p.published))}</li>"
            for p in one.also
        )
        + "</ul></details>"
        if one.also
        else ""
    )
    why = f'<details class="t-also" data-key="why-{esc(one.evidence_id)}"><summary>why</summary><p class="t-dim">{esc("; ".join(one.reasons))}</p></details>'
    return (
        f'<article class="t-claim{" t-gone" if one.superseded else ""}"><blockquote>{esc(" ".join(one.quote.split()))}</blockquote>'
        f'<p class="t-by"><span class="t-kind">{esc(one.kind)}</span> {esc(_by(one, today))}{new} {_link(one)}</p>{gone}'
        f'<div class="t-folds">{also}{why if one.reasons else ""}</div></article>'
    )


def _superseded(later: Superseded) -> str:
    return (
        f'<p class="t-by t-warned">The same author said later, on {esc(day(later.published))}: {esc(later.side)}.</p>'
    )


def _link(one: Evidence) -> str:
    page = f", p. {one.page}" if one.page else ""
    return (
        f'<a href="{esc(document_path(one.document_id, one.version, one.start, one.end))}" target="_blank" rel="noopener noreferrer">'
        f"{esc(one.title or one.path)}{page}</a>"
    )


def _by(one: Evidence, today: date) -> str:
    when = f"{day(one.published)}, {_old(one.published, today)}" if one.published else "undated"
    return " · ".join(part for part in (one.author or one.company or "", when) if part)


def _old(iso: str | None, today: date) -> str:
    return old(iso, today)


def _rules(board: Board) -> str:
    items = "".join(f"<dt>{esc(name.replace('_', ' '))}</dt><dd>{esc(text)}</dd>" for name, text in board.rules.items())
    return (
        f'<details class="t-rules" data-key="rules"><summary>How each mark is made</summary><dl>{items}</dl></details>'
        if items
        else ""
    )


__all__ = ["catalyst", "overview", "status"]
