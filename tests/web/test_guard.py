"""Who may ask, from where, and how much."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from small_server import client_of, small_server

from soutu.errors import InputError
from soutu.web.guard import COOKIE
from soutu.web.settings import Settings

TOKEN = "a long, random text"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with small_server(tmp_path, max_upload_bytes=100_000) as server, client_of(server) as found:
        yield found


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[TestClient]:
    with small_server(tmp_path, token=TOKEN) as server, client_of(server) as found:
        yield found


def picture(width: int, height: int) -> bytes:
    """Write a PNG of one colour, which is small whatever its sides."""
    out = io.BytesIO()
    Image.new("1", (width, height)).save(out, "PNG")
    return out.getvalue()


# --- tokens ---


@pytest.mark.parametrize(
    "path", ["/api/status", "/api/search?q=red", "/api/jobs", "/api/events", "/metrics",
             "/openapi.json", "/api/images/1/file", "/api/nothing"],
)  # fmt: skip
def test_without_the_token(guarded: TestClient, path: str) -> None:
    """Nothing of the library is told; the answer says how to ask."""
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Bearer TOKEN" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/tags"])
def test_open_to_all(guarded: TestClient, path: str) -> None:
    """The page's own files and the health checks are."""
    assert guarded.get(path).status_code == 200


def test_bearer(guarded: TestClient) -> None:
    """The token goes into a header, with any case of the scheme's name."""
    for scheme in ("Bearer", "bearer"):
        headers = {"authorization": f"{scheme} {TOKEN}"}
        assert guarded.get("/api/status", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "given", ["", "wrong", "a long, random", "Basic a", "a long, random text" * 100]
)
def test_wrong_tokens(guarded: TestClient, given: str) -> None:
    """None of them passes, whatever it has in common with the right one."""
    assert guarded.get("/api/status", headers={"authorization": f"Bearer {given}"}).status_code == (
        401
    )
    assert guarded.get("/api/status", headers={"cookie": f"{COOKIE}={given}"}).status_code == 401
    assert guarded.post("/api/session", json={"token": given}).status_code == 401


def test_session(guarded: TestClient) -> None:
    """The token is given once; a cookie that no script reads stands for it."""
    answer = guarded.post("/api/session", json={"token": TOKEN})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert "Secure" not in cookie
    assert guarded.get("/api/status").status_code == 200
    assert guarded.delete("/api/session").status_code == 204
    assert guarded.get("/api/status").status_code == 401


def test_session_over_tls(tmp_path: Path) -> None:
    """There the cookie never travels without it."""
    with small_server(tmp_path, token=TOKEN) as server, client_of(server) as client:
        client.base_url = "https://127.0.0.1:8770"
        answer = client.post("/api/session", json={"token": TOKEN})
        assert "Secure" in answer.headers["set-cookie"]


def test_session_without_a_token(client: TestClient) -> None:
    """There is nothing to prove, and nothing is set."""
    answer = client.post("/api/session", json={"token": "x"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.4", "::", "pics.example.org"])
def test_other_hosts_need_a_token(host: str) -> None:
    """A server that others reach does not start without one."""
    with pytest.raises(InputError, match="--token-file"):
        Settings(host=host)
    assert Settings(host=host, token="x").host == host


@pytest.mark.parametrize("token", ["", "  ", "two\nlines", "秘密"])
def test_tokens_that_no_header_carries(token: str) -> None:
    """They are refused at the start, not when somebody cannot log in."""
    with pytest.raises(InputError, match="the token"):
        Settings(token=token)


# --- names and origins ---


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8770", "127.0.0.1.evil.example"])
def test_another_name(client: TestClient, host: str) -> None:
    """A site that points its own name here (DNS rebinding) gets nothing, not even the page."""
    for path in ("/", "/api/status", "/healthz"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403
    assert "--allow-host" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]:8770", "192.168.0.4", "Pics.Lan"]
)
def test_known_names(tmp_path: Path, host: str) -> None:
    """Addresses in figures, localhost, and what was allowed."""
    with small_server(tmp_path, hosts=("pics.lan",)) as server, client_of(server) as client:
        assert client.get("/api/status", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites(client: TestClient, headers: dict[str, str]) -> None:
    """Pages of other sites, of other ports too, neither read nor change anything."""
    assert client.get("/api/status", headers=headers).status_code == 403
    assert client.post("/api/search", json={}, headers=headers).status_code == 403


def test_the_page_itself(client: TestClient) -> None:
    """Its own requests pass, and a link on another site leads to the page."""
    own = {"origin": "http://127.0.0.1:8770", "sec-fetch-site": "same-origin"}
    assert client.get("/api/status", headers=own).status_code == 200
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_security_headers(client: TestClient) -> None:
    """Every answer has them, refusals too."""
    for path, host in (("/", "localhost"), ("/api/status", "localhost"), ("/", "evil.example")):
        headers = client.get(path, headers={"host": host}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers


# --- read-only ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/jobs/index"),
        ("POST", "/api/jobs/1/stop"),
        ("POST", "/api/images/remove"),
        ("POST", "/api/tags"),
        ("PATCH", "/api/tag?name=x"),
        ("POST", "/api/labels"),
        ("DELETE", "/api/models/vectors?model=x"),
        ("GET", "/api/folders"),
    ],
)
def test_read_only(tmp_path: Path, method: str, path: str) -> None:
    """Nothing that changes the library is answered."""
    with small_server(tmp_path, read_only=True) as server, client_of(server) as client:
        answer = client.request(method, path, json={})
        assert answer.status_code == 403
        assert "read-only" in answer.json()["error"]["message"]


def test_read_only_answers_questions(tmp_path: Path) -> None:
    """Searches with a body are questions."""
    with small_server(tmp_path, read_only=True) as server, client_of(server) as client:
        asked = {"terms": [{"text": "red"}], "k": 1}
        hit = client.post("/api/search", json=asked).json()["hits"][0]
        assert hit["path"].endswith("red.png")


# --- sizes ---


def test_a_body_that_tells_it_is_too_large(client: TestClient) -> None:
    """It is refused before it is read."""
    answer = client.post("/api/search", content=b"x" * 100_001)
    assert answer.status_code == 413
    assert answer.json()["error"]["kind"] == "TooLarge"


@pytest.mark.parametrize("path", ["/api/search", "/api/session", "/api/jobs/index"])
def test_a_body_that_does_not_tell(client: TestClient, path: str) -> None:
    """It is refused as soon as it is too long."""

    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    answer = client.post(path, content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"]["kind"] == "TooLarge"


def upload(client: TestClient, content: bytes) -> Any:
    asked = {"terms": [{"upload": "a"}], "k": 1}
    files = {"a": ("a.png", content)}
    return client.post("/api/search", data={"query": json.dumps(asked)}, files=files)


def test_a_picture_of_too_many_pixels(tmp_path: Path) -> None:
    """It is refused by its header; nothing is decoded."""
    with small_server(tmp_path, max_megapixels=1.0) as server, client_of(server) as client:
        answer = upload(client, picture(2000, 1000))
        assert answer.status_code == 413
        assert "2,000 × 1,000 pixels" in answer.json()["error"]["message"]
        assert upload(client, picture(1000, 1000)).status_code == 200


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_picture(client: TestClient, content: bytes) -> None:
    """It is named as the upload it is."""
    answer = upload(client, content)
    assert answer.status_code == 400
    assert "cannot search by the uploaded picture" in answer.json()["error"]["message"]


# --- pictures on the web ---


def test_urls_are_off(client: TestClient) -> None:
    """A query cannot make the server fetch anything."""
    answer = client.post("/api/search", json={"terms": [{"url": "http://1.1.1.1/a.jpg"}]})
    assert answer.status_code == 400
    assert "--allow-urls" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://169.254.169.254/",
     "file:///etc/passwd", "gopher://127.0.0.1/", "http:///", "//127.0.0.1/"],
)  # fmt: skip
def test_urls_of_private_places(tmp_path: Path, url: str) -> None:
    """Also where URLs are allowed, they lead to the public internet only."""
    with small_server(tmp_path, urls=True) as server, client_of(server) as client:
        answer = client.post("/api/search", json={"terms": [{"url": url}]})
        assert answer.status_code == 400
        message = answer.json()["error"]["message"]
        assert "public internet" in message or "no address on the web" in message


def test_urls_have_a_number(tmp_path: Path) -> None:
    """One request cannot make the server fetch dozens."""
    with small_server(tmp_path, urls=True) as server, client_of(server) as client:
        asked = {"terms": [{"url": "http://127.0.0.1/"}] * 5}
        assert "at most 4" in client.post("/api/search", json=asked).json()["error"]["message"]


# --- paths ---


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
     "/static/../../app.py", "/api/images/..%2f..%2fetc%2fpasswd/file", "/....//etc/passwd",
     "/%00", "/api/images/1%2f..%2f2/file", "//etc/passwd", "/app.py", "/\\..\\..\\x.txt"],
)  # fmt: skip
def test_paths_that_climb(client: TestClient, path: str) -> None:
    """No path of a request is ever opened: it is the page, or nothing."""
    answer = client.get(path)
    assert "root:" not in answer.text
    assert "FastAPI" not in answer.text
    if answer.status_code == 200:
        assert answer.text == client.get("/").text
    else:
        assert answer.status_code in {404, 422}


def test_files_outside_the_library(client: TestClient, tmp_path: Path) -> None:
    """What is not indexed is not there, whatever it is asked by."""
    (tmp_path / "secret.png").write_bytes(picture(1, 1))
    path = str(tmp_path / "secret.png")
    assert client.get("/api/images/lookup", params={"path": path}).status_code == 404
    answer = client.post("/api/search", json={"terms": [{"upload": path}]})
    assert "no file" in answer.json()["error"]["message"]
