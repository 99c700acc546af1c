"""The tab of documents: what is in the base, and what is added to or taken from it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.models import Failure
from assistant.service import Service
from assistant.web import base, handlers, render
from assistant.web.asking import user_of
from assistant.web.html import PRIVATE, html, sent_with
from assistant.web.ports import Moment
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
FILE_TYPES = [".pdf", ".md", ".markdown", ".txt", ".html", ".htm", ".docx"]

_REMOVES = """
element.addEventListener('click', (event) => {
  const hit = event.target.closest('[data-remove]');
  if (hit && window.confirm('Remove ' + hit.dataset.name + ' from the base?')) trigger('remove', {id: hit.dataset.remove});
});
"""


@dataclass
class Documents:
    """What the tab is made of."""

    service: Service
    settings: Settings
    tab: Any = None
    files: Any = None
    outcome: Any = None
    needle: Any = None
    listed: Any = None

    def show(self) -> None:
        """Make the tab."""
        with gr.Tab("Documents", id="documents", elem_id="tab-documents") as self.tab:
            self.files = gr.File(
                label="Add documents: PDF, Markdown, text, HTML, DOCX",
                file_count="multiple",
                file_types=FILE_TYPES,
                height=130,
                elem_id="upload",
            )
            # Gradio's own example is a file on a public site, named in the page's text.
            self.files.example_payload = self.files.example_value = lambda: None
            self.outcome = html("", None, "upload-result")
            self.needle = gr.Textbox(
                label="Find",
                show_label=False,
                container=False,
                placeholder="Find by title, publisher, company, form…",
                elem_id="find-documents",
            )
            self.listed = html("", _REMOVES, "documents-table")

    def connect(self, page: gr.Blocks, changed: dict[str, Any]) -> None:
        """Connect the events. ``changed``: what else is brought up to date when the base has changed."""
        refreshing: dict[str, Any] = {
            "fn": self.refresh, "inputs": self.needle, "outputs": [self.listed, self.files], **PRIVATE,
        }  # fmt: skip
        page.load(**refreshing)
        self.tab.select(**refreshing)
        self.needle.change(trigger_mode="always_last", **refreshing)
        self.files.upload(
            self.add,
            self.files,
            [self.outcome, self.files],
            api_visibility="private",
            show_progress_on=self.outcome,
            concurrency_id="ingest",
            concurrency_limit=1,
        ).then(**refreshing).then(**changed)
        self.listed.remove(self.remove, None, self.outcome, **PRIVATE).then(**refreshing).then(**changed)

    def refresh(self, request: gr.Request, text: str) -> dict[Any, Any]:
        user = user_of(request)
        return {
            self.listed: base.table(self.service.sources(user), text or "", changes=user.may("write")),
            self.files: gr.File(visible=user.may("write")),
        }

    def add(
        self,
        request: gr.Request,
        names: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict[Any, Any]:
        if not names:
            return {self.outcome: gr.skip()}

        def tell(moment: Moment) -> None:
            said = f"{moment.current} · {moment.chunks} chunks" if moment.current else "Reading"
            progress((moment.files_done, max(1, moment.files_total)), desc=said, unit="files")

        try:
            report = handlers.upload(self.service, user_of(request), names, tell)
        except ThesisError as error:
            report = render.failure_html(handlers.failure(error))
        except Exception:
            log.exception("an upload failed")
            report = render.failure_html(
                Failure(
                    kind="internal",
                    message="The upload failed because of a fault in the program.",
                    what_to_do="Try again; the log of the server names the fault.",
                )
            )
        return {self.outcome: report, self.files: None}

    def remove(self, request: gr.Request, event: gr.EventData) -> str:
        try:
            handlers.remove(self.service, user_of(request), str(sent_with(event).get("id")))
        except ThesisError as error:
            return render.failure_html(handlers.failure(error))
        return ""
