"""The labelled claims: their format, and how they find their place again; no corpus is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import claims_data
from vectorstore.records import sha256

ARTICLE = "# On small caps\n\nMore than 35% of small caps are unprofitable.\n\nWe think the return on assets of small caps will reach 9% by 2027.\n"


def test_the_shipped_labels_name_places_and_hold_no_text() -> None:
    rows = claims_data.labels()
    assert len(rows) >= 95
    assert {r.verdict for r in rows} == set(claims_data.VERDICTS)
    assert all(r.note for r in rows if r.verdict != "right")
    assert len({(r.file_sha256, r.sentence_sha256, r.at) for r in rows}) == len(rows)
    assert len({r.file_sha256 for r in rows if r.whole}) == 2


def test_precision_and_recall_are_counted_by_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text(ARTICLE, encoding="utf-8")
    ((key, document),) = claims_data.documents(tmp_path)
    first, second = claims_data.claims_of(document)
    places = [claims_data.place(first), claims_data.place(second), (sha256(b"x"), 3)]
    verdicts = ("right", "wrong", "missed")
    rows = [
        {"file_sha256": key, "sentence_sha256": s, "at": at, "verdict": v, "whole": True}
        for (s, at), v in zip(places, verdicts, strict=True)
    ]
    file = tmp_path / "claims.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(claims_data, "labels", lambda path=file: read(path))
    assert claims_data.main(["--corpus", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "precision 1/2 = 0.500" in out
    assert "recall in files read in full 1/2 = 0.500" in out
    rows[0]["at"] = 999
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert claims_data.main(["--corpus", str(tmp_path)]) == 1


read = claims_data.labels


def test_a_row_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    file.write_text('{"file_sha256": "a"}\n')
    with pytest.raises(ValueError, match=r"claims\.jsonl:1"):
        read(file)
    file.write_text(json.dumps({"file_sha256": "a", "sentence_sha256": "b", "at": 1, "verdict": "maybe"}) + "\n")
    with pytest.raises(ValueError, match="verdict"):
        read(file)
