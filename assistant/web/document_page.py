"""A stored document as an HTML page of its own, one span marked and scrolled to. Pure functions."""

from __future__ import annotations

from itertools import pairwise

from assistant.web.text import document_meta, esc, file_name, picture_path
from vectorstore.records import Document

# Under its own policy the page can load nothing but its pictures, and runs only the one script that scrolls.
POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#16202c;--dim:#5b6877;--line:#dde3ea;--mark:#ffe58a;--mark-ink:#16202c;--accent:#0f5c7a}
@media(prefers-color-scheme:dark){:root{--bg:#10161d;--ink:#dfe6ee;--dim:#93a1b0;--line:#26313d;--mark:#6b5710;--mark-ink:#fff7d6;--accent:#6fb8d6}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.6 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header{position:sticky;top:0;background:var(--bg);border-bottom:1px solid var(--line);padding:12px 24px}
h1{font-size:18px;line-height:1.3;margin:0}p{margin:2px 0;color:var(--dim);font-size:14px;overflow-wrap:anywhere}
main{max-width:860px;margin:0 auto;padding:20px 24px 80px}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
mark{background:var(--mark);color:var(--mark-ink);padding:1px 2px;border-radius:2px;scroll-margin-top:35vh}
.page{display:block;border-top:1px solid var(--line);margin:24px 0 8px;padding-top:4px;color:var(--dim);font-size:12px}
img{max-width:100%;height:auto;border:1px solid var(--line);margin-top:16px}
.note{border-left:3px solid #b7791f;padding-left:10px}
a{color:var(--accent)}
"""
_SCRIPT = "document.getElementById('cited')?.scrollIntoView({block:'center'});"


def document_page(document: Document, *, start: int | None, end: int | None, nonce: str) -> str:
    """Return the whole text, escaped, with ``text[start:end]`` marked where that is a span of it."""
    text = document.text
    spanned = start is not None and end is not None and 0 <= start < end <= len(text)
    note = ""
    if not spanned and (start is not None or end is not None):
        note = '<p class="note">The address names a span that this version of the document does not have.</p>'
    picture = ""
    if spanned and document.media_type == "application/pdf":
        assert start is not None
        assert end is not None
        page = document.page_at(start)
        if page is not None:
            # Relative to document/<id>: the last segment is replaced.
            source = picture_path(document.document_id, document.version, page, start, end).removeprefix("document/")
            picture = f'<img src="{esc(source)}" alt="Page {page} with the cited words marked" loading="lazy">'
    body = _body(document, start or 0, end or 0) if spanned else _body(document, 0, 0)
    title = document.metadata.title or file_name(document.path)
    meta = document_meta(document.metadata)
    return _frame(
        title,
        f"<header><h1>{esc(title)}</h1><p>{esc(meta)}</p><p>{esc(document.path)}</p>{note}</header>"
        f'<main>{picture}<div class="text">{body}</div></main><script nonce="{nonce}">{_SCRIPT}</script>',
        nonce,
    )


def _body(document: Document, start: int, end: int) -> str:
    """Cut the text at page starts and at the span's two ends; each piece is escaped alone."""
    text = document.text
    pages = {page.start: page.label or str(page.number) for page in document.pages}
    cuts = sorted({0, len(text), start, end, *(p for p in pages if 0 <= p < len(text))})
    out: list[str] = []
    first = True
    for low, high in pairwise(cuts):
        if low in pages:
            out.append(f'<span class="page">Page {esc(pages[low])}</span>')
        piece = esc(text[low:high])
        if start <= low and high <= end:
            # A span over a page break is marked in pieces; the anchor is the first.
            anchor = ' id="cited"' if first else ""
            first = False
            piece = f"<mark{anchor}>{piece}</mark>"
        out.append(piece)
    return "".join(out)


def missing_page(message: str, what_to_do: str, nonce: str) -> str:
    """Return the page for a document or an address that is not there."""
    return _frame(
        "Not found",
        f"<header><h1>{esc(message)}</h1><p>{esc(what_to_do)}</p></header>"
        '<main><p><a href="../">Back to Thesis</a></p></main>',
        nonce,
    )


def _frame(title: str, body: str, nonce: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{esc(title)} · Thesis</title><style nonce="{nonce}">{_STYLE}</style></head><body>{body}</body></html>'
    )
