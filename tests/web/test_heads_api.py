"""Trained heads over HTTP: what the doors' own tests cannot send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from painting import ColourEncoder
from starlette.testclient import TestClient
from tagged_server import served

from soutu.heads import HeadEncoder, HeadFacts, LinearHead, save_head


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with served(tmp_path) as (client, _):
        yield client


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[str, tuple[str, bytes]]]:
    """The files of a head, as a form sends them."""
    facts = ColourEncoder().facts
    save_head(
        tmp_path / "head",
        LinearHead(weights=np.ones((1, facts.dim), np.float32), bias=np.zeros(1, np.float32)),
        HeadFacts(
            classes=("any",),
            thresholds=(0.5,),
            encoder=HeadEncoder(name=facts.name, revision=facts.revision, dim=facts.dim),
            method="logistic",
        ),
    )
    return [("file", (each.name, each.read_bytes())) for each in (tmp_path / "head").iterdir()]


def test_a_head_is_sent_listed_and_dropped(
    client: TestClient, files: list[tuple[str, tuple[str, bytes]]]
) -> None:
    data = {"query": json.dumps({"tags": {"any": "every"}, "who": "ana"})}
    answer = client.post("/api/heads", data=data, files=files)
    assert answer.status_code == 200
    assert (answer.json()["tags"], answer.json()["added"]) == (["every"], ["every"])
    [use] = client.get("/api/heads").json()
    assert use["head"]["idle"] is None
    assert client.get("/api/tag?name=every").json()["source"] == "head"
    assert client.post("/api/heads/drop").json() == {"dropped": 1}
    assert client.get("/api/heads").json() == []


def test_what_is_no_head_is_refused_without_naming_the_servers_folders(
    client: TestClient, files: list[tuple[str, tuple[str, bytes]]]
) -> None:
    for sent in ([], files[:1] * 2, [("file", ("../x", b""))], [("file", ("other.bin", b""))]):
        answer = client.post("/api/heads", data={"query": "{}"}, files=sent)
        assert answer.status_code in {400, 422}
    broken = [("file", ("head.json", b"{}"))]
    answer = client.post("/api/heads", data={"query": "{}"}, files=broken)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("the uploaded head/head.json has the")
    assert client.post("/api/heads", json={"tags": None}).status_code == 400
    assert client.get("/api/heads").json() == []
