"""The vocabulary over HTTP."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tagged_server import STRANGE, id_of, served, told

from soutu.errors import InputError
from soutu.library.folder import FolderLibrary
from soutu.library.tagging.files import starter_vocabularies
from soutu.types import ImportReport, Tag, TagIdea
from soutu.web.imports import kept, safe_name
from soutu.wire import from_json, to_json

UNKNOWN = [
    ("get", "/api/tag?name=nobody", None),
    ("patch", "/api/tag?name=nobody", {"threshold": 0.5}),
    ("post", "/api/tags/rename", {"name": "nobody", "new": "x"}),
    ("post", "/api/tags/merge", {"names": ["nobody"], "into": "red"}),
    ("post", "/api/tags/merge", {"names": ["red"], "into": "nobody"}),
    ("post", "/api/tags/remove", {"names": ["red", "nobody"]}),
    ("post", "/api/tags", {"name": "x", "parent": "nobody"}),
    ("patch", "/api/tag?name=red", {"parent": "nobody"}),
    ("get", "/api/tag/spread?name=nobody", None),
    ("get", "/api/tag/border?name=nobody", None),
]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[TestClient, FolderLibrary]]:
    with served(tmp_path) as (client, library):
        library.tags.add("red")
        yield client, library


@pytest.fixture
def client(both: tuple[TestClient, FolderLibrary]) -> TestClient:
    return both[0]


@pytest.fixture
def library(both: tuple[TestClient, FolderLibrary]) -> FolderLibrary:
    return both[1]


def test_tags_are_listed(client: TestClient, library: FolderLibrary) -> None:
    library.tags.add("猫", aliases=["cat"], prompts=["a {}"], parent="red", threshold=0.25)
    answer = client.get("/api/tags")
    assert answer.status_code == 200
    assert [from_json(Tag, each) for each in answer.json()] == list(library.tags)


def test_a_tag_is_added_with_all_it_says(client: TestClient, library: FolderLibrary) -> None:
    body = {"name": " 小 猫 ", "aliases": ["kitten"], "prompts": ["a {}"], "parent": "red",
            "group": "动物", "threshold": 0.5, "who": "ana"}  # fmt: skip
    answer = client.post("/api/tags", json=body)
    assert answer.status_code == 201
    assert from_json(Tag, answer.json()) == library.tags.get("kitten")
    assert answer.json()["name"] == "小 猫"
    assert library.tags.history(1)[0].who == "ana"


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_goes_through_every_door(
    client: TestClient, library: FolderLibrary, name: str
) -> None:
    named = {"name": name}
    assert client.post("/api/tags", json=named).json()["name"] == name
    assert client.get("/api/tag", params=named).json()["tag"]["name"] == name
    changed = client.patch("/api/tag", params=named, json={"aliases": [f"{name} 2"]})
    assert changed.json()["aliases"] == [f"{name} 2"]
    assert client.get("/api/tag/spread", params=named).json()["tag"] == name
    assert client.get("/api/tag/border", params=named).json()["tag"] == name
    merged = client.post("/api/tags/merge", json={"names": [name], "into": "red"})
    assert merged.json()["aliases"] == [name, f"{name} 2"]
    assert client.post("/api/tags/undo").json()["undone"] is True
    renamed = client.post("/api/tags/rename", json={"name": name, "new": f"{name} 3"})
    assert renamed.json()["name"] == f"{name} 3"
    assert client.post("/api/tags/remove", json={"names": [f"{name} 3"]}).json() == {"removed": 1}
    assert [tag.name for tag in library.tags] == ["red"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": ""}, "empty"),
        ({"name": "  "}, "empty"),
        ({"name": "!red"}, "'!'"),
        ({"name": "RED"}, "'RED' is a tag already"),
        ({"name": "x\x00"}, "U+0000"),
        ({"name": "x" * 201}, "201 characters"),
        ({"name": "x", "aliases": ["red"]}, "red"),
        ({"name": "x", "prompts": [" "]}, "prompt"),
        ({"name": "x", "threshold": 1.5}, "1.5"),
        ({"name": "x", "parent": "nobody"}, "nobody"),
    ],
)
def test_a_tag_that_cannot_be_is_refused(client: TestClient, body: Any, words: str) -> None:
    status, kind, message = told(client.post("/api/tags", json=body))
    assert (status, kind) == (400, "InputError")
    assert words in message
    assert len(client.get("/api/tags").json()) == 1


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({}, 422, "name"),
        ({"name": 5}, 422, "name"),
        ({"name": "x", "aliases": "y"}, 422, "aliases"),
        ({"name": "x", "threshold": "high"}, 400, "threshold"),
        ({"name": "x", "colour": "red"}, 422, "colour"),
        ({"name": "\ud800"}, 400, "name"),
        ([], 422, "body"),
    ],
)
def test_a_body_of_the_wrong_shape_names_the_field(
    client: TestClient, body: Any, status: int, place: str
) -> None:
    found, kind, message = told(
        client.post(
            "/api/tags",
            content=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
    )
    assert (found, kind) == (status, "InputError")
    assert place in message


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    wrong = client.post("/api/tags", content=b"{", headers={"content-type": "application/json"})
    assert wrong.status_code == 422
    status, _, message = told(client.post("/api/tags/import", content=b"{"))
    assert status == 400
    assert "no JSON" in message


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
def test_an_unknown_tag_is_named(client: TestClient, method: str, path: str, body: Any) -> None:
    before = client.get("/api/tags").json()
    status, kind, message = told(client.request(method, path, json=body))
    assert (status, kind) == (400, "InputError")
    assert "nobody" in message
    assert client.get("/api/tags").json() == before


def test_a_name_must_be_given(client: TestClient) -> None:
    for path in ("/api/tag", "/api/tag/spread", "/api/tag/border"):
        assert client.get(path).status_code == 422
    assert client.patch("/api/tag", json={}).status_code == 422


def test_facts_of_a_tag(client: TestClient, library: FolderLibrary) -> None:
    library.labels.set(id_of(library, "blue"), no=["red"])
    facts = client.get("/api/tag", params={"name": "ＲＥＤ"}).json()
    assert facts == to_json(library.tags.show("red"))
    assert facts["no"] == 1


def test_a_change_keeps_what_is_absent_and_takes_away_what_is_null(
    client: TestClient, library: FolderLibrary
) -> None:
    whole = {"aliases": ["猫"], "prompts": ["a {}"], "parent": "red", "group": "animals"}
    library.tags.add("cat", threshold=0.5, **whole)  # type: ignore[arg-type]
    before = client.get("/api/tags").json()[1]
    for field in ("aliases", "prompts", "parent", "group", "threshold"):
        changed = client.patch("/api/tag?name=cat", json={field: None}).json()
        assert changed == {**before, field: [] if field in {"aliases", "prompts"} else None}
        before = changed


def test_a_change_of_nothing_changes_nothing(client: TestClient, library: FolderLibrary) -> None:
    changes = len(library.tags.history(100))
    answer = client.patch("/api/tag?name=red", json={})
    assert answer.json() == to_json(library.tags.get("red"))
    assert len(library.tags.history(100)) == changes


def test_a_change_cannot_make_a_circle(client: TestClient, library: FolderLibrary) -> None:
    library.tags.add("cat", parent="red")
    status, _, message = told(client.patch("/api/tag?name=red", json={"parent": "cat"}))
    assert status == 400
    assert "cat" in message


def test_a_name_is_not_changed_by_an_edit(client: TestClient) -> None:
    assert client.patch("/api/tag?name=red", json={"name": "x"}).status_code == 422


def test_who_is_kept_and_is_else_the_servers_user(
    client: TestClient, library: FolderLibrary
) -> None:
    client.post("/api/tags", json={"name": "a", "who": "小明"})
    client.post("/api/tags", json={"name": "b"})
    client.post("/api/tags/remove", json={"names": ["a"], "who": ""})
    whos = [change["who"] for change in client.get("/api/tags/history?limit=3").json()]
    assert whos == ["", getpass.getuser(), "小明"]


def test_history_and_undo(client: TestClient, library: FolderLibrary) -> None:
    client.post("/api/tags", json={"name": "a"})
    client.post("/api/tags", json={"name": "b"})
    assert [change["what"] for change in client.get("/api/tags/history?limit=2").json()] == [
        "b",
        "a",
    ]
    for _ in range(3):
        assert client.post("/api/tags/undo", json={"who": "ana"}).json()["undone"] is True
    assert list(library.tags) == []
    status, _, message = told(client.post("/api/tags/undo", json={}))
    assert status == 400
    assert "nothing to undo" in message


@pytest.mark.parametrize("limit", ["-1", "x", str(2**53)])
def test_a_limit_out_of_bounds_is_refused(client: TestClient, limit: str) -> None:
    for path in ("history", "suggestions", "similar"):
        assert client.get(f"/api/tags/{path}?limit={limit}").status_code == 422


# --- files ---


def _import(client: TestClient, name: str, content: str | bytes, **fields: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post("/api/tags/import", data=fields, files={"file": (name, data)})


def test_a_list_is_imported(client: TestClient, library: FolderLibrary) -> None:
    tags = [{"name": "猫", "aliases": ["cat"]}, {"name": "kitten", "parent": "猫"}, {"name": "red"}]
    body = {"tags": tags, "origin": "my list", "who": "ana"}
    report = from_json(ImportReport, client.post("/api/tags/import", json=body).json())
    assert report == ImportReport(added=2, unchanged=1)
    assert library.tags.get("kitten").parent == "猫"
    change = library.tags.history(1)[0]
    assert (change.what, change.who) == ("2 tags from my list", "ana")


def test_an_origin_may_look_like_a_file_or_a_starter(
    client: TestClient, library: FolderLibrary
) -> None:
    for name in ("voc.csv", "everyday", "../../etc/passwd", "猫.toml"):
        body = {"tags": [{"name": f"tag of {name}"}], "origin": name}
        assert client.post("/api/tags/import", json=body).status_code == 200
        assert library.tags.history(1)[0].what.endswith(f" from {name}")


def test_a_tag_of_a_list_that_cannot_be_is_told_with_its_place(client: TestClient) -> None:
    body = {"tags": [{"name": "ok"}, {"name": "猫", "threshold": 2}], "origin": "my list"}
    status, _, message = told(client.post("/api/tags/import", json=body))
    assert status == 400
    assert message.startswith("my list, tag 2 ('猫'), threshold: ")
    assert len(client.get("/api/tags").json()) == 1


def test_a_starter_is_imported(client: TestClient, library: FolderLibrary) -> None:
    starters = client.get("/api/tags/starters").json()
    assert starters == starter_vocabularies()
    answer = client.post("/api/tags/import", json={"starter": "everyday", "on_conflict": "skip"})
    assert answer.json()["added"] > 100
    assert library.tags.history(1)[0].what.endswith(" from everyday")


def test_no_file_of_the_server_is_read_as_a_starter(client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name\nsecret\n")
    status, _, message = told(client.post("/api/tags/import", json={"starter": str(secret)}))
    assert status == 400
    assert "everyday" in message
    assert len(client.get("/api/tags").json()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("标签.csv", 'name,aliases\n"a, b",猫|x/y\nred\n'),
        ("标签.JSON", '[{"name": "a, b", "aliases": ["猫", "x/y"]}, "red"]'),
        ("标签.toml", '[[tag]]\nname = "a, b"\naliases = ["猫", "x/y"]\n[[tag]]\nname = "red"\n'),
    ],
)  # fmt: skip
def test_a_file_is_imported(
    client: TestClient, library: FolderLibrary, name: str, content: str
) -> None:
    answer = _import(client, name, content, who="ana", on_conflict="update")
    assert (answer.json()["added"], answer.json()["unchanged"]) == (1, 1)
    assert library.tags.get("a, b").aliases == ("猫", "x/y")
    change = library.tags.history(1)[0]
    assert change.what.endswith(f" from {name}")
    assert change.who == "ana"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("标签.csv", "name,threshold\na,2\n", "标签.csv, line 2, column 2 (threshold): "),
        ("a.json", "{", "a.json, line 1, column 2: "),
        ("a.toml", "[[tag]]\nnme = 1\n", "a.toml, tag 1: there is no key 'nme'"),
        ("a.csv", b"name\n\xff\n", "a.csv, line 2, column 1: the text is not UTF-8"),
        ("notes.txt", "name\na\n", "notes.txt: the name of a vocabulary file ends in "),
        ("/etc/../a.csv", "name\n!\n", "a.csv, line 2, column 1 (name): "),
        ("C:\\lists\\a.csv", "name\n!\n", "a.csv, line 2, column 1 (name): "),
        ("x" * 300 + ".csv", "name\n!\n", "x" * 50 + ".csv, line 2, "),
    ],
)
def test_what_is_wrong_with_a_file_names_the_users_file(
    client: TestClient, name: str, content: str | bytes, message: str
) -> None:
    status, kind, found = told(_import(client, name, content))
    assert (status, kind) == (400, "InputError")
    assert "/tmp" not in found
    assert found.startswith(message)


def test_conflicts_are_answered_as_asked(client: TestClient, library: FolderLibrary) -> None:
    status, _, message = told(_import(client, "a.csv", "name\nred\n", on_conflict="error"))
    assert status == 400
    assert "'red'" in message
    _import(client, "a.csv", "name,aliases\nred,rouge\n", on_conflict="skip")
    assert library.tags.get("red").aliases == ()
    assert _import(client, "a.csv", "name\nred\n", on_conflict="never").status_code == 422


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {}},
        {"json": {"tags": [], "starter": "everyday"}},
        {"files": {"file": ("a.csv", b"name\na\n")}, "data": {"starter": "everyday"}},
        {"files": [("file", ("a.csv", b"name\na\n")), ("file", ("b.csv", b"name\nb\n"))]},
    ],
)
def test_an_import_is_of_one_thing(client: TestClient, request_: dict[str, Any]) -> None:
    status, kind, _ = told(client.post("/api/tags/import", **request_))
    assert (status, kind) == (400, "InputError")


def test_an_import_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, max_upload_bytes=1000) as (client, _):
        assert _import(client, "a.csv", "name\n" + "a\n" * 1000).status_code == 413


@pytest.mark.parametrize("format_", ["csv", "json", "toml"])
def test_what_is_exported_is_imported_again(
    client: TestClient, library: FolderLibrary, format_: str
) -> None:
    for name in STRANGE:
        library.tags.add(name, aliases=[f"{name}|"], prompts=["a {}, or\ntwo"], parent="red")
    before = list(library.tags)
    answer = client.get(f"/api/tags/export?format={format_}")
    assert answer.headers["content-disposition"] == f'attachment; filename="tags.{format_}"'
    assert format_ in answer.headers["content-type"]
    client.post("/api/tags/remove", json={"names": [tag.name for tag in before]})
    assert _import(client, f"tags.{format_}", answer.content).json()["added"] == len(before)
    assert list(library.tags) == before


def test_an_export_is_of_a_known_format(client: TestClient) -> None:
    assert client.get("/api/tags/export?format=xml").status_code == 422
    assert client.get("/api/tags/export").text.startswith("name,aliases,")


def test_exports_and_imports_leave_nothing_behind(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    client.get("/api/tags/export")
    _import(client, "a.csv", "name\na\n")
    _import(client, "a.csv", "name\n!\n")
    assert list(room.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.csv", "a.csv"), ("", "upload"), ("..", "upload"), ("a/", "upload"),
        ("dir/猫.csv", "猫.csv"), ("C:\\x\\y.toml", "y.toml"), ("a\x00\n.csv", "a.csv"),
        ("\ud800.csv", "?.csv"), (".csv", ".csv"), ("猫" * 200 + ".csv", "猫" * 50 + ".csv"),
    ],
)  # fmt: skip
def test_names_of_files_are_made_safe(given: str, name: str) -> None:
    assert safe_name(given) == name


def test_errors_keep_their_kind_and_lose_the_place() -> None:
    def fail(path: Path) -> None:
        raise InputError(f"{path}, line 1: no")

    with (
        pytest.raises(InputError, match=r"^my list, line 1: no$"),
        kept("a.csv", Path.touch, shown="my list") as path,
    ):
        fail(path)
    assert not path.parent.exists()


def test_keywords_become_tags(client: TestClient, library: FolderLibrary) -> None:
    report = client.post("/api/tags/keywords", json={"at_least": 2, "who": "ana"}).json()
    assert report["added"] == 0
    assert client.post("/api/tags/keywords").status_code == 200
    assert client.post("/api/tags/keywords", json={"at_least": -1}).status_code == 422


# --- what was computed ---


def test_counts(client: TestClient, library: FolderLibrary) -> None:
    library.tags.add("猫")
    assert client.get("/api/tags/counts").json() == to_json(library.tags.counts())
    some = client.get("/api/tags/counts", params={"where": "name = 'blue'"}).json()
    assert some == to_json(library.tags.counts("name = 'blue'"))


def test_counts_take_a_filter_of_either_form(client: TestClient) -> None:
    tree = {"kind": "match", "field": "name", "values": ["blue"]}
    as_text = client.post("/api/tags/counts", json={"where": "name = 'blue'"}).json()
    assert client.post("/api/tags/counts", json={"where": tree}).json() == as_text


def test_counts_with_a_bad_filter_are_refused(client: TestClient) -> None:
    status, kind, _ = told(client.get("/api/tags/counts", params={"where": "colour ="}))
    assert (status, kind) == (400, "QueryError")
    status, kind, _ = told(client.post("/api/tags/counts", json={"where": {"kind": "x"}}))
    assert (status, kind) == (400, "QueryError")


def test_counts_of_narrower_tags_are_counted_or_not(
    client: TestClient, library: FolderLibrary
) -> None:
    library.tags.add("colour", threshold=1.0)
    library.tags.edit("red", parent="colour")
    library.labels.set(id_of(library, "red0"), yes=["red"])
    for expand in (True, False):
        expected = to_json(library.tags.counts(expand=expand))
        asked = {"expand": str(expand).lower()}
        assert client.get("/api/tags/counts", params=asked).json() == expected
        assert client.post("/api/tags/counts", json={"expand": expand}).json() == expected


def test_the_spread_of_a_tag(client: TestClient, library: FolderLibrary) -> None:
    spread = client.get("/api/tag/spread", params={"name": "red", "bins": 10}).json()
    assert spread == to_json(library.tags.spread("red", bins=10))
    assert (len(spread["edges"]), sum(spread["counts"])) == (11, 5)
    for bins in ("0", "100000"):
        assert client.get("/api/tag/spread", params={"name": "red", "bins": bins}).is_error


def test_the_border_of_a_tag(client: TestClient, library: FolderLibrary) -> None:
    border = client.get("/api/tag/border", params={"name": "red", "threshold": 0.3, "k": 2}).json()
    assert border == to_json(library.tags.border("red", threshold=0.3, k=2))
    assert border["threshold"] == 0.3
    for wrong in ({"threshold": 2}, {"threshold": "nan"}, {"k": 0}):
        assert client.get("/api/tag/border", params={"name": "red", **wrong}).is_error


def test_suggestions_name_their_examples_by_id(
    client: TestClient, library: FolderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [picture.path for picture in library.pictures(k=2)]
    idea = TagIdea(name="猫", count=3, score=0.5, examples=(there[0], Path("/gone"), there[1]))
    monkeypatch.setattr(type(library.tags), "suggest", lambda self, limit: [idea][:limit])
    (found,) = client.get("/api/tags/suggestions?limit=1").json()
    assert found == {**to_json(idea), "example_ids": [library.picture(path).id for path in there]}


def test_real_suggestions_and_merges_are_answered(
    client: TestClient, library: FolderLibrary
) -> None:
    library.tags.add("reddish red", aliases=["红"])
    ideas = client.get("/api/tags/suggestions").json()
    assert [{k: v for k, v in idea.items() if k != "example_ids"} for idea in ideas] == to_json(
        library.tags.suggest()
    )
    assert all(len(idea["example_ids"]) == len(idea["examples"]) for idea in ideas)
    assert client.get("/api/tags/similar").json() == to_json(library.tags.similar())


def test_the_document_has_examples_that_are_accepted(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for name in ("TagIn", "EditIn", "RenameIn", "MergeIn", "RemoveIn", "CountsIn", "LabelIn"):
        assert schemas[name]["examples"], name
    content = document["paths"]["/api/tags/import"]["post"]["requestBody"]["content"]
    assert "file" in content["multipart/form-data"]["schema"]["properties"]
    for example in content["application/json"]["schema"]["examples"]:
        assert client.post("/api/tags/import", json=example).status_code == 200


def test_a_read_only_server_changes_nothing(tmp_path: Path) -> None:
    with served(tmp_path, read_only=True) as (client, library):
        assert client.post("/api/tags", json={"name": "a"}).status_code == 403
        assert client.patch("/api/tag?name=a", json={}).status_code == 403
        assert client.post("/api/tags/counts", json={}).status_code == 200
        assert list(library.tags) == []
