"""Beside the board: the claim ledger, the companies of a catalyst, and what changed, as HTML. Pure; every text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from assistant.catalysts.claim_entries import Entry
from assistant.catalysts.claim_face import Listing, author_of, records
from assistant.catalysts.companies import METRICS, Company, Figure, Sentence, Table
from assistant.catalysts.shapes import Changes
from assistant.live_text import figure
from assistant.web.ages import old
from assistant.web.text import day, document_path, esc

SHOWN = 100
_OUTCOMES = {
    "open": "open",
    "confirmed": "confirmed",
    "refuted": "refuted",
    "changed": "changed since",
    "untestable": "cannot be tested",
}


def claims(found: Listing, today: date, names: Mapping[str, str]) -> str:
    """Return the ledger. ``names``: of the catalysts by id."""
    if not found.entries:
        return '<p class="t-dim">No quantitative claim of the base fits.</p>'
    rows = "".join(
        _claim(entry, today, [names.get(c, c) for c in found.catalysts.get(entry.claim.claim_id, ())])
        for entry in found.entries[:SHOWN]
    )
    rest = len(found.entries) - SHOWN
    more = (
        f'<p class="t-dim">The newest {SHOWN} of {len(found.entries)}; narrow them by a catalyst, an author or a status.</p>'
        if rest > 0
        else ""
    )
    pairs = "".join(
        f"<li>{esc(p.first.statement)} ({esc(author_of(p.first))}, {esc(day(p.first.published))}) against {esc(p.second.statement)} "
        f"({esc(author_of(p.second))}, {esc(day(p.second.published))})</li>"
        for p in found.contradictions
    )
    against = f'<h3>Claims that cannot both hold</h3><ul class="t-plain">{pairs}</ul>' if pairs else ""
    return (
        f'<div class="t-scroll" tabindex="0" role="group" aria-label="Claims"><table class="t-table"><thead><tr><th scope="col">Claim</th><th scope="col">By</th>'
        f'<th scope="col">Due</th><th scope="col">Outcome</th></tr></thead><tbody>{rows}</tbody></table></div>{more}{against}{_authors(found)}'
    )


def _claim(entry: Entry, today: date, catalysts: Sequence[str]) -> str:
    claim = entry.claim
    link = document_path(claim.document_id, claim.version, claim.start, claim.end)
    page = f", p. {claim.page}" if claim.page else ""
    quote = " ".join(claim.quote.split())
    standing = "" if entry.standing == "current" else f'<span class="t-sub">{esc(entry.standing)}</span>'
    last = entry.last
    checked = (
        f'<span class="t-sub">{esc(last.reason)} Data until {esc(day(last.as_of))}, {esc(old(last.as_of, today))}.</span>'
        if last
        else '<span class="t-sub">not checked yet</span>'
    )
    many = f'<span class="t-sub">{len(entry.checks)} checks are kept</span>' if len(entry.checks) > 1 else ""
    due = (
        f'<span class="t-nowrap">{esc(day(claim.due))}</span><span class="t-sub">{esc(claim.window)}</span>'
        if claim.due
        else '<span class="t-dim">no date</span>'
    )
    return (
        f'<tr><td><b>{esc(claim.statement)}</b><span class="t-sub">“{esc(quote)}”</span><span class="t-sub">{esc(", ".join(catalysts))}</span></td>'
        f'<td>{esc(author_of(claim))}<span class="t-sub">{esc(day(claim.published) or "undated")} · '
        f'<a href="{esc(link)}" target="_blank" rel="noopener noreferrer">{esc(claim.title or claim.path)}{page}</a></span></td>'
        f'<td>{due}</td><td><span class="t-outcome t-is-{esc(entry.outcome)}">{esc(_OUTCOMES[entry.outcome])}</span>{standing}{checked}{many}</td></tr>'
    )


def _authors(found: Listing) -> str:
    rows = "".join(
        f'<tr><td>{esc(one["author"])}</td><td class="t-number">{one["claims"]}</td>'
        + "".join(f'<td class="t-number">{one[name] or ""}</td>' for name in _OUTCOMES)
        + "</tr>"
        for one in records(found.entries)
    )
    head = "".join(f'<th scope="col">{esc(word)}</th>' for word in _OUTCOMES.values())
    return (
        '<h3>How each author\'s claims came out</h3><div class="t-scroll" tabindex="0" role="group" aria-label="Authors"><table class="t-table"><thead><tr><th scope="col">Author</th>'
        f'<th scope="col">claims</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def companies(table: Table, today: date) -> str:
    """Return the companies that meet every condition; each cell is cited or says why it is empty."""
    rule = (
        f'<p class="t-rule">Where {esc(" and ".join(c.rule for c in table.conditions))}; {esc(table.order)}.</p>'
        if table.conditions
        else f'<p class="t-rule">Ordered {esc(table.order)}.</p>'
    )
    notes = "".join(f'<p class="t-dim">{esc(note)}</p>' for note in table.notes)
    columns = list(dict.fromkeys(name for one in table.companies for name in one.figures))
    if table.companies:
        head = "".join(f'<th scope="col">{esc(METRICS[name][2])}</th>' for name in columns)
        rows = "".join(_company(one, columns, today) for one in table.companies)
        shown = (
            '<div class="t-scroll" tabindex="0" role="group" aria-label="Companies"><table class="t-table t-companies"><thead><tr><th scope="col">Company</th><th scope="col">What its documents say</th>'
            f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
    else:
        shown = '<p class="t-dim">No company of the base meets this.</p>'
    unknown = "".join(f"<li><b>{esc(name)}</b>: {esc(reason)}</li>" for name, reason in table.unknown)
    rest = (
        f'<details class="t-more" data-key="unknown"><summary>{len(table.unknown)} for which it cannot be told</summary><ul class="t-plain">{unknown}</ul></details>'
        if unknown
        else ""
    )
    failed = f'<p class="t-dim">{table.failed} do not meet it.</p>' if table.failed else ""
    return f"{rule}{notes}{shown}{failed}{rest}"


def _company(one: Company, columns: Sequence[str], today: date) -> str:
    said = "".join(_sentence(s) for s in one.sentences)
    name = f'<b>{esc(one.name)}</b><span class="t-sub">{esc(one.ticker)}</span><span class="t-sub">{one.speak_for} for, {one.speak_against} against</span>'
    cells = "".join(_cell(one.figures.get(column), today) for column in columns)
    return f"<tr><td>{name}</td><td>{said}</td>{cells}</tr>"


def _sentence(one: Sentence) -> str:
    link = document_path(one.source.document_id, one.source.version, one.start, one.end)
    meta = one.source.metadata
    return (
        f'<p><span class="t-side t-{"pro" if one.side == "for" else "con"}">{esc(one.side)}</span> {esc(" ".join(one.quote.split()))} <a href="{esc(link)}" target="_blank" '
        f'rel="noopener noreferrer">{esc(meta.title or one.source.path)}</a> <span class="t-dim">{esc(day(meta.published))}</span></p>'
    )


def _cell(one: Figure | None, today: date) -> str:
    if one is None or one.value is None:
        return f'<td class="t-empty" title="{esc(one.reason if one else "")}">–<span class="t-sub">{esc(one.reason if one else "")}</span></td>'
    stale = ' <span class="t-verdict">old</span>' if one.stale else ""
    return (
        f'<td class="t-number">{esc(figure(one.value, one.unit))}{stale}<span class="t-sub">as of {esc(day(one.as_of))}, {esc(old(one.as_of, today))}</span>'
        f'<span class="t-sub">{esc(one.source)}</span></td>'
    )


def changes(found: Changes) -> str:
    """Return what changed, newest first."""
    if not found.changes:
        return (
            '<p class="t-dim">Nothing has changed since the board was first made, or since the day that you chose.</p>'
        )
    items = ""
    for one in found.changes:
        quote = f"<blockquote>{esc(' '.join(one.quote.split()))}</blockquote>" if one.quote else ""
        link = ""
        if one.document_id and one.quote:
            address = document_path(one.document_id, one.version, one.start, one.end)
            link = f'<a href="{esc(address)}" target="_blank" rel="noopener noreferrer">Open in the document</a>'
        items += (
            f'<li class="t-change"><span class="t-dim t-nowrap">{esc(day(one.time))} {esc(one.time[11:16])} UTC</span><div><b>{esc(one.title)}</b> '
            f"{esc(one.text)}{quote}{link}</div></li>"
        )
    more = '<p class="t-dim">There are older ones.</p>' if found.more else ""
    feed = '<p class="t-dim">The same as a feed: <a href="api/v1/board/changes.atom">Atom</a>.</p>'
    return f'<ul class="t-changes">{items}</ul>{more}{feed}'


__all__ = ["changes", "claims", "companies"]
