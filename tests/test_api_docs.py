"""The commands of docs/api.md work as they are written; its tables name what there is."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from api_server import Served, served_notes

from assistant.web.api.problems import KINDS
from vectorstore.settings import Settings

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
EXPECTED = [
    '{"status":"ready"}',
    '"status":"answered"',
    "event: answer",
    '"live":true',
    '"passages"',
    '"publisher":"Desk"',
    '"object":"chat.completion"',
    '"inputSchema"',
]


served = served_notes(rate_per_minute=600)


def test_the_commands_work(tmp_path: Path, served: Served) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
    assert len(blocks) == len(EXPECTED)
    for block, expected in zip(blocks, EXPECTED, strict=True):
        done = subprocess.run(
            ["bash", "-ec", block],
            env={**os.environ, "THESIS": served.url, "no_proxy": "*"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (block, done.stderr)
        assert expected in done.stdout.replace('": ', '":'), (block, done.stdout[:500])


@pytest.mark.parametrize("kind", ["bad_request", "settings", "not_signed_in", "store_full", "wrong_host", "unreadable"])
def test_kinds_are_those_there_are(kind: str) -> None:
    assert kind in KINDS
    assert f"`{kind}`" in TEXT


def test_defaults_are_those_of_the_settings() -> None:
    named = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", TEXT, re.M))
    own = {f.name: f.default for f in fields(Settings)}
    assert set(named) == {
        "request_limit_kb",
        "rate_per_minute",
        "concurrent_answers",
        "concurrent_per_user",
        "cors_origins",
        "allowed_hosts",
    }
    assert {name: str(own[name]) if own[name] != () else "none" for name in named} == named
