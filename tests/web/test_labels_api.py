"""Labels and review over HTTP."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from painting import paint
from starlette.testclient import TestClient
from tagged_server import STRANGE, id_of, served, told

from soutu.library.folder import FolderLibrary
from soutu.types import ImportReport, Label
from soutu.wire import from_json, to_json


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[TestClient, FolderLibrary]]:
    with served(tmp_path) as (client, library):
        for name in ("red", "blue", "猫/狗"):
            library.tags.add(name)
        yield client, library


@pytest.fixture
def client(both: tuple[TestClient, FolderLibrary]) -> TestClient:
    return both[0]


@pytest.fixture
def library(both: tuple[TestClient, FolderLibrary]) -> FolderLibrary:
    return both[1]


def _said(library: FolderLibrary) -> set[tuple[str, str, bool]]:
    return {(each.path.name, each.tag, each.value) for each in library.labels.all()}


def test_a_picture_is_labelled_and_labels_are_taken_back(
    client: TestClient, library: FolderLibrary
) -> None:
    green = id_of(library, "green")
    body = {"picture": green, "yes": ["猫/狗"], "no": ["RED", "blue"]}
    assert client.post("/api/labels", json=body).json() == {"changed": 3}
    assert client.post("/api/labels", json=body).json() == {"changed": 0}
    taken = {"picture": green, "clear": ["red"], "yes": ["blue"]}
    assert client.post("/api/labels", json=taken).json() == {"changed": 2}
    assert _said(library) == {("green, 绿.png", "猫/狗", True), ("green, 绿.png", "blue", True)}


def test_labels_are_listed_with_the_ids_of_their_pictures(
    client: TestClient, library: FolderLibrary
) -> None:
    ids = [id_of(library, name) for name in ("blue", "red0")]
    library.labels.set(ids[0], yes=["blue"], no=["red"], who="ana")
    library.labels.set(ids[1], yes=["red"])
    found = client.get("/api/labels").json()
    assert [from_json(Label, each) for each in found] == library.labels.all()
    assert [each["id"] for each in found] == [ids[1], ids[0], ids[0]]
    one = client.get("/api/labels", params={"picture": ids[0]}).json()
    assert {(each["tag"], each["value"], each["who"]) for each in one} == {
        ("blue", True, "ana"), ("red", False, "ana")
    }  # fmt: skip
    of_tag = client.get("/api/labels", params={"tag": "RED"}).json()
    assert [each["id"] for each in of_tag] == [ids[1], ids[0]]
    both = client.get("/api/labels", params={"tag": "blue", "picture": ids[1]}).json()
    assert both == []


def test_labels_of_pictures_that_are_gone_have_no_id(
    client: TestClient, library: FolderLibrary
) -> None:
    picture = library.picture(id_of(library, "blue"))
    library.labels.set(picture.id, yes=["blue"])
    library.remove([picture.path])
    (found,) = client.get("/api/labels").json()
    assert (found["id"], found["path"]) == (None, str(picture.path))


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_can_be_labelled_with(
    client: TestClient, library: FolderLibrary, name: str
) -> None:
    if name not in library.tags:
        library.tags.add(name)
    red = id_of(library, "red1")
    assert client.post("/api/labels", json={"picture": red, "yes": [name]}).json()["changed"] == 1
    (found,) = client.get("/api/labels", params={"tag": name}).json()
    assert (found["tag"], found["id"]) == (name, red)
    assert client.get("/api/review", params={"tag": name}).json()[0]["tag"] == name


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"yes": ["nobody"]}, "nobody"),
        ({"yes": ["red"], "no": ["red"]}, "right and wrong"),
        ({"yes": ["red"], "no": ["RED"]}, "right and wrong"),
    ],
)
def test_a_label_that_cannot_be_is_refused(
    client: TestClient, library: FolderLibrary, body: dict[str, Any], words: str
) -> None:
    asked = {"picture": id_of(library, "red0"), "clear": ["blue"], **body}
    status, kind, message = told(client.post("/api/labels", json=asked))
    assert (status, kind) == (400, "InputError")
    assert words in message
    assert library.labels.all() == []


def test_an_unknown_picture_is_not_found(client: TestClient) -> None:
    answers = [
        client.post("/api/labels", json={"picture": 12345, "yes": ["red"]}),
        client.get("/api/labels?picture=12345"),
    ]
    for answer in answers:
        status, kind, message = told(answer)
        assert (status, kind) == (404, "NotFound")
        assert "12345" in message


def test_an_unknown_tag_is_named(client: TestClient) -> None:
    for path in ("/api/labels?tag=nobody", "/api/review?tag=nobody"):
        status, kind, message = told(client.get(path))
        assert (status, kind) == (400, "InputError")
        assert "nobody" in message


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"picture": "red0.png"},
        {"picture": 0},
        {"picture": 2**64},
        {"picture": 1, "yes": "red"},
        {"picture": 1, "maybe": ["red"]},
        {"picture": 1, "source": "file"},
    ],
)
def test_a_label_of_the_wrong_shape_is_refused(client: TestClient, body: Any) -> None:
    assert told(client.post("/api/labels", json=body))[:2] == (422, "InputError")


def test_who_and_source_are_kept(client: TestClient, library: FolderLibrary) -> None:
    red = id_of(library, "red0")
    client.post("/api/labels", json={"picture": red, "yes": ["red"]})
    client.post(
        "/api/labels", json={"picture": red, "no": ["blue"], "who": "小明", "source": "import"}
    )
    found = {each["tag"]: each for each in client.get("/api/labels").json()}
    assert (found["red"]["who"], found["red"]["source"]) == (getpass.getuser(), "person")
    assert (found["blue"]["who"], found["blue"]["source"]) == ("小明", "import")


def test_the_last_labelling_is_undone(client: TestClient, library: FolderLibrary) -> None:
    library.labels.set(id_of(library, "red0"), yes=["red"])
    assert client.post("/api/labels/undo", json={"who": "ana"}).json()["undone"] is True
    assert library.labels.all() == []
    assert client.post("/api/labels/undo").status_code == 400


# --- many ---


def test_many_labels_are_recorded(client: TestClient, library: FolderLibrary) -> None:
    labels = [
        Label(path=picture.path, tag="red", value=picture.path.name.startswith("red"))
        for picture in library.pictures()
    ]
    body = {"labels": to_json(labels), "who": "ana"}
    report = from_json(ImportReport, client.post("/api/labels/many", json=body).json())
    assert report == ImportReport(added=5)
    assert {each.source for each in library.labels.all()} == {"import"}
    assert {each.who for each in library.labels.all()} == {"ana"}
    again = from_json(ImportReport, client.post("/api/labels/many", json=body).json())
    assert again == ImportReport(unchanged=5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tag": "nobody"}, "nobody"),
        ({"path": "/nowhere/x.png"}, "/nowhere/x.png"),
        ({"path": "red0.png"}, "not absolute"),
        ({"value": "yes"}, "no Label"),
        ({"tag": None}, "no Label"),
        ({"path": 5}, "no Label"),
    ],
)
def test_many_labels_are_recorded_all_or_none(
    client: TestClient, library: FolderLibrary, change: dict[str, Any], words: str
) -> None:
    first, second = (to_json(each.path) for each in library.pictures(k=2))
    labels = [
        {"path": first, "tag": "red", "value": True},
        {"path": second, "tag": "red", "value": True, **change},
    ]
    status, kind, message = told(client.post("/api/labels/many", json={"labels": labels}))
    assert (status, kind) == (400, "InputError")
    assert words in message
    assert library.labels.all() == []


def test_labels_that_contradict_each_other_are_refused(
    client: TestClient, library: FolderLibrary
) -> None:
    path = to_json(library.pictures(k=1)[0].path)
    labels = [{"path": path, "tag": "red", "value": value} for value in (True, False)]
    assert client.post("/api/labels/many", json={"labels": labels}).status_code == 400


def _upload(client: TestClient, name: str, content: str | bytes, **fields: str) -> Any:
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return client.post("/api/labels/many", data=fields, files={"file": (name, data)})


def test_a_csv_file_is_imported(client: TestClient, library: FolderLibrary) -> None:
    rows = [f'"{picture.path}",猫/狗,yes' for picture in library.pictures()]
    content = "\n".join(["image,tag,label", *rows])
    report = _upload(client, "标注.csv", content, who="ana").json()
    assert from_json(ImportReport, report) == ImportReport(added=5)
    change = library.tags.history(1)[0]
    assert (change.what, change.who) == ("5 labels from 标注.csv", "ana")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,tag,label\n/x.png,red,maybe\n", "标注.csv, line 2, column 3 (label): "),
        ("image,tag,label\n/x.png,red,yes\n", "标注.csv, line 2: the library does not hold /x.png"),
        ("image,tag,label\n/x.png,nobody,yes\n", "标注.csv, line 2: "),
        ("picture,tag\n", "标注.csv, line 1, column 1: "),
        ("", "标注.csv, line 1: the file holds no labels"),
    ],
)
def test_what_is_wrong_with_a_csv_file_names_the_users_file(
    client: TestClient, content: str, message: str
) -> None:
    status, kind, found = told(_upload(client, "标注.csv", content))
    assert (status, kind) == (400, "InputError")
    assert found.startswith(message)
    assert "/tmp/" not in found


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {}},
        {"data": {"who": "ana"}, "files": [("f", ("a.csv", b"")), ("g", ("b.csv", b""))]},
    ],
)
def test_many_labels_come_from_one_place(client: TestClient, request_: dict[str, Any]) -> None:
    assert told(client.post("/api/labels/many", **request_))[:2] == (400, "InputError")


def test_exported_labels_are_imported_again(client: TestClient, library: FolderLibrary) -> None:
    library.labels.set(id_of(library, "green"), yes=["猫/狗"], no=["red"])
    said = _said(library)
    answer = client.get("/api/labels/export", headers={"accept-encoding": "identity"})
    assert answer.headers["content-disposition"] == 'attachment; filename="labels.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.content)
    client.post("/api/labels/undo")
    assert _said(library) == set()
    assert _upload(client, "labels.csv", answer.content).json()["added"] == 2
    assert _said(library) == said


def test_paths_that_are_no_utf8_go_both_ways(
    client: TestClient, library: FolderLibrary, tmp_path: Path
) -> None:
    path = paint(Path(os.fsdecode(os.fsencode(tmp_path / "odd") + b"\xff.png")), "red", seed=9)
    library.add([path])
    body = {"labels": [{"path": str(path), "tag": "red", "value": True}]}
    # As JSON's escapes, which the client of the tests does not write by itself.
    answer = client.post("/api/labels/many", content=_ascii(body))
    assert answer.json()["added"] == 1
    assert client.get("/api/labels").json()[0]["path"] == str(path)
    exported = client.get("/api/labels/export").content
    assert b"\xff.png" in exported
    client.post("/api/labels/undo")
    assert _upload(client, "labels.csv", exported).json()["added"] == 1
    client.post("/api/labels/undo")
    rows = {"rows": [{"path": str(path), "tag": "red", "value": False}]}
    headers = {"content-type": "application/json"}
    again = client.post("/api/labels/rows", content=_ascii(rows), headers=headers)
    assert again.json()["added"] == 1


def _ascii(value: object) -> bytes:
    return json.dumps(value).encode()


# --- rows of a file that the client has read ---


def _row(picture: Path, tag: str, value: bool | None, line: int, **more: Any) -> dict[str, Any]:
    return {"path": str(picture), "tag": tag, "value": value, "line": line, **more}


def test_rows_are_imported(client: TestClient, library: FolderLibrary) -> None:
    red, green, blue = (
        library.picture(id_of(library, each)).path for each in ("red0", "green", "blue")
    )
    library.labels.set(red, yes=["blue"])
    at = datetime(2024, 5, 31, 12, tzinfo=UTC).isoformat()
    rows = [
        _row(red, "blue", None, 7),
        _row(green, "猫/狗", True, 9, source="person", who="小明", at=at),
        _row(blue, "red", False, 9, source=None, who=None, at=None),
    ]
    body = {"rows": rows, "file": "lists/标注.csv", "who": "ana"}
    report = from_json(ImportReport, client.post("/api/labels/rows", json=body).json())
    assert (report.added, report.updated) == (2, 1)
    assert _said(library) == {("green, 绿.png", "猫/狗", True), ("blue.png", "red", False)}
    assert library.tags.history(1)[0].what == "3 labels from 标注.csv"


def test_what_is_wrong_with_a_row_names_its_line(
    client: TestClient, library: FolderLibrary, tmp_path: Path
) -> None:
    red = library.picture(id_of(library, "red0")).path
    odd = tmp_path / "two\nlines.png"  # the row takes two lines of the file that is made of it
    cases = [
        ([_row(red, "red", True, 3), _row(red, "nobody", True, 12)], "标注.csv, line 12: "),
        ([_row(odd, "red", True, 5), _row(red, "red", True, 9)], "标注.csv, line 5: "),
        ([_row(red, "red", True, 2), _row(red, "!", True, 40)], "标注.csv, line 40, column 2"),
        ([_row(red, "red", True, 2, at="then")], "标注.csv, line 2, column 6 (at): "),
        ([_row(red, "red", True, 2, source="god")], "标注.csv, line 2, column 4 (source): "),
    ]
    for rows, message in cases:
        status, kind, found = told(
            client.post("/api/labels/rows", json={"rows": rows, "file": "标注.csv"})
        )
        assert (status, kind) == (400, "InputError")
        assert found.startswith(message)
    assert library.labels.all() == []


def test_rows_that_contradict_each_other_name_both_lines(
    client: TestClient, library: FolderLibrary
) -> None:
    red = library.picture(id_of(library, "red0")).path
    rows = [_row(red, "red", True, 21), _row(red, "red", False, 35)]
    _, _, message = told(client.post("/api/labels/rows", json={"rows": rows}))
    assert message.startswith("labels.csv, line 35")
    assert message.endswith("in line 21. Take one of them out")


@pytest.mark.parametrize(
    "change",
    [{"path": None}, {"path": "red0.png"}, {"tag": 5}, {"value": "yes"}, {"value": 1}, {"who": 5}],
)
def test_a_row_of_the_wrong_shape_is_refused(
    client: TestClient, library: FolderLibrary, change: dict[str, Any]
) -> None:
    row = {**_row(library.pictures(k=1)[0].path, "red", True, 2), **change}
    status, kind, _ = told(client.post("/api/labels/rows", json={"rows": [row]}))
    assert (status, kind) == (400, "InputError")


def test_no_rows_change_nothing(client: TestClient, library: FolderLibrary) -> None:
    report = client.post("/api/labels/rows", json={"rows": []}).json()
    assert from_json(ImportReport, report) == ImportReport()
    assert client.post("/api/labels/many", json={"labels": []}).json() == report


# --- review ---


def test_questions_are_asked(client: TestClient, library: FolderLibrary) -> None:
    assert client.get("/api/review").json() == to_json(library.review())
    asked: dict[str, Any] = {"tag": "red", "by": "picture", "k": 2}
    found = client.get("/api/review", params=asked).json()
    assert found == to_json(library.review(tag="red", by="picture", k=2))
    assert len(found) == 2


@pytest.mark.parametrize(
    ("wrong", "status"), [({"by": "colour"}, 422), ({"k": "x"}, 422), ({"k": 0}, 400)]
)
def test_questions_of_the_wrong_shape_are_refused(
    client: TestClient, wrong: Any, status: int
) -> None:
    assert told(client.get("/api/review", params=wrong))[:2] == (status, "InputError")


def test_the_document_has_examples_of_labels(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/api/labels/many"]["post"]["requestBody"]["content"]
    assert content["application/json"]["schema"]["examples"]
    assert "file" in content["multipart/form-data"]["schema"]["properties"]
    assert document["components"]["schemas"]["RowsIn"]["examples"]
