"""/api/v1 over real HTTP, with a real base, real records and a real ingest."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import ADMIN, ASKER, EDITOR, READER, Served, bearer, served_notes
from pdfmaker import make_pdf

from assistant.access import LOCAL

QUESTION = "How many analysts follow a small cap?"
SENTENCE = "Russell Investments reported on 9 July 2025 that about 5.7 analysts follow the average small-cap stock"


served = served_notes(file_limit_mb=1)


@pytest.fixture
def web(served: Served) -> httpx.Client:
    return served.web


def events(text: str) -> list[tuple[str, Any]]:
    """Return the (name, data) of what was streamed."""
    found = []
    for block in text.split("\n\n"):
        if block.startswith("event: "):
            first, second = block.split("\n")
            found.append((first.removeprefix("event: "), json.loads(second.removeprefix("data: "))))
    return found


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response.text
    )
    body: dict[str, Any] = response.json()
    assert (body["status"], body["kind"], body["type"]) == (status, kind, f"/api/v1/problems/{kind}")
    assert body["instance"] == response.request.url.path
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in response.text
    return body


# Questions


def test_a_question_gets_the_answer_that_the_service_gives(served: Served) -> None:
    got = served.web.post("/api/v1/ask", json={"question": QUESTION})
    assert got.status_code == 200
    body = got.json()
    own = served.service.ask(question=QUESTION).model_dump(mode="json")
    for one in (body, own):
        del one["answer_id"], one["timings_ms"]
    assert body == own
    assert SENTENCE in body["text"]


def test_every_citation_opens_on_its_words(web: httpx.Client) -> None:
    answer = web.post("/api/v1/ask", json={"question": QUESTION}).json()
    assert answer["citations"]
    for cited in answer["citations"]:
        place = {"version": cited["version"], "start": cited["start"], "end": cited["end"]}
        text = web.get(f"/api/v1/documents/{cited['document_id']}/text", params=place).json()
        assert text["text"] == cited["quote"]


def test_a_question_as_events_ends_with_the_same_answer(web: httpx.Client) -> None:
    got = web.post("/api/v1/ask", json={"question": QUESTION}, headers={"accept": "text/event-stream"})
    assert got.headers["content-type"].startswith("text/event-stream")
    assert got.headers["x-accel-buffering"] == "no"
    found = events(got.text)
    assert [name for name, _ in found if name != "status"] == ["sentence", "answer"]
    assert {name for name, _ in found[:-2]} == {"status"}
    sentence, answer = found[-2][1], found[-1][1]
    assert sentence == {"text": answer["claims"][0]["text"], "verdict": "supported"}
    again = web.get(f"/api/v1/answers/{answer['answer_id']}").json()
    assert again == answer


def test_filters_and_as_of_narrow_a_question(web: httpx.Client) -> None:
    asked = {"question": QUESTION, "as_of": "2020-01-01"}
    old = web.post("/api/v1/ask", json=asked).json()
    assert (old["status"], old["as_of"], old["citations"]) == ("insufficient_evidence", "2020-01-01", [])
    none = web.post("/api/v1/ask", json={"question": QUESTION, "filters": {"kind": "filing"}}).json()
    assert (none["status"], none["filters"]["kind"]) == ("insufficient_evidence", ["filing"])


def test_a_search_gives_passages_best_first(web: httpx.Client) -> None:
    found = web.get("/api/v1/search", params={"q": "analysts small cap", "k": 3}).json()["passages"]
    assert len(found) == 3
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert "analysts" in found[0]["text"]
    none = web.get("/api/v1/search", params=[("q", "analysts"), ("kind", "filing"), ("kind", "release")])
    assert none.json() == {"passages": []}


def test_a_conversation_is_kept_read_and_forgotten(web: httpx.Client) -> None:
    name = "talk-about-analysts"
    for question in (QUESTION, "And for large caps?"):
        asked = {"question": question, "conversation_id": name}
        answer = web.post("/api/v1/ask", json=asked, headers=bearer(READER)).json()
    assert answer["standalone_question"] != answer["question"], "the earlier turn was read with it"
    mine = web.get("/api/v1/conversations", headers=bearer(READER)).json()["conversations"]
    assert [(one["conversation_id"], one["turns"]) for one in mine] == [(name, 2)]
    whole = web.get(f"/api/v1/conversations/{name}", headers=bearer(READER)).json()
    assert [turn["question"] for turn in whole["turns"]] == [QUESTION, "And for large caps?"]
    assert whole["turns"][1]["answer"] == answer

    problem(web.get(f"/api/v1/conversations/{name}", headers=bearer(EDITOR)), 404, "not_found")
    problem(web.delete(f"/api/v1/conversations/{name}", headers=bearer(EDITOR)), 404, "not_found")
    problem(web.get(f"/api/v1/answers/{answer['answer_id']}", headers=bearer(EDITOR)), 404, "not_found")

    gone = web.delete(f"/api/v1/conversations/{name}", headers=bearer(READER))
    assert (gone.status_code, gone.content) == (204, b"")
    problem(web.get(f"/api/v1/conversations/{name}", headers=bearer(READER)), 404, "not_found")


def test_a_question_is_asked_again_in_other_words(web: httpx.Client) -> None:
    name, who = "talk-to-be-cut", bearer(READER)
    ids = [
        web.post("/api/v1/ask", json={"question": question, "conversation_id": name}, headers=who).json()["answer_id"]
        for question in (QUESTION, "And for large caps?", "And for mid caps?")
    ]
    cut = f"/api/v1/conversations/{name}/cut"
    done = web.post(cut, json={"after": ids[0]}, headers=who)
    assert (done.status_code, done.content) == (204, b"")
    whole = web.get(f"/api/v1/conversations/{name}", headers=who).json()
    assert [turn["answer_id"] for turn in whole["turns"]] == ids[:1]
    problem(web.post(cut, json={"after": ids[2]}, headers=who), 404, "not_found")
    problem(web.post(cut, json={"after": None}, headers=bearer(EDITOR)), 404, "not_found")
    assert problem(web.post(cut, json={}, headers=who), 400, "bad_request")["errors"][0]["field"] == "after"
    assert web.post(cut, json={"after": None}, headers=who).status_code == 204
    assert web.get(f"/api/v1/conversations/{name}", headers=who).json()["turns"] == []
    listed = web.get("/api/v1/conversations", headers=who).json()["conversations"]
    assert name not in {one["conversation_id"] for one in listed}


def test_a_conversation_is_shown_to_others_by_a_link(web: httpx.Client) -> None:
    name, who = "talk-to-be-shown", bearer(READER)
    answer = web.post("/api/v1/ask", json={"question": QUESTION, "conversation_id": name}, headers=who).json()
    share = f"/api/v1/conversations/{name}/share"
    problem(web.post(share, headers=bearer(EDITOR)), 404, "not_found")
    token = web.post(share, headers=who).json()["token"]
    assert web.post(share, headers=who).json() == {"token": token}
    assert web.get(f"/api/v1/conversations/{name}", headers=who).json()["shared"] == token
    seen = web.get(f"/api/v1/shared/{token}", headers=bearer(ADMIN)).json()
    assert set(seen) == {"owner", "title", "created", "changed", "turns"}
    assert (seen["owner"], seen["title"]) == ("rita", QUESTION)
    assert [turn["answer"] for turn in seen["turns"]] == [answer]
    problem(web.delete(share, headers=bearer(EDITOR)), 404, "not_found")
    assert web.delete(share, headers=who).status_code == 204
    body = problem(web.get(f"/api/v1/shared/{token}", headers=bearer(ADMIN)), 404, "not_found")
    assert body["detail"] == "There is no such link."


def test_a_question_is_read(web: httpx.Client, served: Served) -> None:
    asked = {"question": "And for large caps?", "conversation_id": "talk-to-be-read"}
    before = web.post("/api/v1/read", json=asked).json()
    assert (before["standalone_question"], before["companies"]) == ("And for large caps?", [])
    web.post("/api/v1/ask", json={**asked, "question": "How far is the Russell 2000 below its high today?"})
    found = web.post("/api/v1/read", json=asked | {"filters": {"kind": "note"}}).json()
    own = served.service.read(LOCAL, asked["question"], conversation_id="talk-to-be-read", filters={"kind": "note"})
    assert found == json.loads(json.dumps(asdict(own)))
    assert found["standalone_question"] != asked["question"]
    assert (found["kinds"], found["live"], found["tools"]) == (["note"], True, ["drawdown"])


def test_feedback_is_kept_for_an_answer_of_ones_own(web: httpx.Client) -> None:
    answer = web.post("/api/v1/ask", json={"question": QUESTION}, headers=bearer(READER)).json()
    said = {"answer_id": answer["answer_id"], "verdict": "bad", "comment": "old"}
    assert web.post("/api/v1/feedback", json=said, headers=bearer(READER)).json() == {
        "answer_id": answer["answer_id"],
        "verdict": "bad",
    }
    problem(web.post("/api/v1/feedback", json=said, headers=bearer(EDITOR)), 404, "not_found")
    body = problem(web.post("/api/v1/feedback", json=said | {"verdict": "so so"}), 400, "bad_request")
    assert body["errors"][0]["field"] == "verdict"


# Documents


def test_documents_are_listed_in_parts_and_by_filters(web: httpx.Client) -> None:
    whole = web.get("/api/v1/documents", params={"collection": "default"}).json()
    assert whole["total"] >= 12
    part = web.get("/api/v1/documents", params={"limit": 5, "offset": 3, "collection": "default"}).json()
    assert part["documents"] == whole["documents"][3:8]
    assert (part["total"], part["limit"], part["offset"]) == (whole["total"], 5, 3)
    notes = web.get("/api/v1/documents", params={"publisher": "SAMPLE  notes", "since": "2025-01-01"}).json()[
        "documents"
    ]
    assert notes
    assert all(one["publisher"] == "Sample notes" and one["published"] >= "2025-01-01" for one in notes)
    assert web.get("/api/v1/documents", params={"offset": 10_000}).json()["documents"] == []
    one = whole["documents"][0]
    assert web.get(f"/api/v1/documents/{one['document_id']}").json() == one


def test_a_file_goes_in_is_read_answers_and_goes_out(web: httpx.Client) -> None:
    text = "# Quay\n\nThe quay company Nordkap moved 41 million tonnes of ore in 2024.\n"
    files = [("files", ("quay.md", text.encode(), "text/markdown"))]
    form = {"title": "Quay note", "publisher": "Desk", "published": "2025-02-03", "kind": "note", "collection": "desk"}
    report = web.post("/api/v1/documents", files=files, data=form).json()
    assert (report["added"], report["failed"]) == (1, [])
    (found,) = web.get("/api/v1/documents", params={"collection": "desk"}).json()["documents"]
    assert (found["title"], found["publisher"], found["published"], found["kind"]) == (
        "Quay note",
        "Desk",
        "2025-02-03",
        "note",
    )
    path = f"/api/v1/documents/{found['document_id']}"
    whole = web.get(f"{path}/text").json()
    assert "41 million tonnes" in whole["text"]
    assert whole["characters"] == len(whole["text"]) == found["characters"]
    answer = web.post("/api/v1/ask", json={"question": "How much ore did Nordkap move in 2024?"}).json()
    assert "41 million tonnes" in answer["text"]
    assert [one["outcome"] for one in report["files"]] == ["added"]
    again = web.post("/api/v1/documents", files=files, data=form).json()
    assert (again["unchanged"], again["files"][0]["outcome"]) == (1, "unchanged")
    twin = web.post("/api/v1/documents", files=[("files", ("quai.md", text.encode()))], data=form).json()["files"][0]
    assert (twin["outcome"], "as “Quay note”" in twin["text"]) == ("added", True)
    assert web.delete(f"/api/v1/documents/{twin['document_id']}").json() == {"removed": 1}
    body = problem(web.post(f"{path}/reingest"), 422, "unreadable")
    assert "of uploads only the copies of PDFs are kept" in body["detail"]
    assert web.delete(path).json() == {"removed": 1}
    problem(web.get(path), 404, "not_found")
    problem(web.delete(path), 404, "not_found")


def test_what_a_document_is_said_to_be_counts_at_once(web: httpx.Client) -> None:
    whole = web.get("/api/v1/documents", params={"limit": 1}).json()["documents"][0]
    path = f"/api/v1/documents/{whole['document_id']}"
    assert whole["origins"]["publisher"] == "front_matter"
    sent = {"publisher": "Tide Desk", "authors": ["Ann Poe", "Bo Li"], "published": "", "fiscal_period": "q3 2023"}
    said = web.patch(path, json=sent).json()
    assert (said["publisher"], said["authors"], said["published"], said["fiscal_period"]) == (
        "Tide Desk", ["Ann Poe", "Bo Li"], None, "Q3 2023",
    )  # fmt: skip
    assert {said["origins"][name] for name in sent} == {"user"}
    assert web.get("/api/v1/documents", params={"publisher": "tide desk"}).json()["total"] == 1
    for wrong, told in (
        ({"published": "2023-02-30"}, "published: is no date: write it as YYYY-MM-DD."),
        ({"kind": "essay"}, "kind: Input should be"),
        ({"colour": "red"}, "colour: is not known here."),
        ({}, "body: names no field that is to change."),
    ):
        assert problem(web.patch(path, json=wrong), 400, "bad_request")["detail"].startswith(told), wrong
    assert "no fiscal period" in problem(web.patch(path, json={"fiscal_period": "late"}), 400, "settings")["detail"]
    assert web.get(path).json()["version"] == said["version"] == whole["version"]
    back = web.patch(path, json=dict.fromkeys(sent)).json()
    for one in (back, whole):
        del one["ingested_at"], one["state"]  # it was read again; its vectors may follow behind
    assert back == whole
    report = web.post(f"{path}/reingest").json()
    assert [one["outcome"] for one in report["files"]] == ["unchanged"]
    got = web.post(f"{path}/reingest", headers={"accept": "text/event-stream"})
    found = events(got.text)
    assert found[-1][0] == "report"
    assert {"pages", "seconds_left", "chunks_per_second"} <= found[0][1].keys()


def test_an_upload_is_stopped_by_its_name(web: httpx.Client, served: Served) -> None:
    path = "/api/v1/uploads/my-upload-1"
    problem(web.delete(path), 404, "not_found")
    files = [("files", (f"long{n}.txt", f"Ferry {n} sailed on time. ".encode() * 800)) for n in range(40)]
    request = web.build_request(
        "POST", "/api/v1/documents", files=files, data={"upload_id": "my-upload-1", "collection": "stopped"},
        headers={"accept": "text/event-stream"},
    )  # fmt: skip
    response = web.send(request, stream=True)
    assert response.status_code == 200, response.read()
    told = response.iter_text()
    next(told)
    body = {"files": [("files", ("a.txt", b"x"))], "data": {"upload_id": "my-upload-1"}}
    problem(web.post("/api/v1/documents", **body), 400, "bad_request")  # type: ignore[arg-type]
    problem(web.delete(path, headers=bearer(READER)), 403, "forbidden")
    assert web.delete(path).json() == {"upload_id": "my-upload-1"}
    name, last = events("".join(told))[-1]
    assert (name, last["kind"]) == ("error", "stopped")
    left = web.get("/api/v1/documents", params={"collection": "stopped"}).json()
    assert left["total"] < 40
    assert all(one["version"] for one in left["documents"])
    problem(web.delete(path), 404, "not_found")
    for one in left["documents"]:
        web.delete(f"/api/v1/documents/{one['document_id']}")


def test_folders_of_the_server_are_for_its_administrators(web: httpx.Client) -> None:
    whole = web.get("/api/v1/documents").json()["documents"]
    told = web.get("/api/v1/documents", headers=bearer(READER)).json()["documents"]
    files = [one["path"] for one in whole if not one["path"].startswith("upload:/")]
    assert files
    assert all(Path(path).is_absolute() for path in files)
    assert [one["path"] for one in told if not one["path"].startswith("upload:/")] == [
        Path(path).name for path in files
    ]
    one = web.get(f"/api/v1/documents/{told[0]['document_id']}", headers=bearer(READER)).json()
    assert one == told[0]


def test_an_upload_tells_how_far_it_is(web: httpx.Client) -> None:
    files = [("files", (f"part{n}.txt", f"Part {n} says nothing of note.".encode(), "text/plain")) for n in range(3)]
    got = web.post("/api/v1/documents", files=files, headers={"accept": "text/event-stream"})
    found = events(got.text)
    assert [name for name, _ in found][-1] == "report"
    assert {name for name, _ in found[:-1]} <= {"progress"}
    assert found[-1][1]["added"] == 3
    for one in web.get("/api/v1/documents", params={"kind": "other"}).json()["documents"]:
        if one["path"].startswith("upload:/part"):
            web.delete(f"/api/v1/documents/{one['document_id']}")


def test_a_file_that_is_none_is_a_problem_and_beside_a_good_one_a_line(web: httpx.Client) -> None:
    bad = ("files", ("broken.pdf", b"%PDF-1.7 nothing", "application/pdf"))
    body = problem(web.post("/api/v1/documents", files=[bad]), 422, "unreadable")
    assert body["report"]["failed"][0]["path"] == "upload:/broken.pdf"
    good = ("files", ("good.txt", b"A good file about nothing in particular.", "text/plain"))
    report = web.post("/api/v1/documents", files=[bad, good]).json()
    assert (report["added"], len(report["failed"])) == (1, 1)
    streamed = web.post("/api/v1/documents", files=[bad], headers={"accept": "text/event-stream"})
    name, told = events(streamed.text)[-1]
    assert (name, told["kind"], told["status"]) == ("error", "unreadable", 422)
    for one in web.get("/api/v1/documents").json()["documents"]:
        if one["path"].startswith("upload:/"):
            assert web.delete(f"/api/v1/documents/{one['document_id']}").status_code == 200


def test_a_page_comes_as_a_picture(web: httpx.Client) -> None:
    data = make_pdf(["Page one of the terminal report."], ["Page two: throughput rose by 7 percent."])
    report = web.post("/api/v1/documents", files=[("files", ("terminal.pdf", data, "application/pdf"))]).json()
    assert report["added"] == 1, report
    found = next(d for d in web.get("/api/v1/documents").json()["documents"] if d["path"] == "upload:/terminal.pdf")
    path = f"/api/v1/documents/{found['document_id']}"
    picture = web.get(f"{path}/pages/2.png", params={"version": found["version"], "start": 40, "end": 60})
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    problem(web.get(f"{path}/pages/3.png"), 404, "not_found")
    problem(web.get(f"{path}/pages/0.png"), 400, "bad_request")
    problem(web.get(f"{path}/pages/two.png"), 400, "bad_request")
    web.delete(path)


@pytest.mark.parametrize(
    ("span", "status"),
    [
        ({"start": 0, "end": 0}, 200),
        ({"start": 5}, 200),
        ({"start": 9, "end": 4}, 400),
        ({"end": 10_000_000}, 400),
        ({"start": -1}, 400),
        ({"start": "x"}, 400),
        ({"version": "old"}, 404),
        ({"page": 1}, 400),
    ],
)
def test_a_stretch_of_a_text(web: httpx.Client, span: dict[str, Any], status: int) -> None:
    one = web.get("/api/v1/documents", params={"limit": 1}).json()["documents"][0]
    got = web.get(f"/api/v1/documents/{one['document_id']}/text", params=span)
    if status == 200:
        start, end = span.get("start", 0), span.get("end", one["characters"])
        assert (got.status_code, len(got.json()["text"])) == (200, end - start)
    else:
        problem(got, status, {400: "bad_request", 404: "not_found"}[status])


# Live metrics


def test_tools_are_listed_and_run(web: httpx.Client) -> None:
    tools = web.get("/api/v1/tools").json()["tools"]
    assert {"drawdown", "macro", "verify_claim"} <= {tool["name"] for tool in tools}
    result = web.post("/api/v1/tools/drawdown", json={"arguments": {"ticker": "IWM"}, "as_of": "2025-01-01"}).json()
    assert (result["tool"], result["status"]) == ("drawdown", "not_configured")
    wrong = web.post("/api/v1/tools/drawdown", json={"arguments": {"colour": "red"}}).json()
    assert (wrong["status"], wrong["error"]["kind"]) == ("error", "bad_arguments")
    body = problem(web.post("/api/v1/tools/weather", json={}), 404, "not_found")
    assert "drawdown" in body["what_to_do"]


# Who may what


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("GET", "/api/v1/search?q=a", ASKER, 403),
        ("GET", "/api/v1/shared/none", ASKER, 404),
        ("GET", "/api/v1/documents", ASKER, 403),
        ("GET", "/api/v1/tools", ASKER, 403),
        ("POST", "/api/v1/tools/macro", ASKER, 403),
        ("GET", "/metrics", READER, 403),
        ("DELETE", "/api/v1/documents/x", READER, 403),
        ("POST", "/api/v1/documents/x/reingest", READER, 403),
        ("DELETE", "/api/v1/uploads/some-upload", READER, 403),
        ("GET", "/v1/models", ASKER, 200),
        ("GET", "/api/v1/conversations", ASKER, 200),
    ],
)
def test_what_a_user_may_not_do_is_forbidden(web: httpx.Client, method: str, path: str, who: Any, status: int) -> None:
    body = {} if method == "POST" else None
    got = web.request(method, path, headers=bearer(who), json=body)
    if status in {403, 404}:
        problem(got, status, {403: "forbidden", 404: "not_found"}[status])
    else:
        assert got.status_code == status


def test_a_reader_may_not_upload_and_nothing_is_kept_of_it(web: httpx.Client, served: Served) -> None:
    before = web.get("/api/v1/documents").json()["total"]
    got = web.post("/api/v1/documents", files=[("files", ("a.txt", b"text"))], headers=bearer(READER))
    problem(got, 403, "forbidden")
    assert web.get("/api/v1/documents").json()["total"] == before


# The server


def test_it_lives_and_is_ready(web: httpx.Client) -> None:
    assert web.get("/healthz").json() == {"status": "ok"}
    assert web.get("/readyz").json() == {"status": "ready"}
    for path in ("/healthz", "/readyz"):
        assert (web.head(path).status_code, web.head(path).content) == (200, b"")


def test_figures_name_routes_and_no_user_nor_words(web: httpx.Client) -> None:
    web.get("/api/v1/documents/some-secret-id", headers=bearer(READER))
    web.post("/api/v1/ask", json={"question": "a very peculiar question about walruses"}, headers=bearer(READER))
    text = web.get("/metrics").text
    labels = [line for line in text.splitlines() if not line.startswith("#")]
    assert 'thesis_http_requests_total{method="GET",route="/api/v1/documents/{document_id}",status="404"}' in text
    assert 'thesis_questions_total{channel="api",mode="extractive",status="answered"}' in text
    assert any(line.startswith("thesis_documents 1") for line in labels)
    assert "thesis_ready 1.0" in labels
    for secret in ("walrus", "some-secret-id", "rita", "default", "Sample notes"):
        assert secret not in text


def test_a_kind_of_problem_says_what_it_is(web: httpx.Client) -> None:
    missing = web.get("/api/v1/answers/none").json()
    assert web.get(missing["type"]).json() == {"kind": "not_found", "status": 404, "title": "Not found"}
    problem(web.get("/api/v1/problems/none"), 404, "not_found")
