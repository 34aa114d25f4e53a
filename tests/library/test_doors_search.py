"""Searches through every door: the same hits, the same errors."""

from __future__ import annotations

from typing import Any

import pytest
from library_doors import STRANGE, Asks, Doors

from soutu.types import All, AnyOf, Box, HasId, Match, Not, Query, Range, Term

wrong: Any = Query  # whose types are not checked here, as a caller's may not be
SEARCHES: Asks = {
    "words": lambda a, d: a.search("red"),
    "zh": lambda a, d: a.search("红"),
    "path": lambda a, d: a.search(image=d.photos / "red.png"),
    "str path": lambda a, d: a.search(image=str(d.photos / "red.png"), k=3),
    "other": lambda a, d: a.search(image=d.other / "pink.png"),
    "other zh": lambda a, d: a.search(image=d.other / "新.png"),
    "strange": lambda a, d: a.search(image=d.strange),
    "bytes": lambda a, d: a.search(image=(d.other / "pink.png").read_bytes()),
    "id": lambda a, d: a.search(image=d.red),
    "both": lambda a, d: a.search("blue", image=d.red, minus="green"),
    "where": lambda a, d: a.search("red", where="format = 'PNG' AND width < 20"),
    "where tree": lambda a, d: a.search(
        "red", where=All((Match("format", ("JPEG",)), Not(HasId((1,)))))
    ),
    "where any": lambda a, d: a.search(
        "red", where=AnyOf((Range(field="width", gte=30), Match("name", ("red.png",))))
    ),
    "where tag": lambda a, d: a.search("red", where="tag = 'blue'"),
    "where tagtree": lambda a, d: a.search("red", where=Match("tag", ("blue", "绿色"))),
    "where strange": lambda a, d: a.search("red", where=Match("folder", (str(d.strange),))),
    "where d.strange name": lambda a, d: a.search("red", where=Match("name", (STRANGE,))),
    "where d.strange text": lambda a, d: a.search("red", where=f"name = '{STRANGE}'"),
    "words strange": lambda a, d: a.search(STRANGE),
    "keywords strange": lambda a, d: a.search(Query(keywords=STRANGE)),
    "tags strange": lambda a, d: a.search(Query(tags=(STRANGE,))),
    "tags": lambda a, d: a.search(Query(tags=("red", "!blue"))),
    "tags noexp": lambda a, d: a.search(Query(tags=("colour",), expand=False)),
    "keywords": lambda a, d: a.search(Query(keywords="red")),
    "keywords zh": lambda a, d: a.search(Query(keywords="猫", terms=(Term(text="green"),))),
    "diversity": lambda a, d: a.search(Query(terms=(Term(text="blue"),), diversity=0.7)),
    "box": lambda a, d: a.search(Query(terms=(Term(image=d.red, box=Box(0, 0, 0.5, 0.5)),))),
    "box path": lambda a, d: a.search(
        Query(
            terms=(
                Term(image=d.photos / "sub" / "blue.png", box=Box(0, 0.25, 0.5, 1)),
                Term(text="red", weight=0.5),
            )
        )
    ),
    "box int": lambda a, d: a.search(
        Query(terms=(Term(image=d.other / "pink.png", box=Box(0, 0, 1, 1)),))
    ),
    "page": lambda a, d: a.search("red", k=3, start=2),
    "page0": lambda a, d: a.search("red", k=0),
    "page-1": lambda a, d: a.search("red", k=-1),
    "page start-1": lambda a, d: a.search("red", start=-1),
    "page past": lambda a, d: a.search("red", start=50),
    "minrel": lambda a, d: a.search("red", min_relevance=0.5),
    "minrel2": lambda a, d: a.search("red", min_relevance=2),
    "minrel2kw": lambda a, d: a.search(Query(keywords="red"), min_relevance=2),
    "minrel page": lambda a, d: a.search("red", min_relevance=0.3, k=2, start=1),
    "minrel-1": lambda a, d: a.search("red", min_relevance=-1),
    "minrel nan": lambda a, d: a.search("red", min_relevance=float("nan")),
    "minrel inf": lambda a, d: a.search("red", min_relevance=float("inf")),
    "k big": lambda a, d: a.search("red", k=5000),
    "empty": lambda a, d: a.search(),
    "empty2": lambda a, d: a.search(""),
    "empty where": lambda a, d: a.search("red", where=""),
    "empty where2": lambda a, d: a.search("red", where="  "),
    "empty kw": lambda a, d: a.search(Query(keywords=" ")),
    "bad where": lambda a, d: a.search("red", where="camera ="),
    "bad where2": lambda a, d: a.search("red", where="colour = 'x'"),
    "bad where tree": lambda a, d: a.search("red", where=Match("colour", ("x",))),
    "bad where tree2": lambda a, d: a.search("red", where=Range(field="camera", gte=1)),
    "where no tag": lambda a, d: a.search("red", where="tag = 'nope'"),
    "where tree inf": lambda a, d: a.search("red", where=Range(field="width", lt=float("inf"))),
    "where empty all": lambda a, d: a.search("red", where=All()),
    "where empty any": lambda a, d: a.search("red", where=AnyOf()),
    "bad bytes": lambda a, d: a.search(image=b"no picture"),
    "empty bytes": lambda a, d: a.search(image=b""),
    "bad file": lambda a, d: a.search(image=d.other / "broken.png"),
    "bad file indexed": lambda a, d: a.search(image=d.photos / "broken.jpg"),
    "no file": lambda a, d: a.search(image=d.other / "nope.png"),
    "no file rel": lambda a, d: a.search(image="nope.png"),
    "strange no file": lambda a, d: a.search(image=d.other / STRANGE),
    "folder file": lambda a, d: a.search(image=d.photos),
    "no id": lambda a, d: a.search(image=999),
    "id0": lambda a, d: a.search(image=0),
    "id -1": lambda a, d: a.search(image=-1),
    "id big": lambda a, d: a.search(image=2**70),
    "no tag": lambda a, d: a.search(Query(tags=("nope",))),
    "empty tag": lambda a, d: a.search(Query(tags=("",))),
    "tags str": lambda a, d: a.search(wrong(tags="red")),
    "tags int": lambda a, d: a.search(wrong(tags=(3,))),
    "terms str": lambda a, d: a.search(wrong(terms="red")),
    "div2": lambda a, d: a.search(Query(terms=(Term(text="a"),), diversity=2)),
    "weight nan": lambda a, d: a.search(Query(terms=(Term(text="a", weight=float("nan")),))),
    "weight big": lambda a, d: a.search(Query(terms=(Term(text="a", weight=1e9),))),
    "weight 0": lambda a, d: a.search(Query(terms=(Term(text="a", weight=0),))),
    "cancel": lambda a, d: a.search(Query(terms=(Term(text="red"), Term(text="red", weight=-1)))),
    "both term": lambda a, d: a.search(Query(terms=(Term(text="red", image=1),))),
    "no term": lambda a, d: a.search(Query(terms=(Term(),))),
    "bad box": lambda a, d: a.search(Query(terms=(Term(image=1, box=Box(0, 0, 2, 1)),))),
    "text box": lambda a, d: a.search(Query(terms=(Term(text="x", box=Box(0, 0, 1, 1)),))),
    "explain": lambda a, d: a.explain("red", d.red),
    "explain path": lambda a, d: a.explain("blue", d.photos / "sub" / "blue.png"),
    "explain str": lambda a, d: a.explain("blue", str(d.photos / "sub" / "blue.png")),
    "explain strange": lambda a, d: a.explain("blue", d.strange),
    "explain q": lambda a, d: a.explain(
        Query(
            terms=(Term(image=d.other / "pink.png"), Term(text="blue", weight=-0.5)),
            tags=("red", "!blue"),
            keywords="red",
        ),
        d.red,
    ),
    "explain where": lambda a, d: a.explain(
        Query(terms=(Term(text="red"),), where=Match("format", ("JPEG",))), d.red
    ),
    "explain none": lambda a, d: a.explain("red", 999),
    "explain none path": lambda a, d: a.explain("red", d.other / "pink.png"),
    "explain empty": lambda a, d: a.explain("", d.red),
    "explain id-1": lambda a, d: a.explain("red", -1),
    "encode": lambda a, d: a.encode(
        [
            Term(text="red"),
            Term(image=d.red),
            Term(image=d.other / "pink.png"),
            Term(image=(d.other / "pink.png").read_bytes()),
        ]
    ),
    "encode []": lambda a, d: a.encode([]),
    "encode bad": lambda a, d: a.encode([Term()]),
    "encode badp": lambda a, d: a.encode([Term(image=d.other / "broken.png")]),
    "encode 999": lambda a, d: a.encode([Term(image=999)]),
    "encode box": lambda a, d: a.encode([Term(image=d.red, box=Box(0, 0, 0.5, 0.5))]),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches(still_door: Doors, name: str) -> None:
    """Every way to ask, rightly or wrongly, is answered as by the folder."""
    still_door.same_all({name: SEARCHES[name]})
