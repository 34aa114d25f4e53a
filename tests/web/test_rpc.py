"""The gRPC service: the same library, by other means."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from painting import paint
from small_server import small_server

from soutu.errors import InputError
from soutu.types import Box, Query, Term
from soutu.web.rpc import soutu_pb2 as pb
from soutu.web.rpc.serving import start_grpc
from soutu.web.rpc.soutu_pb2_grpc import SoutuStub
from soutu.web.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with small_server(tmp_path, colours=("red", "green", "blue")) as made:
        yield made
        made.jobs.close()


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    running = start_grpc(server, "127.0.0.1", 0)
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as opened:
        yield opened
    running.stop(0)


@pytest.fixture
def stub(channel: grpc.Channel) -> Any:
    return SoutuStub(channel)  # type: ignore[no-untyped-call]


def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    """Return the status and message of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        list(found) if hasattr(found := call(), "__iter__") else found
    return caught.value.code(), caught.value.details()


def test_search_finds_what_the_library_finds(server: Server, stub: Any) -> None:
    """Ids, paths as bytes, scores and relevances, in the same order."""
    red = server.library.search("red", k=1)[0]
    picture = red.path.read_bytes()
    for asked, query in (
        ([pb.Term(text="red")], Query(terms=(Term(text="red"),))),
        ([pb.Term(id=red.id)], Query(terms=(Term(image=red.id),))),
        (
            [pb.Term(image=picture, box=pb.Box(right=1, bottom=0.5))],
            Query(terms=(Term(image=picture, box=Box(0, 0, 1, 0.5)),)),
        ),
        (
            [pb.Term(text="red"), pb.Term(text="blue", weight=-0.5)],
            Query(terms=(Term(text="red"), Term(text="blue", weight=-0.5))),
        ),
    ):
        answer = stub.Search(pb.SearchRequest(terms=asked, k=2, start=1))
        expected = server.library.search(query, k=2, start=1)
        assert [each.id for each in answer.hits] == [each.id for each in expected]
        assert [Path(os.fsdecode(each.path)) for each in answer.hits] == [
            each.path for each in expected
        ]
        scores = [each.relevance for each in answer.hits]
        assert scores == pytest.approx([each.relevance for each in expected], abs=1e-6)


def test_filters_and_tags_of_a_search(server: Server, stub: Any) -> None:
    """They mean what they mean elsewhere."""
    server.library.tags.add("red", threshold=0.5)
    [red] = stub.Search(pb.SearchRequest(tags=["red"])).hits
    assert os.fsdecode(red.path).endswith("red.png")
    assert not stub.Search(pb.SearchRequest(tags=["red"], where="width > 10000")).hits


def test_tags_of_pictures(server: Server, stub: Any, tmp_path: Path) -> None:
    """By id and by content, in the order given."""
    server.library.tags.add("red")
    server.library.tags.add("green")
    red = server.library.search("red", k=1)[0]
    other = paint(tmp_path / "other.png", "green", seed=7).read_bytes()
    images = [pb.Image(content=other), pb.Image(id=red.id)]
    found = list(stub.Tag(pb.TagRequest(images=images, mode=pb.TAG_MODE_TOP, k=1)))
    assert [(each.id, [s.tag for s in each.tags]) for each in found] == [
        (0, ["green"]),
        (red.id, ["red"]),
    ]


def test_vectors_for_other_programs(server: Server, stub: Any) -> None:
    """Texts and pictures lie in the library's space; rows follow each other."""
    expected = server.library.encode([Term(text="red"), Term(text="blue")])
    texts = stub.EncodeTexts(pb.EncodeTextsRequest(texts=["red", "blue"]))
    assert (texts.model, texts.revision) == (expected.model, expected.revision)
    rows = np.array(texts.values, np.float32).reshape(2, texts.dim)
    np.testing.assert_array_equal(rows, expected.vectors)
    picture = server.library.search("red", k=1)[0].path.read_bytes()
    [image] = np.array(
        stub.EncodeImages(pb.EncodeImagesRequest(images=[picture])).values, np.float32
    ).reshape(1, -1)
    np.testing.assert_array_equal(image, server.library.encode([Term(image=picture)]).vectors[0])


def test_indexing_tells_how_far_it_is(server: Server, stub: Any, tmp_path: Path) -> None:
    """Progress first, the report last; failures are in it."""
    paint(tmp_path / "more" / "white.png", "white")
    (tmp_path / "more" / "bad.jpg").write_bytes(b"no picture")
    request = pb.IndexRequest(paths=[os.fsencode(tmp_path / "more")])
    *progress, last = stub.Index(request)
    assert {each.WhichOneof("what") for each in progress} == {"progress"}
    assert (last.report.added, len(last.report.failures)) == (1, 1)
    assert last.report.failures[0].path.endswith(b"bad.jpg")
    assert server.library.count() == 4


def test_a_caller_that_goes_away_stops_the_run(server: Server, stub: Any) -> None:
    """What waits in the queue is dropped, what runs is asked to stop."""
    go = threading.Event()
    first = server.jobs.start("wait", lambda _watch, _stop: go.wait(30))
    call = stub.Index(pb.IndexRequest(paths=[b"/nowhere"]))
    while len(server.jobs.list()) < 2:
        server.jobs.wait(server.jobs.changes, 0.05)
    call.cancel()
    index = server.jobs.list()[0]
    seen = server.jobs.changes
    while server.jobs.get(index.id).state == "waiting":  # type: ignore[union-attr]
        seen = server.jobs.wait(seen, 0.05)
    assert server.jobs.get(index.id).state == "stopped"  # type: ignore[union-attr]
    assert server.jobs.get(first.id).state == "running"  # type: ignore[union-attr]
    go.set()


def test_bad_input_is_explained(stub: Any) -> None:
    """The status says whose fault it is, the message what to do."""
    code = grpc.StatusCode.INVALID_ARGUMENT
    for call, words in (
        (lambda: stub.Search(pb.SearchRequest()), "the query is empty"),
        (lambda: stub.Search(pb.SearchRequest(terms=[pb.Term()])), "one of text, id and image"),
        (lambda: stub.Search(pb.SearchRequest(terms=[pb.Term(id=5)])), "no picture with the id 5"),
        (lambda: stub.Search(pb.SearchRequest(tags=["a"], where="x")), "cannot read the filter"),
        (lambda: stub.Search(pb.SearchRequest(terms=[pb.Term(image=b"x")])), "cannot search by"),
        (lambda: stub.Tag(pb.TagRequest(images=[pb.Image(id=1)])), "there are no tags yet"),
        (lambda: stub.EncodeImages(pb.EncodeImagesRequest(images=[b"x"])), "cannot encode"),
        (lambda: stub.Index(pb.IndexRequest(paths=[b"/nowhere"])), "/nowhere"),
    ):
        status, message = refused(call)
        assert (status, words in message) == (code, True), message


def test_a_token_guards_all_but_health(tmp_path: Path) -> None:
    """With it calls are answered; without it, or with another, they are not."""
    with small_server(tmp_path, token="let me in") as server:
        running = start_grpc(server, "127.0.0.1", 0)
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            stub: Any = SoutuStub(channel)  # type: ignore[no-untyped-call]
            asked = pb.SearchRequest(terms=[pb.Term(text="red")])
            assert refused(lambda: stub.Search(asked))[0] == grpc.StatusCode.UNAUTHENTICATED
            wrong = [("authorization", "Bearer let me out")]
            code, _ = refused(lambda: stub.Search(asked, metadata=wrong))
            assert code == grpc.StatusCode.UNAUTHENTICATED
            index = pb.IndexRequest(paths=[b"/"])
            assert refused(lambda: stub.Index(index))[0] == grpc.StatusCode.UNAUTHENTICATED
            right = [("authorization", "Bearer let me in")]
            assert len(stub.Search(asked, metadata=right).hits) == 2
            health = health_pb2_grpc.HealthStub(channel)
            answer = health.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        running.stop(0)
        server.jobs.close()


def test_a_read_only_server_indexes_nothing(tmp_path: Path) -> None:
    """Questions are answered, changes refused."""
    with small_server(tmp_path, read_only=True) as server:
        running = start_grpc(server, "127.0.0.1", 0)
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            stub: Any = SoutuStub(channel)  # type: ignore[no-untyped-call]
            code, _ = refused(lambda: stub.Index(pb.IndexRequest(paths=[b"/"])))
            assert code == grpc.StatusCode.PERMISSION_DENIED
        running.stop(0)
        server.jobs.close()


def test_tools_can_ask_what_there_is(channel: grpc.Channel) -> None:
    """Reflection lists the services."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    [answer] = stub.ServerReflectionInfo(iter([asked]))
    names = {each.name for each in answer.list_services_response.service}
    assert {"soutu.v1.Soutu", "grpc.health.v1.Health"} <= names


def test_a_taken_port_is_refused(server: Server) -> None:
    """The message names it."""
    running = start_grpc(server, "127.0.0.1", 0)
    with pytest.raises(InputError, match=f"port {running.port} for gRPC"):
        start_grpc(server, "127.0.0.1", running.port)
    running.stop(0)
