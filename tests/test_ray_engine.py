"""`thesis ingest --engine ray` on a real Ray of this machine: the same store as from the plain engine, whatever is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pdfmaker import make_pdf

from ingest import _actors, pipeline, ray_engine, reading
from ingest._actors import Made, Unchanged, Whole, groups, row, value_of
from ingest.chunking import CHUNKER_VERSION
from ingest.progress import IngestReport, Progress
from ingest.reading import Asked
from ingest.sources import Item, find
from ingest.worker import Parsed
from vectorstore.embedding import Embedder
from vectorstore.errors import ReadError, SettingsError, StoreError
from vectorstore.settings import Settings
from vectorstore.store import Store, text_sha

TESTS = Path(__file__).resolve().parent
NOTE = "# {0}\n\nFreight rates for {0} rose {1} percent over the spring quarter.\n\nThe backlog of {0} reached {1} million."
FAULTS = "pipeline_faults:parse"


def make_files(folder: Path) -> Path:
    """Make 12 files, in the order of their names; the last two wait, and kill who reads them."""
    folder.mkdir()
    (folder / "deep").mkdir()
    for number, name in enumerate(
        ["alder.md", "birch.txt", "deep/cedar.md", "deep/elm.md", "y-waits.md", "z-kills-once.md"]
    ):
        (folder / name).write_text(NOTE.format(name, number + 11), encoding="utf-8")
    (folder / "page.html").write_text(
        "<html><title>Grid</title><h1>Grid</h1><p>Lead times fell to 47 weeks.</p></html>"
    )
    (folder / "deck.pdf").write_bytes(make_pdf("Margins of the mill improved to 14 percent.", "Capacity was sold out."))
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\nnothing that is one")
    (folder / "exit.txt").write_text("The process that reads this ends.")
    (folder / "large.txt").write_text("word " * 210_000)
    (folder / ".hidden.md").write_text("hidden")
    return folder


def compare(one: Store, other: Store) -> None:
    """Assert that two stores hold the same, vectors bit by bit."""
    assert one.index_fingerprint == other.index_fingerprint

    def known(store: Store) -> list[object]:
        return [replace(info, ingested_at="") for info in store.sources()]

    assert known(one) == known(other)
    for info in one.sources():
        if not info.version:
            continue
        name = info.document_id
        assert one.document(name) == other.document(name)
        assert one.chunks(name) == other.chunks(name)
        assert one.original(name) == other.original(name)
        (ids, roles, vectors), theirs = (s._ledger.vectors(s.embedder.fingerprint, name) for s in (one, other))
        assert (ids, roles.tolist()) == (theirs[0], theirs[1].tolist())
        assert vectors.shape == (len(one.chunks(name)), one.embedder.dimension)
        np.testing.assert_array_equal(vectors, theirs[2])
    for query in ("freight rates", "lead times of the grid", "margins of the mill"):
        for search in ("search", "search_dense", "search_keyword"):
            found = [[(p.chunk, p.score) for p in getattr(store, search)(query, k=5)] for store in (one, other)]
            assert found[0] == found[1]


# All that needs Ray: one ingest that is killed, and one that goes on from there


@dataclass
class Runs:
    """What the two runs left: stores of either engine, the reports, and which processes were killed."""

    files: Path
    settings: Settings
    plain: Store
    made: Store
    plain_report: IngestReport
    report: IngestReport
    before: int  # documents that the killed run left
    left: list[list[int]]  # processes of each run that were there after it
    killed: list[int]
    embedded_here: int
    folders: list[str]  # what Ray wrote that is left


SCRIPT = """
    import os, signal, sys
    sys.path[:0] = [{tests!r}]
    from dataclasses import replace
    from ingest import pipeline, reading
    from ingest.chunking import CHUNKER_VERSION
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings
    from vectorstore.store import Store
    reading.PARSE = {parse!r}
    settings = load_settings(overrides={{"store": {store!r}}})
    def progress(moment):
        if moment.files_done >= 3:
            os.kill(os.getpid(), signal.SIGKILL)
    with Store.open(settings.store, embedder=make_embedder(settings), chunker_version=CHUNKER_VERSION) as store:
        pipeline.ingest(store, [{files!r}], settings=settings, progress=progress)
"""


def _processes(mark: str, named: bytes = b"") -> list[int]:
    """Return the living processes that have ``mark`` in their environment, but for this one."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            ours = place.name.isdigit() and mark.encode() in (place / "environ").read_bytes()
            if ours and named in (place / "cmdline").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
        except OSError:  # it has ended
            continue
    return found


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Runs]:
    if not sys.platform.startswith("linux"):
        pytest.skip("processes are found in /proc")
    folder = tmp_path_factory.mktemp("ray")
    files = make_files(folder / "files")
    settings = Settings(
        store=str(folder / "made"),
        cache=str(model_cache),
        workers=2,
        file_limit_mb=1,
        ingest_engine="ray",
        knowledge="",
    )
    patch = pytest.MonkeyPatch()
    temporary = tempfile.mkdtemp(prefix="t", dir="/tmp")  # short: sockets lie there
    patch.setenv("TMPDIR", temporary)
    patch.setattr(tempfile, "tempdir", temporary)
    patch.setattr(reading, "PARSE", FAULTS)
    stores: list[Store] = []

    def opened(root: Path) -> Store:
        stores.append(Store.open(root, embedder=embedder, chunker_version=CHUNKER_VERSION))
        return stores[-1]

    try:
        go, once = files / "y-waits.md.go", files / "z-kills-once.md.once"
        go.touch()
        once.touch()
        plain = opened(folder / "plain")
        plain_report = pipeline.ingest(plain, [str(files)], settings=replace(settings, ingest_engine="plain"))
        go.unlink()
        once.unlink()

        mark = f"THESIS_TEST_RUN={os.getpid()}-killed"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("THESIS_")}
        given = {
            f"THESIS_{n.upper()}": str(getattr(settings, n))
            for n in ("cache", "workers", "file_limit_mb", "ingest_engine")
        }
        script = SCRIPT.format(tests=str(TESTS), parse=FAULTS, store=settings.store, files=str(files))
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env=environment | given | dict([mark.split("=", 1)]),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        _wait_for(lambda: not _processes(mark))
        left = [_processes(mark)]

        made = opened(Path(settings.store))
        before = sum(bool(info.version) for info in made.sources())
        mark = f"THESIS_TEST_RUN={os.getpid()}-again"
        patch.setenv(*mark.split("=", 1))
        killed: list[int] = []

        def progress(moment: Progress) -> None:
            """Once the last two files are being read, kill an embedder, and let them be read."""
            if not killed and (files / "y-waits.md.here").exists():
                killed.extend(_processes(mark, b"ray::MapWorker(MapBatches(Embedder"))
                for one in killed:
                    os.kill(one, signal.SIGKILL)
                if killed:
                    go.touch()

        (files / "y-waits.md.here").unlink()
        calls = 0
        encode = embedder.encode

        def counted(texts: list[str]) -> object:
            nonlocal calls
            calls += 1
            return encode(texts)

        patch.setattr(embedder, "encode", counted)
        report = pipeline.ingest(made, [str(files)], settings=settings, progress=progress)
        patch.setattr(embedder, "encode", encode)
        _wait_for(lambda: not _processes(mark))
        left.append(_processes(mark))
        yield Runs(
            files,
            settings,
            plain,
            made,
            plain_report,
            report,
            before,
            left,
            killed,
            calls,
            sorted(one.name for one in Path(temporary).iterdir()),
        )
    finally:
        patch.undo()
        shutil.rmtree(temporary, ignore_errors=True)
        for store in stores:
            store.close()


def test_a_killed_run_is_gone_on_with_and_nothing_is_lost_or_doubled(runs: Runs) -> None:
    assert 0 < runs.before < 8
    assert runs.killed
    assert (runs.files / "z-kills-once.md.once").exists()
    assert (runs.report.added, runs.report.unchanged) == (8 - runs.before, runs.before)
    assert runs.made.verify() == []
    assert runs.made.waiting() == []


def test_what_ray_made_is_what_the_plain_engine_makes(runs: Runs) -> None:
    compare(runs.made, runs.plain)
    assert runs.plain_report.added == 8
    assert runs.embedded_here == 0  # all vectors are those of the actors


def test_files_fail_alone_with_the_words_of_the_plain_engine(runs: Runs) -> None:
    def failures(report: IngestReport) -> list[tuple[str, str]]:
        return [(Path(one.path).name, one.error) for one in report.failed]

    assert [name for name, _ in failures(runs.report)] == ["damaged.pdf", "exit.txt", "large.txt"]
    assert failures(runs.report) == failures(runs.plain_report)
    assert (runs.files / ".hidden.md").as_posix() in [one.path for one in runs.report.skipped]


def test_the_plain_engine_finds_nothing_left_to_do(runs: Runs) -> None:
    report = pipeline.ingest(runs.made, [str(runs.files)], settings=replace(runs.settings, ingest_engine="plain"))
    assert (report.added, report.updated, report.unchanged, len(report.failed)) == (0, 0, 8, 3)


def test_no_process_of_ray_outlives_a_run_whatever_ends_it(runs: Runs) -> None:
    assert runs.left == [[], []]
    assert [name for name in runs.folders if name.startswith("thesis-ray-")] == []


# What needs no cluster


@pytest.fixture
def settings(tmp_path: Path, model_cache: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), cache=str(model_cache), ingest_engine="ray", workers=1, knowledge="")


@pytest.fixture
def store(settings: Settings, embedder: Embedder) -> Iterator[Store]:
    with Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as opened:
        yield opened


@pytest.fixture
def note(tmp_path: Path) -> Path:
    file = tmp_path / "note.md"
    file.write_text(NOTE.format("rail", 12))
    return file


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1"),
        ("ray://127.0.0.1:10001", "is no address of a Ray cluster"),
        ("nowhere", "is no address of a Ray cluster"),
    ],
)
def test_a_wrong_address_is_an_error_that_names_it(
    store: Store, settings: Settings, note: Path, address: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        pipeline.ingest(store, [str(note)], settings=replace(settings, ray_address=address))
    assert [(info.path, info.state) for info in store.sources()] == []


def test_a_missing_extra_is_named(
    store: Store, settings: Settings, note: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "ray.py").write_text("raise ImportError('not here')")
    monkeypatch.syspath_prepend(str(tmp_path / "none"))
    with pytest.raises(SettingsError) as caught:
        pipeline.ingest(store, [str(note)], settings=settings)
    assert "pip install 'thesis-assistant[ray]'" in caught.value.what_to_do


def test_an_unknown_engine_is_a_wrong_setting(store: Store, settings: Settings, note: Path) -> None:
    with pytest.raises(SettingsError, match="ingest_engine = 'spark' is unknown"):
        pipeline.ingest(store, [str(note)], settings=replace(settings, ingest_engine="spark"))


def test_uploads_are_read_by_this_machine(store: Store, settings: Settings, note: Path) -> None:
    item = Item("upload:/note.md", "note.md", note, note.stat().st_size)
    assert pipeline.ingest_items(store, [item], settings=settings).added == 1


def test_a_process_that_dies_is_an_error_with_its_last_words(
    store: Store, settings: Settings, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "_BOOT", "import sys; sys.exit('the cluster is gone')")
    with pytest.raises(StoreError, match=r"has ended \(the cluster is gone\)"):
        pipeline.ingest(store, [str(note)], settings=settings)


def test_no_secret_goes_to_a_cluster() -> None:
    own = Settings(webhook_secret="s3cret", ledger="postgresql://kim:s3cret@host/base", file_limit_mb=7, store="/base")
    sent = ray_engine._sent(own)
    assert sent == Settings(file_limit_mb=7)


def test_files_are_cut_into_groups_by_number_and_size() -> None:
    def cut(sizes: list[int], cores: int) -> list[list[int]]:
        asked = [Asked(Item(f"/{n}", str(n), None, size), "default") for n, size in enumerate(sizes)]
        return [[place for place, _ in group] for group in groups(asked, cores)]

    assert cut([1, 1, 1], 2) == [[0], [1], [2]]
    assert cut([1] * 18, 2) == [[n, n + 1] for n in range(0, 18, 2)]
    assert [len(group) for group in cut([1000] * 200, 1)] == [16] * 12 + [8]
    assert cut([3_000_000, 10, 10, 3_000_000] + [10] * 8, 1)[:4] == [[0], [1, 2], [3], [4, 5, 6]]


def test_actors_make_what_the_store_makes_part_by_part(
    embedder: Embedder, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_actors, "PART", 2)
    file = tmp_path / "long.md"
    file.write_text(
        "\n\n".join(f"# Part {n}\n\n" + f"Rates of line {n} rose by {n} percent in spring. " * 30 for n in range(9))
    )
    (item,) = find([str(file)]).items
    reader = _actors.Reader(settings, reading.PARSE)
    missing = replace(item, path="/none.md", file=tmp_path / "none.md")
    batch = row(0, [(5, Asked(item, "default")), (6, Asked(missing, "default"))])
    rows = list(reader(batch))
    values = [value_of(one["body"][0]) for one in rows]
    assert [int(one["place"][0]) for one in rows] == [5] * (len(rows) - 1) + [6]
    whole = values[0]
    assert isinstance(whole, Whole)
    assert isinstance(whole.parsed, Parsed)
    chunks = whole.parsed.chunks
    assert whole.parts == len(rows) - 2 == -(-len(chunks) // 2) > 1
    assert tuple(chunk for part in values[1:-1] for chunk in part.chunks) == chunks
    assert isinstance(values[-1], ReadError | OSError)

    model = _actors.Embedder(settings, embedder.fingerprint)
    together = {"place": np.concatenate([r["place"] for r in rows]), "body": np.concatenate([r["body"] for r in rows])}
    made = [value_of(one["body"][0]) for one in model(together)]
    vectors = {sha: v for one in made if isinstance(one, Made) for sha, v in zip(one.shas, one.vectors, strict=True)}
    texts = _actors.embedded_texts(embedder, whole.parsed.document.metadata, chunks)
    assert set(vectors) == {text_sha(text) for text in texts}
    np.testing.assert_array_equal(np.stack([vectors[text_sha(t)] for t in texts]), embedder.encode(texts))

    same = Asked(item, "default", version=whole.parsed.document.version, settled=True)
    assert [value_of(one["body"][0]) for one in reader(row(0, [(0, same)]))] == [Unchanged()]
    (other,) = [value_of(one["body"][0]) for one in _actors.Embedder(settings, "another")(row(0, values[1]))]
    assert "another" in str(other.error)
    reader._worker.close()
    reader._worker.release()


def test_vectors_of_another_form_are_not_kept(store: Store, embedder: Embedder) -> None:
    unit = np.zeros((1, embedder.dimension), np.float32)
    unit[0, 0] = 1
    store.keep_vectors(embedder.fingerprint, ["a" * 64], unit)
    for vectors in (
        unit * 2,
        unit[:, :7],
        unit.astype(np.float64),
        unit * np.float32("nan"),
        np.concatenate([unit, unit]),
    ):
        with pytest.raises(StoreError, match="not the model's"):
            store.keep_vectors(embedder.fingerprint, ["b" * 64], vectors)
    with pytest.raises(StoreError, match="Vectors were made with another"):
        store.keep_vectors("another", ["b" * 64], unit)
