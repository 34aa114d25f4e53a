"""The tags of pictures over HTTP: of one, of many as lines, of uploaded ones."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from painting import paint
from PIL import Image
from starlette.testclient import TestClient
from tagged_server import STRANGE, id_of, served, told

from soutu.errors import StorageError
from soutu.library.folder import FolderLibrary
from soutu.types import ImageTags
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


def _png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "PNG")
    return out.getvalue()


def _lines(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def _tags(answer: Any) -> list[ImageTags]:
    return [from_json(ImageTags, line) for line in _lines(answer)]


# --- one picture ---


def test_the_tags_of_a_picture(client: TestClient, library: FolderLibrary) -> None:
    red = library.picture(id_of(library, "red0"))
    found = client.get(f"/api/images/{red.id}/tags").json()
    assert found == to_json(next(library.tag([red.id])))
    assert (found["id"], found["path"]) == (red.id, str(red.path))


def test_modes_and_how_many(client: TestClient, library: FolderLibrary) -> None:
    red = id_of(library, "red0")
    cases: list[dict[str, Any]] = [
        {"mode": "top", "k": 2}, {"mode": "softmax"}, {"mode": "softmax", "k": 1}
    ]  # fmt: skip
    for asked in cases:
        found = client.get(f"/api/images/{red}/tags", params=asked).json()
        assert found == to_json(next(library.tag([red], **asked)))


def test_all_tags_of_a_picture_are_told_whether_they_hold_or_not(
    client: TestClient, library: FolderLibrary
) -> None:
    library.tags.edit("blue", threshold=1.0)
    for name in "abcdef":
        library.tags.add(name)
    found = client.get(f"/api/images/{id_of(library, 'red0')}/tags?all=true").json()["tags"]
    assert {each["tag"] for each in found} == {tag.name for tag in library.tags}
    assert {each["tag"]: each["holds"] for each in found}["blue"] is False
    few = client.get(f"/api/images/{id_of(library, 'red0')}/tags?all=true&k=2").json()["tags"]
    assert few == found[:2]


def test_some_tags_of_a_picture(client: TestClient, library: FolderLibrary) -> None:
    asked: dict[str, Any] = {"all": True, "tag": ["猫/狗", "RED"]}
    found = client.get(f"/api/images/{id_of(library, 'red0')}/tags", params=asked).json()["tags"]
    assert {each["tag"] for each in found} == {"猫/狗", "red"}


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_is_told(client: TestClient, library: FolderLibrary, name: str) -> None:
    if name not in library.tags:
        library.tags.add(name)
    red = id_of(library, "red0")
    library.labels.set(red, yes=[name])
    found = client.get(f"/api/images/{red}/tags", params={"tag": name}).json()
    assert [each["tag"] for each in found["tags"]] == [name]
    (line,) = _lines(client.post("/api/tagging", json={"ids": [red], "tags": [name]}))
    assert line == found


def test_a_picture_has_its_labels_though_its_file_changed_since(
    client: TestClient, library: FolderLibrary
) -> None:
    red = library.picture(id_of(library, "red0"))
    library.labels.set(red.id, no=["red"])
    before = client.get(f"/api/images/{red.id}/tags?all=true").json()
    for content in (_png("blue"), b"broken"):
        red.path.write_bytes(content)
        assert client.get(f"/api/images/{red.id}/tags?all=true").json() == before
    red.path.unlink()
    assert client.get(f"/api/images/{red.id}/tags?all=true").json() == before


def test_an_unknown_picture_is_not_found(client: TestClient) -> None:
    assert told(client.get("/api/images/12345/tags"))[:2] == (404, "NotFound")


@pytest.mark.parametrize("wrong", [{"mode": "best"}, {"k": 0}, {"k": "many"}, {"all": "perhaps"}])
def test_a_question_of_the_wrong_shape_is_refused(
    client: TestClient, library: FolderLibrary, wrong: dict[str, Any]
) -> None:
    answer = client.get(f"/api/images/{id_of(library, 'red0')}/tags", params=wrong)
    assert told(answer)[:2] == (422, "InputError")


def test_an_unknown_tag_is_named(client: TestClient, library: FolderLibrary) -> None:
    red = id_of(library, "red0")
    answers = [
        client.get(f"/api/images/{red}/tags?tag=nobody"),
        client.post("/api/tagging", json={"ids": [red], "tags": ["nobody"]}),
        client.post("/api/tagging", json={"tags": ["nobody"]}),
        client.post("/api/tagging", data={"tags": '["x"]'}, files={"f": ("a.png", _png("red"))}),
    ]
    assert [told(answer)[0] for answer in answers] == [400, 400, 400, 422]
    assert all("nobody" in told(answer)[2] for answer in answers[:3])


def test_without_tags_there_is_nothing_to_tell(client: TestClient, library: FolderLibrary) -> None:
    library.tags.remove([tag.name for tag in library.tags])
    for answer in (
        client.get(f"/api/images/{id_of(library, 'red0')}/tags?all=true"),
        client.post("/api/tagging", json={}),
        client.post("/api/tagging", json={"ids": []}),
    ):
        status, kind, message = told(answer)
        assert (status, kind) == (400, "InputError")
        assert "no tags yet" in message


# --- many ---


def test_pictures_are_tagged_by_id_in_the_order_asked(
    client: TestClient, library: FolderLibrary
) -> None:
    ids = [id_of(library, name) for name in ("blue", "red2", "blue", "green")]
    asked = {"mode": "top", "k": 2, "tags": ["red", "blue"]}
    found = _tags(client.post("/api/tagging", json={"ids": ids, **asked}))
    assert found == list(library.tag(ids, **asked))  # type: ignore[arg-type]
    assert [each.id for each in found] == ids


def test_the_whole_library_is_tagged(client: TestClient, library: FolderLibrary) -> None:
    assert _tags(client.post("/api/tagging", json={})) == list(library.tag())
    assert _tags(client.post("/api/tagging", json={"ids": None, "mode": "softmax"})) == list(
        library.tag(mode="softmax")
    )


def test_no_ids_have_no_lines(client: TestClient) -> None:
    assert _lines(client.post("/api/tagging", json={"ids": []})) == []


def test_every_unknown_id_is_told_before_anything_is_sent(
    client: TestClient, library: FolderLibrary
) -> None:
    ids = [*(each.id for each in library.pictures()), 12345] * 20
    status, kind, message = told(client.post("/api/tagging", json={"ids": [*ids[:-1], 54321]}))
    assert (status, kind) == (404, "NotFound")
    assert "12345" in message


@pytest.mark.parametrize(
    "body", [{"ids": "all"}, {"ids": [0]}, {"ids": [2**60]}, {"mode": "best"}, {"paths": ["/x"]}]
)
def test_a_request_of_the_wrong_shape_is_refused(client: TestClient, body: Any) -> None:
    assert told(client.post("/api/tagging", json=body))[:2] == (422, "InputError")


def test_fewer_than_one_tag_are_refused(client: TestClient) -> None:
    assert told(client.post("/api/tagging", json={"k": 0}))[:2] == (400, "InputError")


def test_an_empty_library_says_so(tmp_path: Path) -> None:
    with served(tmp_path) as (client, library):
        library.remove([tmp_path])
        library.tags.add("red")
        assert _lines(client.post("/api/tagging", json={})) == []


# --- uploaded pictures ---


def test_uploaded_pictures_are_tagged_in_their_order(client: TestClient) -> None:
    files = [("files", ("红.png", _png("red"))), ("more", ("a/b.png", _png("blue")))] * 40
    asked = {"query": json.dumps({"mode": "top", "k": 1})}
    found = _tags(client.post("/api/tagging", data=asked, files=files))
    assert [str(each.path) for each in found] == ["红.png", "a/b.png"] * 40
    assert [each.tags[0].tag for each in found] == ["red", "blue"] * 40
    assert {each.id for each in found} == {None}


def test_a_form_needs_nothing_but_pictures(client: TestClient) -> None:
    (found,) = _tags(client.post("/api/tagging", files={"f": ("x.png", _png("red"))}))
    assert "red" in {each.tag for each in found.tags}
    (few,) = _tags(
        client.post(
            "/api/tagging", data={"mode": "top", "k": "1"}, files={"f": ("x.png", _png("red"))}
        )
    )
    assert len(few.tags) == 1


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\xff" * 20]
)
def test_a_picture_that_cannot_be_read_is_named(client: TestClient, content: bytes) -> None:
    bad = ("f", ("坏.png", content))
    status, kind, message = told(client.post("/api/tagging", files=[bad]))
    assert (status, kind) == (400, "QueryError")
    assert "'坏.png'" in message
    good = ("f", ("x.png", _png("red")))
    lines = _lines(client.post("/api/tagging", files=[good, bad, good]))
    assert [sorted(line) for line in lines] == [["id", "path", "tags"], ["error"]]
    assert lines[1]["error"] == {"kind": "QueryError", "message": message}


@pytest.mark.parametrize("query", ["[1]", "{", '{"ids": [1]}', '{"mode": "best"}'])
def test_a_query_beside_pictures_is_checked(client: TestClient, query: str) -> None:
    files = {"f": ("x.png", _png("red"))}
    answer = client.post("/api/tagging", data={"query": query}, files=files)
    assert told(answer)[0] in {400, 422}


def test_pictures_come_with_no_more_than_is_allowed(tmp_path: Path) -> None:
    with served(tmp_path, max_upload_bytes=4000) as (client, library):
        library.tags.add("red")
        answer = client.post("/api/tagging", files={"f": ("x.png", b"x" * 5000)})
        assert told(answer)[:2] == (413, "TooLarge")


def test_a_read_only_server_tags(tmp_path: Path) -> None:
    with served(tmp_path, read_only=True) as (client, library):
        library.tags.add("red")
        assert len(_lines(client.post("/api/tagging", json={}))) == 5


# --- streams ---


def _endless(
    library: FolderLibrary, seen: list[str], trouble: Exception | None = None
) -> Callable[..., Iterator[ImageTags]]:
    tags = next(library.tag())

    def tag(_self: object, *_args: object, **_options: object) -> Iterator[ImageTags]:
        try:
            while True:
                seen.append("made")
                yield tags
                if trouble is not None:
                    raise trouble
        finally:
            seen.append("closed")

    return tag


@pytest.mark.parametrize(
    ("trouble", "told_"),
    [
        (StorageError("the disk is full"), {"kind": "StorageError", "message": "the disk is full"}),
        (ValueError("x"), {"kind": "Bug", "message": "this is a bug in soutu: ValueError"}),
    ],
)
def test_what_goes_wrong_on_the_way_is_told_in_the_last_line(
    client: TestClient,
    library: FolderLibrary,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
    told_: dict[str, str],
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(FolderLibrary, "tag", _endless(library, seen, trouble))
    lines = _lines(client.post("/api/tagging", json={}))
    assert lines[0]["path"]
    assert lines[1:] == [{"error": told_}]
    assert seen == ["made", "closed"]


def test_a_client_that_goes_away_ends_the_work(
    client: TestClient, library: FolderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(FolderLibrary, "tag", _endless(library, seen))
    answered = _ask(client, b"{}", leave_after=3)
    assert [each["type"] for each in answered[:2]] == ["http.response.start", "http.response.body"]
    assert seen[-1] == "closed"
    # What was made is what was taken, and a little ahead; nothing gathers.
    assert seen.count("made") <= 256 * (len(answered) + 2)


def test_a_client_that_goes_away_at_once_leaves_no_file_open(
    client: TestClient, library: FolderLibrary, tmp_path: Path
) -> None:
    """Files still open at the end would warn, and warnings fail."""
    picture = paint(tmp_path / "big.png", "red", size=64).read_bytes()
    request = client.build_request("POST", "/api/tagging", files={"f": ("x.png", picture)})
    _ask(client, request.read(), leave_after=1, media=request.headers["content-type"])


def _ask(
    client: TestClient, body: bytes, *, leave_after: int, media: str = "application/json"
) -> list[Any]:
    """Send a request to the application itself, and hang up after some messages."""
    answered: list[Any] = []

    async def talk() -> None:
        gone, asked = anyio.Event(), [{"type": "http.request", "body": body}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            answered.append(message)
            if len(answered) >= leave_after:
                gone.set()

        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1", "method": "POST", "path": "/api/tagging", "raw_path": b"",
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("localhost", 80),
            "client": ("127.0.0.1", 5), "headers": [(b"host", b"localhost"),
            (b"content-type", media.encode()), (b"content-length", str(len(body)).encode())],
        }  # fmt: skip
        with anyio.fail_after(60):
            await client.app(scope, receive, send)

    anyio.run(talk)
    return answered
