"""What somebody says of a document that is in: at once, for good, whole after any fault; and reading one again."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pdfmaker import make_pdf
from store_fakes import CountingEmbedder

import app
from assistant.access import LOCAL, User
from assistant.assistant import Assistant
from assistant.cli import Wiring, run
from assistant.records import Records
from assistant.service import Service
from ingest.amending import checked
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore.chroma import VectorIndex
from vectorstore.embedding import Embedder
from vectorstore.errors import Forbidden, NotFound, ReadError, SettingsError, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Filters, Origin
from vectorstore.settings import Settings
from vectorstore.store import Store

NOTE = """---
title: Quay traffic
publisher: Harbour Desk
date: 2024-03-14
company: Marlin Works
---

# Quay traffic

Dredging at the quay of Calder Bay cost 84 million dollars last year.

Ferry traffic rose by nine percent in the same months.
"""


@pytest.fixture
def base(tmp_path: Path, embedder: Embedder, model_cache: Path) -> Iterator[Ingestor]:
    settings = Settings(store=str(tmp_path / "store"), cache=str(model_cache), workers=1, knowledge="")
    with (
        Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        yield ingestor


@pytest.fixture
def note(base: Ingestor, tmp_path: Path) -> str:
    (tmp_path / "quay.md").write_text(NOTE, encoding="utf-8")
    assert base.ingest([str(tmp_path / "quay.md")]).added == 1
    return base.store.sources()[0].document_id


def origin(base: Ingestor, name: str, field: str) -> str | None:
    info = base.store.info(name)
    found = info.metadata.origin(field) if info else None
    return found and found.source


def test_what_is_said_counts_at_once_and_everything_else_stays(base: Ingestor, note: str) -> None:
    before = base.store.info(note)
    chunks = base.store.chunks(note)
    assert before is not None
    said = {"date": "3 May 2024", "publisher": "Tide Research", "kind": "article", "authors": "Ann Poe; Bo Li"}
    done = base.amend(note, said)
    assert done.changed == ("publisher", "authors", "published", "kind")
    now = base.store.info(note)
    assert now is not None
    meta = now.metadata
    assert (meta.published, meta.publisher, meta.kind) == ("2024-05-03", "Tide Research", "article")
    assert meta.authors == ("Ann Poe", "Bo Li")
    assert {o.field for o in meta.origins if o.source == "user"} == {"published", "publisher", "kind", "authors"}
    assert replace(now, metadata=before.metadata) == before  # state, version, times, counts
    assert base.store.chunks(note) == chunks
    assert base.store.document(note).metadata == meta
    # Filters and the point in time follow; no vector was made anew, since no header changed.
    assert base.store.count(Filters(publisher=("tide research",), kind=("article",))) == 1
    assert base.store.count(Filters(publisher=("Harbour Desk",))) == 0
    assert base.store.search("dredging", k=5, filters=Filters(as_of="2024-04-01")) == []
    assert base.store.search("dredging", k=5, filters=Filters(as_of="2024-05-03"))[0].metadata == meta
    assert base.store.verify() == []
    assert base.amend(note, dict(reversed(said.items()))).changed == ()
    assert base.store.info(note) is now


def test_a_new_company_and_period_are_embedded_again_and_found_by_words(base: Ingestor, note: str) -> None:
    vectors = base.store._ledger.vectors(base.store.embedder.fingerprint, note)[2].copy()
    done = base.amend(note, {"company": "Zorvane Holdings", "period": "fy 2023", "ticker": "zrv"}, embed=False)
    assert done.changed == ("company", "ticker", "fiscal_period")
    info = base.store.info(note)
    assert info is not None
    assert (info.metadata.fiscal_period, info.metadata.ticker) == ("FY2023", "ZRV")
    assert base.store.search_keyword("Zorvane", k=3)
    assert not base.store.search_keyword("Marlin", k=3)
    base.close()  # ends when it is stopped, or all vectors are made
    while base.store.embed_next():
        pass
    assert base.store.verify() == []
    _, roles, now = base.store._ledger.vectors(base.store.embedder.fingerprint, note)
    # What is no evidence has no header.
    assert ((now == vectors).all(axis=1) == (roles != "body")).all()
    assert {i.state for i in base.store.sources()} == {"indexed"}


def test_older_vectors_answer_until_the_new_ones_are_made(tmp_path: Path, make_document: Any) -> None:
    item = make_document("Backlog fell.\n\nOrders rose.", company="Marlin")
    name = item.document.document_id
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="1") as store:
        store.upsert_many([item])
        assert store.amend(name, lambda m: replace(m, company="Zorvane"))
        assert [w.document_id for w in store.waiting()] == [name]
        assert store.sources()[0].state == "chunked"
        for filters in (Filters(), Filters(company=("Zorvane",))):
            assert len(store.search_dense("backlog", k=5, filters=filters)) == 2
        assert store.search_dense("backlog", k=5, filters=Filters(company=("Marlin",))) == []
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="1") as store:
        assert store.verify() == [f"{item.document.path}: 2 chunks wait for their vectors; words find them already."]
        while store.embed_next():
            pass
        assert store.verify() == []


def test_a_batch_that_is_embedded_meanwhile_is_not_taken_for_the_new_header(tmp_path: Path, make_document: Any) -> None:
    item = make_document("Backlog fell.", company="Marlin")
    name = item.document.document_id

    class Late(CountingEmbedder):
        store: Store | None = None

        def encode(self, texts: Any) -> Any:
            if self.store is not None and self.store.waiting():
                store, self.store = self.store, None
                store.amend(name, lambda m: replace(m, company="Zorvane"))
            return super().encode(texts)

    late = Late()
    with Store.open(tmp_path, embedder=late, chunker_version="1") as store:
        store.put_many([item])
        late.store = store
        while store.embed_next():
            pass
        assert late.encoded[-1] == "Zorvane\nBacklog fell."
        assert store.verify() == []


def test_it_stays_said_when_the_document_is_read_again_or_changes(base: Ingestor, note: str, tmp_path: Path) -> None:
    base.amend(note, {"publisher": "Tide Research", "company": ""})
    info = base.store.info(note)
    assert info is not None
    assert info.metadata.company is None
    assert origin(base, note, "company") == "user"
    assert base.reingest(note).files[0].outcome == "unchanged"
    (tmp_path / "quay.md").write_text(NOTE.replace("84 million", "85 million"), encoding="utf-8")
    assert base.ingest([str(tmp_path / "quay.md")]).updated == 1
    now = base.store.info(note)
    assert now is not None
    assert now.version != info.version
    assert (now.metadata.publisher, now.metadata.company, now.metadata.title) == ("Tide Research", None, "Quay traffic")
    assert base.ingest([str(tmp_path / "quay.md")]).unchanged == 1


def test_what_was_said_can_be_taken_back(base: Ingestor, note: str) -> None:
    found = base.store.document(note)
    base.amend(note, {"publisher": "Tide Research", "company": "", "title": "Mine"})
    done = base.amend(note, {"publisher": None, "company": None, "title": "Ours", "form": None})
    assert done.changed == ("title", "publisher", "company")
    now = base.store.document(note)
    assert (now.metadata.publisher, now.metadata.company, now.metadata.title) == (
        "Harbour Desk",
        "Marlin Works",
        "Ours",
    )
    assert origin(base, note, "publisher") == "front_matter"
    assert base.amend(note, {"title": None}).changed == ("title",)
    assert base.store.document(note) == found
    assert base.store.verify() == []


def test_a_form_that_amends_another_is_told_and_taken_back(base: Ingestor, note: str) -> None:
    base.amend(note, {"form": "10-K/A"})
    assert base.store.document(note).metadata.extra["supersedes"] == "10-K"
    base.amend(note, {"form": "10-K"})
    assert "supersedes" not in base.store.document(note).metadata.extra


def test_the_assistant_cites_what_is_said_now(base: Ingestor, note: str) -> None:
    assistant = Assistant(base.store, base.settings)
    question = "What did dredging at Calder Bay cost?"
    assert assistant.ask(question).citations[0].publisher == "Harbour Desk"
    base.amend(note, {"publisher": "Tide Research", "date": "2024-06-01"})
    cited = assistant.ask(question).citations[0]
    assert (cited.publisher, cited.published) == ("Tide Research", "2024-06-01")
    assert base.store.document(note).text[cited.start : cited.end] == cited.quote
    assert assistant.ask(question, as_of="2024-05-31").citations == ()
    assistant.release()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"titel": "x"}, "'titel' is no field of a document"),
        ({"date": "soon"}, "published = 'soon' is not a date, YYYY-MM-DD"),
        ({"published": "2023-02-30"}, "published = '2023-02-30' is not a date"),
        ({"kind": "essay"}, "kind = 'essay' is not one of note"),
        ({"kind": ""}, "kind is empty"),
        ({"period": "last year"}, "fiscal_period = 'last year' is no fiscal period"),
        ({"ticker": "A B"}, "ticker = 'A B' is no ticker"),
        ({"url": "javascript:alert(1)"}, "is no address"),
        ({"title": "a\nb"}, "title holds a line break"),
        ({"title": "x" * 1001}, "title has 1001 characters"),
        ({"period": "FY2023", "fiscal_period": "FY2022"}, "fiscal_period is given twice"),
        ({"authors": ";"}, "authors = ';' is not a name"),
    ],
)
def test_a_wrong_value_is_named(fields: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        checked(fields)
    assert told in caught.value.message
    assert caught.value.what_to_do


def test_values_are_kept_in_one_form() -> None:
    assert checked({"Period": "q3 2023", "Symbol": "brk.b", "link": "https://x.test/a", "author": "", "kind": None}) == {
        "fiscal_period": "Q3 2023", "ticker": "BRK.B", "url": "https://x.test/a", "authors": "", "kind": None,
    }  # fmt: skip
    assert checked({"period": "2023"}) == {"fiscal_period": "FY2023"}
    assert checked({"period": "Q1 FY2023"}) == {"fiscal_period": "Q1 2023"}


# Faults


class PowerCut(BaseException):
    """No handler of ours catches it by name."""


def break_at(patch: pytest.MonkeyPatch, owner: type, name: str, when: str, error: BaseException) -> None:
    real = getattr(owner, name)

    def broken(self: object, *arguments: object, **named: object) -> object:
        if when == "after":
            real(self, *arguments, **named)
        raise error

    patch.setattr(owner, name, broken)


STEPS = [
    (Ledger, "mark", "before"),
    (Ledger, "mark", "after"),
    (Ledger, "amend", "before"),
    (Ledger, "amend", "after"),  # inside the transaction: still undone
    (KeywordIndex, "replace", "before"),
    (KeywordIndex, "replace", "after"),
    (Ledger, "settle", "before"),
    (Ledger, "settle", "after"),
    (Ledger, "keep_vectors", "before"),
    (Ledger, "embedded", "before"),
    (Ledger, "embedded", "after"),
    (VectorIndex, "add", "before"),
    (VectorIndex, "add", "after"),
    (Ledger, "indexed", "before"),
]
COMMITTED = 4


@pytest.mark.parametrize("error", [PowerCut(), StoreError("disk full")], ids=["power", "disk"])
@pytest.mark.parametrize(("owner", "name", "when"), STEPS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_fault_at_any_step_leaves_the_old_or_the_new(
    tmp_path: Path, make_document: Any, owner: type, name: str, when: str, error: BaseException
) -> None:
    item = make_document("Backlog fell.\n\nOrders rose.", company="Marlin", published="2024-01-01")
    document = item.document.document_id
    change = lambda m: replace(m, company="Zorvane", published="2024-02-02")  # noqa: E731
    store = Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="1")
    store.upsert_many([item])
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, owner, name, when, error)
        with contextlib.suppress(PowerCut, StoreError):
            store.amend(document, change)
            for one in store.embed_next():
                assert one.error in (None, error)
    if isinstance(error, PowerCut):
        store._lock.release()  # as a process that is killed leaves it: nothing is closed
    else:
        store.close()
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="1") as again:
        done = STEPS.index((owner, name, when)) >= COMMITTED
        company = "Zorvane" if done else "Marlin"
        assert all("wait for their vectors" in problem for problem in again.verify())
        info = again.info(document)
        assert info is not None
        assert info.metadata.company == again.document(document).metadata.company == company
        for filters in (Filters(), Filters(company=(company,))):
            assert len(again.search("backlog orders", k=5, filters=filters)) == 2
        assert bool(again.search_keyword("Zorvane", k=5)) is done
        again.amend(document, change)
        while again.embed_next():
            pass
        assert again.verify() == []
        assert again.search_keyword("Zorvane", k=5)
    store.close()


def test_it_is_said_while_the_document_is_being_read(base: Ingestor, note: str, tmp_path: Path) -> None:
    """The run had read what was said before; what is said in between is not lost."""
    (tmp_path / "quay.md").write_text(NOTE + "\nOne more sentence.\n", encoding="utf-8")
    real, said = base.store.put_many, []

    def late(items: Any) -> None:
        real(items)
        said.append([item.document.metadata.publisher for item in items])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base.store, "put_many", late)
        alone = base.store.alone
        patch.setattr(
            base.store, "alone", lambda: (base.store.amend(note, lambda m: replace(
                m, publisher="Tide Research", origins=(*(o for o in m.origins if o.field != "publisher"), Origin("publisher", "user"))
            )), alone())[1],
        )  # fmt: skip
        assert base.ingest([str(tmp_path / "quay.md")]).updated == 1
    assert said == [["Tide Research"]]
    assert origin(base, note, "publisher") == "user"


# Reading again


def test_a_document_is_read_again_from_its_file(base: Ingestor, note: str, tmp_path: Path) -> None:
    report = base.reingest(note)
    assert [(f.outcome, f.document_id) for f in report.files] == [("unchanged", note)]
    assert {i.state for i in base.store.sources()} == {"indexed"}
    (tmp_path / "quay.md").write_text(NOTE + "\nOne more.\n", encoding="utf-8")
    assert base.reingest(note).updated == 1
    assert [v.replaced_at is None for v in base.store.versions(note)] == [False, True]
    (tmp_path / "quay.md").unlink()
    info = base.store.info(note)
    assert info is not None
    assert "its file is gone, and no copy of it is kept" in base.readable_again(info)
    with pytest.raises(ReadError, match="its file is gone"):
        base.reingest(note)
    with pytest.raises(ReadError, match="its file is gone"):
        base.amend(note, {"title": "x"}) and base.amend(note, {"title": None})
    assert base.store.verify() == []


def test_what_another_program_cut_is_cut_anew(base: Ingestor, note: str) -> None:
    """Chunks that differ from what reading makes now are exchanged, under the same version."""
    document, chunks = base.store.document(note), base.store.chunks(note)

    base.store.upsert(document, chunks[:1])
    assert base.reingest(note).updated == 1
    assert base.store.chunks(note) == chunks
    assert base.store.verify() == []


def test_of_uploads_the_kept_copy_of_a_pdf_is_read_again(base: Ingestor, tmp_path: Path) -> None:
    pdf, text = tmp_path / "a", tmp_path / "b"
    pdf.write_bytes(make_pdf(["Quay traffic rose by nine percent in the year."]))
    text.write_text("Ferry traffic fell.", encoding="utf-8")
    report = base.ingest_uploads([("quay.pdf", pdf), ("ferry.txt", text), ("..", text)])
    assert [(f.outcome, Path(f.path).name) for f in report.files] == [
        ("added", "quay.pdf"), ("added", "ferry.txt"), ("failed", ".."),
    ]  # fmt: skip
    pdf.unlink()
    text.unlink()
    by_path = {info.path: info for info in base.store.sources()}
    quay, ferry = by_path["upload:/quay.pdf"], by_path["upload:/ferry.txt"]
    assert base.reingest(quay.document_id).unchanged == 1
    base.amend(quay.document_id, {"title": "Mine"})
    assert base.amend(quay.document_id, {"title": None}).changed == ("title",)
    with pytest.raises(ReadError, match="of uploads only the copies of PDFs are kept") as caught:
        base.reingest(ferry.document_id)
    assert "Upload the file again" in caught.value.what_to_do


def test_a_stopped_upload_leaves_what_was_in_and_nothing_half(base: Ingestor, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    files = []
    for number in range(30):
        file = tmp_path / f"{number}.txt"
        file.write_text(f"Ferry {number} sailed. " * 200, encoding="utf-8")
        files.append((file.name, file))

    def progress(moment: Any) -> None:
        if any(info.version for info in base.store.sources()):
            raise Stop

    with pytest.raises(Stop):
        base.ingest_uploads(files, progress=progress)
    left = base.store.sources()
    assert 0 < len(left) < 30
    assert all(info.version for info in left)
    assert all("wait for their vectors" in problem for problem in base.store.verify())
    assert not base.busy


# Who may, and what is kept of it


@pytest.fixture
def service(base: Ingestor) -> Iterator[Service]:
    class Only:
        """One collection is open to all, the other to its editors."""

        def readable(self, user: User) -> frozenset[str] | None:
            return None if user.role == "admin" else frozenset({"default", *user.groups})

        def writable(self, user: User, collection: str) -> bool:
            return user.role == "admin" or collection in user.groups

    with Records.opened(base.settings, base.store.root) as records:
        yield Service(Assistant(base.store, base.settings), base, base.settings, records=records, rules=Only())


def test_rights_are_those_of_removing(service: Service, base: Ingestor, note: str, tmp_path: Path) -> None:
    (tmp_path / "deal.md").write_text(NOTE.replace("quay", "deal"), encoding="utf-8")
    base.ingest([str(tmp_path / "deal.md")], collection="deals")
    deal = next(i.document_id for i in base.store.sources() if i.collection == "deals")
    reader, editor = User("rob"), User("eve", "editor", ("deals",))
    for change in (
        lambda user, name: service.amend(user, name, {"title": "x"}),
        service.reingest,
        service.remove,
    ):
        with pytest.raises(Forbidden, match="may not use this"):
            change(reader, note)
        with pytest.raises(NotFound) as hidden:
            change(User("bob", "editor"), deal)
        with pytest.raises(NotFound) as nowhere:
            change(User("bob", "editor"), "0" * 24)
        assert str(hidden.value).replace(deal, "") == str(nowhere.value).replace("0" * 24, "")
        with pytest.raises(Forbidden, match="'default'"):
            change(editor, note)
    assert service.amend(editor, deal, {"title": "Deal"}) == ("title",)
    assert service.reingest(editor, deal).unchanged == 1


def test_the_audit_has_what_was_said(service: Service, note: str) -> None:
    with pytest.raises(SettingsError):
        service.amend(LOCAL, note, {"date": "soon"})
    service.amend(LOCAL, note, {"date": "2024-05-03", "publisher": None})
    service.reingest(LOCAL, note)
    from assistant.records import audit

    records: Any = service.records()
    with records._database.read() as connection:
        rows = [(row.kind, audit.payload_of(connection, row.seq)) for row in audit.rows(connection)]
    assert [kind for kind, _ in rows] == ["document_amend", "document_reingest", "document_reingested"]
    told = rows[0][1]
    assert told is not None
    assert (told["document_id"], told["before"], told["fields"]) == (
        note, {"published": "2024-03-14", "publisher": "Harbour Desk"}, {"published": "2024-05-03", "publisher": None},
    )  # fmt: skip


# The command line


def test_at_a_shell_and_through_a_running_process(
    tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")

    def thesis(*arguments: str) -> tuple[int, Any]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
        code = run([*arguments, "--store", str(tmp_path / "store"), "--json"], wiring, out=out)
        return code, json.loads(out.getvalue())

    def failed(*arguments: str) -> tuple[int, str]:
        code, found = thesis(*arguments)
        assert found["error"]["what_to_do"]
        return code, found["error"]["kind"]

    file = tmp_path / "quay.md"
    file.write_text(NOTE, encoding="utf-8")
    assert thesis("ingest", str(file))[0] == 0
    name = thesis("sources")[1]["sources"][0]["document_id"]
    done = thesis("amend", name[:8], "date=2024-05-03", "company=")
    assert done == (0, {"document_id": name, "changed": ["published", "company"]})
    assert thesis("sources")[1]["sources"][0]["published"] == "2024-05-03"
    assert thesis("amend", name, "--found", "date")[1]["changed"] == ["published"]
    for wrong in ([], ["title"], ["date=soon"], ["a=1", "a=2"], ["date=2024-01-01", "--found", "date"]):
        assert failed("amend", name, *wrong) == (2, "settings"), wrong
    assert failed("amend", "nowhere", "title=x") == (1, "not_found")
    assert thesis("reingest", str(file))[1]["unchanged"] == 1
    settings = Settings(store=str(tmp_path / "store"), cache=str(model_cache), workers=1)
    with app.open_ingestor(settings) as ingestor:
        assert thesis("amend", name, "title=Handed over")[1]["changed"] == ["title"]
        assert ingestor.store.sources()[0].metadata.title == "Handed over"  # type: ignore[attr-defined]
        assert thesis("reingest", name)[1]["files"][0]["outcome"] == "unchanged"
    file.unlink()
    assert failed("reingest", name) == (1, "unreadable")
