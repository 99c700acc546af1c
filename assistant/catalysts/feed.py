"""The list of changes as an Atom feed (RFC 4287). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.etree import ElementTree

from assistant.catalysts.shapes import Change, Changes
from assistant.compose import link

MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold, whichever way it is written.
_NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def atom(found: Changes, *, base: str, address: str) -> bytes:
    """Return the feed as UTF-8. ``base``: the address of this server without a slash at its end; ``address``: that of the feed itself.

    An entry's id is made of the change alone, so that a reader of feeds shows it once, whichever name the server has.
    """
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _text(feed, "id", "urn:thesis:board:changes")
    _text(feed, "title", "Changes on the catalyst board")
    _text(feed, "updated", found.changes[0].time if found.changes else datetime.fromtimestamp(0, UTC).isoformat())
    ElementTree.SubElement(feed, f"{{{_ATOM}}}link", rel="self", href=_clean(address), type=MEDIA_TYPE)
    author = ElementTree.SubElement(feed, f"{{{_ATOM}}}author")
    _text(author, "name", "thesis-assistant")
    for one in found.changes:
        _entry(feed, one, base)
    return bytes(ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True))


def _entry(feed: ElementTree.Element, one: Change, base: str) -> None:
    entry = ElementTree.SubElement(feed, f"{{{_ATOM}}}entry")
    _text(entry, "id", f"urn:thesis:board:change:{one.change_id}")
    _text(entry, "title", one.title)
    _text(entry, "updated", one.time)
    ElementTree.SubElement(entry, f"{{{_ATOM}}}link", rel="alternate", href=_clean(base + _place(one)))
    ElementTree.SubElement(entry, f"{{{_ATOM}}}category", term=one.kind)
    if one.catalyst:
        ElementTree.SubElement(entry, f"{{{_ATOM}}}category", term=_clean(one.catalyst))
    quoted = f"\n\n“{' '.join(one.quote.split())}”" if one.quote else ""
    content = _text(entry, "content", one.text + quoted)
    content.set("type", "text")


def _place(one: Change) -> str:
    if one.document_id and one.version and one.start is not None and one.end is not None:
        return link(one.document_id, one.version, one.start, one.end)
    return "/api/v1/board?" + urlencode({"catalyst": one.catalyst}) if one.catalyst else "/api/v1/board"


def _text(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}")
    made.text = _clean(text)
    return made


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


__all__ = ["MEDIA_TYPE", "atom"]
