"""The published JSON Schemas: what the models print, versioned, and strict about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from assistant.models import SCHEMA_VERSION, Answer, Metric, ToolResult
from benchmarks.schema import FOLDER, PUBLISHED, text


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def words(text: str) -> list[str]:
    return sorted(text.split())


def plain(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "answer_id": "a1",
        "question": "Q?",
        "standalone_question": "Q?",
        "status": "answered",
        "text": "Yes. [S1]",
    }
    return Answer(**fields).model_dump(mode="json") | changes


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_published_schema_is_that_of_the_models(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text(name, PUBLISHED[name]), (
        "write it again: python -m benchmarks.schema"
    )


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_it_is_a_schema_with_address_and_version(name: str) -> None:
    schema = read(name)
    Draft202012Validator.check_schema(schema)
    assert schema["version"] == SCHEMA_VERSION == "1.0"
    assert schema["$id"] == f"urn:thesis-assistant:1.0:{name}"


def test_the_answer_has_exactly_the_fields_of_the_contract() -> None:
    assert sorted(read("answer.schema.json")["required"]) == words(
        "schema_version answer_id mode question standalone_question status text claims citations tool_results passages as_of "
        "filters model prompt_sha embedding_fingerprint index_fingerprint timings_ms warnings error"
    )
    assert sorted(read("toolresult.schema.json")["required"]) == words(
        "tool arguments marker status metrics retrieved_at cached stale warnings error"
    )


def test_the_parts_have_exactly_the_fields_of_the_contract() -> None:
    parts = read("answer.schema.json")["$defs"]
    expected = {
        "Claim": "text start end markers verdict score reason numbers",
        "Number": "text value unit traced_to derivation",
        "Citation": "marker chunk_id document_id version title publisher published kind path url page start end quote",
        "Retrieved": "chunk_id document_id version title publisher published kind path page start end text score given",
        "Metric": "name subject value unit as_of period source source_url method formula inputs n coverage_pct",
        "Failure": "kind message what_to_do",
    }
    assert {name: sorted(parts[name]["required"]) for name in expected} == {
        name: words(fields) for name, fields in expected.items()
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "maybe"},
        {"mode": "guess"},
        {"more": 1},
        {"text": None},
        {"claims": [{"text": "Yes."}]},
        {"error": "broken"},
        {"timings_ms": {"total": "fast"}},
    ],
)
def test_what_breaks_the_contract_does_not_pass(changes: dict[str, Any]) -> None:
    validator = Draft202012Validator(read("answer.schema.json"))
    validator.validate(plain())
    with pytest.raises(ValidationError):
        validator.validate(plain(**changes))


def test_a_missing_field_does_not_pass() -> None:
    short = plain()
    del short["warnings"]
    with pytest.raises(ValidationError, match="'warnings' is a required property"):
        Draft202012Validator(read("answer.schema.json")).validate(short)


def test_a_tool_result_of_each_kind_passes() -> None:
    validator = Draft202012Validator(read("toolresult.schema.json"))
    metric = Metric(name="discount", subject="IWM", value=-12.5, unit="%", as_of="2025-06-30")
    validator.validate(ToolResult(tool="valuation", metrics=(metric,)).model_dump(mode="json"))
    validator.validate(ToolResult(tool="valuation", status="no_data", retrieved_at=None).model_dump(mode="json"))
    with pytest.raises(ValidationError):
        validator.validate(ToolResult(tool="valuation").model_dump(mode="json") | {"status": "fine"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_never_becomes_a_value(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Metric(name="discount", subject="IWM", value=value, unit="%", as_of="2025-06-30")
