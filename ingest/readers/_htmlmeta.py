"""What an HTML page states about itself: title, meta, JSON-LD, time, Inline XBRL cover facts."""

from __future__ import annotations

import json
from typing import Any

from ingest.readers._model import clean

_META = {
    "og:title": "og_title",
    "twitter:title": "og_title",
    "citation_title": "title_meta",
    "dc.title": "title_meta",
    "author": "author",
    "article:author": "author",
    "dc.creator": "author",
    "citation_author": "author",
    "parsely-author": "author",
    "sailthru.author": "author",
    "byl": "author",
    "article:published_time": "published",
    "og:published_time": "published",
    "datepublished": "published",
    "date": "published",
    "dc.date": "published",
    "dc.date.issued": "published",
    "dcterms.created": "published",
    "pubdate": "published",
    "publishdate": "published",
    "publish-date": "published",
    "publish_date": "published",
    "parsely-pub-date": "published",
    "sailthru.date": "published",
    "citation_publication_date": "published",
    "citation_date": "published",
    "article:modified_time": "modified",
    "og:updated_time": "modified",
    "last-modified": "modified",
    "datemodified": "modified",
    "og:site_name": "site_name",
    "application-name": "site_name",
    "publisher": "publisher",
    "dc.publisher": "publisher",
    "citation_publisher": "publisher",
    "og:url": "url",
    "og:type": "og_type",
    "description": "description",
    "og:description": "description",
    "keywords": "keywords",
}
_XBRL = {
    "dei:entityregistrantname": "company",
    "dei:documenttype": "form",
    "dei:tradingsymbol": "ticker",
    "dei:documentperiodenddate": "period_end",
    "dei:documentfiscalyearfocus": "fiscal_year",
    "dei:documentfiscalperiodfocus": "fiscal_period_focus",
    "dei:entitycentralindexkey": "cik",
    "dei:amendmentflag": "amendment",
}
_JSON_LD = {
    "headline": "headline",
    "datePublished": "published",
    "dateModified": "modified",
    "author": "author",
    "publisher": "publisher",
    "description": "description",
}
_LONGEST = 2000
_MOST_AUTHORS = 50


def _name(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""


def _text(element: Any) -> str:
    parts: list[str] = []
    size = 0
    for part in element.itertext():  # headings may be nested: what lies far below is not read again for each
        parts.append(part[: 2 * _LONGEST])
        size += len(parts[-1])
        if size > 2 * _LONGEST or len(parts) > _LONGEST:
            break
    return " ".join("".join(parts).split())[:_LONGEST]


def _people(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(filter(None, (_people(v) for v in value[:_MOST_AUTHORS])))
    if isinstance(value, dict):
        return _people(value.get("name"))
    return " ".join(value.split()) if isinstance(value, str) else ""


def _json_ld(block: str) -> dict[str, str]:
    """Return what a JSON-LD block says of the article; what it says of the web page only fills gaps."""
    try:
        data = json.loads(block)
    except ValueError:
        return {}
    nodes: list[Any] = data if isinstance(data, list) else [data]
    graphs = [n["@graph"] for n in nodes if isinstance(n, dict) and isinstance(n.get("@graph"), list)]
    articles: list[dict[str, Any]] = []
    pages: list[dict[str, Any]] = []
    for node in (*nodes, *(g for graph in graphs for g in graph)):
        if not isinstance(node, dict):
            continue
        kind = node.get("@type")
        kinds = [k for k in (kind if isinstance(kind, list) else [kind]) if isinstance(k, str)]
        if any(k.endswith(("Article", "Posting", "Report")) for k in kinds):
            articles.append(node)
        elif "WebPage" in kinds:
            pages.append(node)
    found: dict[str, str] = {}
    for node in (*articles, *pages):
        for key, target in _JSON_LD.items():
            value = _people(node.get(key))
            if value:
                found.setdefault(target, value)
    return found


def _stated(block: str) -> dict[str, str]:
    try:
        return _json_ld(block)
    except RecursionError:  # lists in lists in lists: nothing that a page would state
        return {}


def embedded_of(root: Any) -> dict[str, str]:
    """Return lower-case keys and values: JSON-LD first, then meta, then elements of the page."""
    found: dict[str, str] = {}

    def keep(key: str, value: str | None) -> None:
        value = " ".join(clean(value or "").split())[:_LONGEST]
        if value and key not in found:
            found[key] = value

    authors: list[str] = []
    late: list[tuple[str, str | None]] = []
    for element in root.iter():
        name = _name(element)
        if name == "script" and (element.get("type") or "").lower() == "application/ld+json":
            for key, stated in _stated(element.text or "").items():
                keep(key, stated)
        elif name == "title" and element.getparent() is not None and _name(element.getparent()) != "svg":
            late.append(("title", _text(element)))
        elif name == "meta":
            key = _META.get(
                (element.get("property") or element.get("name") or element.get("itemprop") or "").lower(), ""
            )
            value = element.get("content")
            if key == "author" and value and not value.startswith("http"):
                if len(authors) < _MOST_AUTHORS and value.strip() not in authors:
                    authors.append(value.strip())
            elif key:
                late.append((key, value))
        elif name == "link" and "canonical" in (element.get("rel") or ""):
            keep("url", element.get("href"))
        elif name == "h1":
            late.append(("h1", _text(element)))
        elif name == "time":
            late.append(("time", element.get("datetime") or _text(element)))
        elif name == "html" and element.get("lang"):
            keep("language", element.get("lang"))
        elif name in {"ix:nonnumeric", "nonnumeric"}:
            key = _XBRL.get((element.get("name") or "").lower(), "")
            if key:
                late.append((key, _text(element)))
    keep("author", "; ".join(authors))
    for key, value in late:
        keep(key, value)
    for spare in ("og_title", "title_meta", "headline", "h1"):
        keep("title", found.get(spare))
    return found
