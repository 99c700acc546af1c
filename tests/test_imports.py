"""Which code loads which: no package knows app, and short commands stay light."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("assistant", "ingest", "vectorstore", "prompts")
HEAVY = {
    "gradio",
    "fastapi",
    "fpdf",
    "fontTools",
    "mcp",
    "prometheus_client",
    "torch",
    "sentence_transformers",
    "transformers",
    "langchain",
    "langchain_core",
    "langgraph",
    "openai",
    "pypdf",
    "pypdfium2",
    "playwright",
}


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_no_package_imports_app_or_tests_or_benchmarks() -> None:
    assert len(modules()) > 50
    assert {str(p) for p in modules() if imported(p) & {"app", "tests", "benchmarks", "conftest"}} == set()


def test_the_records_need_the_standard_library_only() -> None:
    for name in ("vectorstore/records.py", "vectorstore/errors.py", "vectorstore/settings.py"):
        assert imported(ROOT / name) - {"vectorstore"} <= set(sys.stdlib_module_names)


def test_nothing_is_left_to_the_platform_that_only_one_has() -> None:
    assert {str(p) for p in modules() if imported(p) & {"fcntl", "msvcrt", "pwd", "grp", "termios"}} == set()


def loaded(code: str, **environ: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | environ,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "light"),
    [
        ("import app", {"chromadb", "numpy", "onnxruntime", "lxml"} | HEAVY),
        ("import assistant.models", {"chromadb", "numpy", "onnxruntime"} | HEAVY),
        ("import vectorstore.records", {"chromadb", "numpy", "pydantic"} | HEAVY),
        ("import assistant.assistant", HEAVY),
    ],
)
def test_an_import_stays_light(code: str, light: set[str]) -> None:
    assert loaded(code) & light == set()


def test_asking_loads_no_web_framework_and_no_torch(
    tmp_path: Path, knowledge_store: Callable[[Path], Path], model_cache: Path
) -> None:
    store = knowledge_store(tmp_path)
    code = (
        f"import app\nassert app.main(['ask', 'How many analysts follow a small cap?', '--store', {str(store)!r}]) == 0"
    )
    found = loaded(code, THESIS_CACHE=str(model_cache))
    assert "onnxruntime" in found
    assert found & HEAVY == set()
