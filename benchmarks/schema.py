"""Write docs/schema/: the JSON Schemas of Answer and ToolResult, from the models that make them.

Run ``python -m benchmarks.schema`` after a change to assistant/models.py; a test compares the files with the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assistant.models import SCHEMA_VERSION, Answer, Record, ToolResult

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schema"
PUBLISHED: dict[str, type[Record]] = {"answer.schema.json": Answer, "toolresult.schema.json": ToolResult}


def schema(name: str, model: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what ``model`` prints, with its address and version."""
    made = model.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:thesis-assistant:{SCHEMA_VERSION}:{name}",
        "version": SCHEMA_VERSION,
        **made,
    }


def text(name: str, model: type[Record]) -> str:
    """Return the file's text."""
    return json.dumps(schema(name, model), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write each schema."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, model in PUBLISHED.items():
        (FOLDER / name).write_text(text(name, model), encoding="utf-8", newline="\n")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
