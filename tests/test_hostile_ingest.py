"""A folder of files made to do harm, ingested whole: each fails by name or reads, the others go in, nothing is left over."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.progress import printable
from tests import hostile_files as hostile
from tests.test_pipeline import NOTE, SETTINGS, open_store, run

ALIASES = "".join(f"a{k}: &{k} [{', '.join([f'*{k - 1}'] * 10) if k else 'x'}]\n" for k in range(12))


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Return by name the bytes and a word of the error."""
    entities = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return {
        "bomb.docx": (hostile.word(hostile.PARAGRAPH * 300_000), "zip bomb"),
        "liar.docx": (hostile.lying_word(hostile.word_xml("<w:p/>" * 200_000), 5000), "more than it says"),
        "laughs.docx": (hostile.word_with({"word/document.xml": hostile.word_xml("&b;", entities)}), "entities"),
        "forms.pdf": (hostile.form_pdf(12, 10), "memory"),
        "content.pdf": (hostile.packed_pdf(300), "memory"),
        "circle.pdf": (hostile.page_pdf().replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"), "no readable PDF"),
        "deep.html": (b"<html><body>" + b"<div>" * 300_000 + b"deep", "nests its elements too deeply"),
        "aliases.md": (f"---\n{ALIASES}---\nText.\n".encode(), "anchor or alias"),
        "runs\x1b[2J\u202e.md": (b'---\na: !!python/object/apply:os.system ["true"]\n---\nText.\n', "not valid YAML"),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux; other systems refuse such names")
def test_a_folder_of_traps_costs_its_traps_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    folder = tmp_path / "in"
    folder.mkdir()
    bad = bad_files()
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    good = {"first.md": NOTE.format(title="First", n=1), "zlast.txt": NOTE.format(title="Last", n=2)}
    for name, text in good.items():
        (folder / name).write_text(text)
    (folder / "spans.docx").write_bytes(
        hostile.word(
            f'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr>{hostile.PARAGRAPH}</w:tc></w:tr></w:tbl>'
        )
    )
    os.mkfifo(folder / "pipe.txt")
    (folder / "out.txt").symlink_to("/dev/zero")
    settings = replace(SETTINGS, file_memory_mb=220, file_timeout_s=300)
    with open_store(tmp_path / "store") as store:
        report = run(store, folder, settings=settings)
        assert report.added == len(good) + 1
        errors = {Path(f.path).name: f.error for f in report.failed}
        assert errors.keys() == bad.keys()
        for name, (_, word) in bad.items():
            assert word in errors[name], errors[name]
            assert printable(errors[name]).isprintable()
            assert len(errors[name]) < 1000
        assert {Path(s.path).name for s in report.skipped} == {"pipe.txt", "out.txt"}
        assert store.verify() == []
        assert {Path(i.path).name for i in store.sources() if i.version} == {*good, "spans.docx"}
    assert list(spare.iterdir()) == []
