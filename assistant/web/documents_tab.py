"""The tab of documents: its frame. assets/documents.js fills it from ``documents_routes`` and changes the base by the HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.service import Service
from assistant.web.html import html
from assistant.web.text import esc
from vectorstore.records import KINDS
from vectorstore.settings import Settings

FILE_TYPES = (".pdf", ".md", ".markdown", ".txt", ".text", ".html", ".htm", ".xhtml", ".docx")
MOST_FILES = 100  # of one request
_SCRIPT = """
window.thesisDocuments?.(element, () => trigger('changed', {}));
"""


@dataclass
class Documents:
    """What the tab is made of."""

    service: Service
    settings: Settings
    tab: Any = None
    frame: Any = None

    def show(self) -> None:
        """Make the tab."""
        with gr.Tab("Documents", id="documents", elem_id="tab-documents") as self.tab:
            self.frame = html(frame_html(), _SCRIPT, "documents-table")

    def connect(self, page: gr.Blocks, changed: dict[str, Any]) -> None:
        """Connect the events. ``changed``: what else is brought up to date when the base has changed."""
        self.frame.changed(**changed)


def frame_html() -> str:
    """Return the empty tab: it never changes, so that what the script puts in stays in."""
    return (
        '<section class="t-docs" id="documents-root" aria-label="Documents"><div class="t-docs-bar"><div id="find-documents" class="t-find">'
        '<label class="t-hidden" for="find-documents-text">Find documents</label>'
        '<input id="find-documents-text" type="search" maxlength="200" placeholder="Find by title, publisher, company, form…" '
        'autocomplete="off"></div><div data-part="filters" class="t-filters"></div><div data-part="admin"></div></div>'
        '<div data-part="adding"></div><div id="upload-result"></div>'
        '<p class="t-hidden" role="status" aria-live="polite" id="documents-said"></p>'
        '<div data-part="rows" class="t-docs-rows"><p class="t-dim">Loading…</p></div>'
        '<div class="t-veil" hidden><p>Drop to add to the base</p></div></section>'
    )


def adding_html(collections: Sequence[str], settings: Settings) -> str:
    """Return the button for files with what is said of all of them; "" for who may write nowhere."""
    if not collections:
        return ""
    types = ",".join(FILE_TYPES)
    options = "".join(
        f"<option{' selected' if name == settings.collection else ''}>{esc(name)}</option>" for name in collections
    )
    kinds = '<option value="">as it is found</option>' + "".join(f"<option>{kind}</option>" for kind in KINDS)
    return (
        f'<div class="t-add" data-limit-mb="{settings.file_limit_mb}" data-most="{MOST_FILES}" data-types="{types}">'
        '<button type="button" class="t-action t-primary" data-add>Add documents</button>'
        f'<span id="upload"><input type="file" multiple hidden tabindex="-1" aria-hidden="true" accept="{types}"></span>'
        '<span class="t-dim">or drop them anywhere here: PDF, Word, HTML, Markdown, text, up to '
        f"{settings.file_limit_mb} MB each</span>"
        '<details class="t-batch"><summary>For all that you add now</summary><div class="t-docfields">'
        f'<div class="t-docfield"><label for="add-collection">Collection</label><select class="t-select" id="add-collection" name="collection">{options}</select></div>'
        '<div class="t-docfield"><label for="add-publisher">Publisher</label><input id="add-publisher" name="publisher" type="text" maxlength="200" placeholder="as it is found"></div>'
        '<div class="t-docfield"><label for="add-published">Published</label><input id="add-published" name="published" type="date"></div>'
        f'<div class="t-docfield"><label for="add-kind">Kind</label><select class="t-select" id="add-kind" name="kind">{kinds}</select></div>'
        "</div></details></div>"
    )
