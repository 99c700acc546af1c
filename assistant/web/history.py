"""The list of a user's conversations as HTML. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from assistant.web.text import day, esc

SHOWN = 200


def history(listed: Sequence[Mapping[str, Any]], current: str, today: date, *, needle: str = "") -> str:
    """Return the list (``Service.conversations``, newest first) grouped by age, ``current`` marked.

    ``needle``: what the list was searched for.
    """
    groups = "".join(
        f"<h2>{esc(name)}</h2><ul>{''.join(_item(one, current, today) for one in members)}</ul>"
        for name, members in groupby(listed[:SHOWN], key=lambda one: _age(str(one["changed"]), today))
    )
    if not listed:
        said = f"No conversation holds “{esc(needle)}”." if needle else "Conversations are kept here once you ask."
        groups = f'<p class="t-dim">{said}</p>'
    elif len(listed) > SHOWN:
        groups += f'<p class="t-dim">The newest {SHOWN} of {len(listed)} are shown; search to find others.</p>'
    return (
        '<nav class="t-history" aria-label="Conversations"><div class="t-history-top">'
        '<button type="button" class="t-new" data-event="fresh">New conversation</button>'
        '<button type="button" class="t-icon t-close" data-action="close" aria-label="Close the list">×</button></div>'
        '<input type="search" class="t-search" placeholder="Search conversations" aria-label="Search conversations" '
        f'maxlength="200" autocomplete="off"><div class="t-list">{groups}</div></nav>'
    )


def nothing_kept() -> str:
    """Return what stands there where this server keeps no conversations."""
    return (
        '<nav class="t-history" aria-label="Conversations"><div class="t-history-top"><button type="button" class="t-new" '
        'data-event="fresh">New conversation</button><button type="button" class="t-icon t-close" data-action="close" '
        'aria-label="Close the list">×</button></div><p class="t-dim">This server keeps no conversations '
        "(setting <code>records</code>); this one ends with the page.</p></nav>"
    )


def _item(one: Mapping[str, Any], current: str, today: date) -> str:
    id_, title = esc(one["conversation_id"]), esc(one["title"] or "Untitled")
    here = id_ == esc(current)
    shared = '<span class="t-dim"> · shared</span>' if one.get("shared") else ""
    count = f"{one['turns']} question{'' if one['turns'] == 1 else 's'}"
    return (
        f'<li class="t-kept{" t-here" if here else ""}" data-kept="{id_}"><button type="button" class="t-open-kept" '
        f'data-event="open" data-id="{id_}"{" aria-current=true" if here else ""} title="{title}">'
        f'<span class="t-kept-title">{title}</span><span class="t-dim">{esc(_moment(str(one["changed"]), today))} · {count}{shared}</span></button>'
        f'<button type="button" class="t-icon" data-action="kept-menu" data-id="{id_}" data-title="{title}" '
        f'data-shared="{esc(one.get("shared") or "")}" aria-haspopup="menu" aria-expanded="false" '
        f'aria-label="More on {title}">⋯</button></li>'
    )


def _age(changed: str, today: date) -> str:
    then = date.fromisoformat(changed[:10])
    if then >= today:
        return "Today"
    if then == today - timedelta(days=1):
        return "Yesterday"
    if then > today - timedelta(days=7):
        return "Last 7 days"
    return "Last 30 days" if then > today - timedelta(days=30) else "Earlier"


def _moment(changed: str, today: date) -> str:
    moment = datetime.fromisoformat(changed)
    return f"{moment:%H:%M} UTC" if moment.date() >= today - timedelta(days=1) else day(changed)
