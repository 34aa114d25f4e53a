"""Pictures, tagging and long work through every door: the same answers, the same errors."""

from __future__ import annotations

import pytest
from library_doors import STRANGE, Asks, Doors, saved, teach

from soutu.errors import LibraryError
from soutu.types import Match, Progress

PICTURES: Asks = {
    "pictures": lambda a, d: a.pictures(),
    "pictures page": lambda a, d: a.pictures(order="path", k=2, start=3),
    "pictures oldest": lambda a, d: a.pictures("format = 'PNG'", order="oldest"),
    "pictures tree": lambda a, d: a.pictures(Match("tag", ("red",))),
    "pictures k0": lambda a, d: a.pictures(k=0),
    "pictures k-1": lambda a, d: a.pictures(k=-1),
    "pictures start-1": lambda a, d: a.pictures(start=-1),
    "pictures order": lambda a, d: a.pictures(order="size"),
    "pictures where": lambda a, d: a.pictures("nope"),
    "pictures big": lambda a, d: a.pictures(k=10**10, start=2),
    "pictures far": lambda a, d: a.pictures(start=10**10),
    "count": lambda a, d: a.count(),
    "count w": lambda a, d: a.count("camera = 'Canon EOS'"),
    "count t": lambda a, d: a.count(Match("tag", ("green",))),
    "count bad": lambda a, d: a.count("nope ="),
    "count notag": lambda a, d: a.count("tag = 'nope'"),
    "facet": lambda a, d: a.facet("folder"),
    "facet f": lambda a, d: a.facet("format"),
    "facet n": lambda a, d: a.facet("name"),
    "facet c": lambda a, d: a.facet("camera", "format = 'JPEG'"),
    "facet bad": lambda a, d: a.facet("width"),
    "facet bad2": lambda a, d: a.facet("nope"),
    "facet tag": lambda a, d: a.facet("tag"),
    "picture": lambda a, d: a.picture(d.red),
    "picture p": lambda a, d: a.picture(d.photos / "照片" / "绿 猫.png"),
    "picture s": lambda a, d: a.picture(d.strange),
    "picture none": lambda a, d: a.picture(999),
    "picture 0": lambda a, d: a.picture(0),
    "picture -1": lambda a, d: a.picture(-1),
    "picture big": lambda a, d: a.picture(2**70),
    "picture nonep": lambda a, d: a.picture(d.other / "pink.png"),
    "picture noner": lambda a, d: a.picture("pink.png"),
    "picture nones": lambda a, d: a.picture(d.other / STRANGE),
    "picture nul": lambda a, d: a.picture("a\0b"),
    "picture empty": lambda a, d: a.picture(""),
}

TAGGING: Asks = {
    "tag": lambda a, d: list(a.tag()),
    "tag top": lambda a, d: list(a.tag(mode="top", k=2)),
    "tag top0": lambda a, d: list(a.tag(mode="top")),
    "tag soft": lambda a, d: list(a.tag([d.red], mode="softmax")),
    "tag ids": lambda a, d: list(a.tag([3, 1, 3])),
    "tag []": lambda a, d: list(a.tag([])),
    "tag paths": lambda a, d: list(
        a.tag(
            [d.photos / "red.png", str(d.other / "pink.png"), d.other / "新.png", d.strange],
            mode="top",
        )
    ),
    "tag bytes": lambda a, d: list(a.tag([(d.other / "pink.png").read_bytes(), 1], mode="top")),
    "tag tags": lambda a, d: list(a.tag(tags=["红", "blue"], mode="top")),
    "tag tags[]": lambda a, d: list(a.tag(tags=[])),
    "tag k0": lambda a, d: list(a.tag(k=0)),
    "tag k-1 given": lambda a, d: list(a.tag([1], k=-1)),
    "tag mode": lambda a, d: list(a.tag(mode="all")),
    "tag mode eager": lambda a, d: a.tag(mode="all") and None,
    "tag none eager": lambda a, d: a.tag(tags=["nope"]) and None,
    "tag notag": lambda a, d: list(a.tag([1], tags=["nope"])),
    "tag notag2": lambda a, d: list(a.tag(tags=["nope"])),
    "tag tags str": lambda a, d: list(a.tag(tags="red")),
    "tag tags int": lambda a, d: list(a.tag(tags=[3])),
    "tag images str": lambda a, d: list(a.tag("red.png")),
    "tag image bytes": lambda a, d: list(a.tag(b"x")),
    "tag image path": lambda a, d: list(a.tag(d.photos / "red.png")),
    "tag noid": lambda a, d: list(a.tag([1, 999])),
    "tag -1": lambda a, d: list(a.tag([-1])),
    "tag none file": lambda a, d: list(a.tag([d.other / "nope.png"])),
    "tag bad file": lambda a, d: list(a.tag([d.other / "broken.png"])),
    "tag bad bytes": lambda a, d: list(a.tag([b"nope"])),
    "tag empty bytes": lambda a, d: list(a.tag([b""])),
    "tag no file []": lambda a, d: list(a.tag([], mode="nope")),
    "tag [] notag": lambda a, d: list(a.tag([], tags=["nope"])),
    "review": lambda a, d: a.review(),
    "review tag": lambda a, d: a.review(tag="红", k=3),
    "review by": lambda a, d: a.review(by="picture"),
    "review bad": lambda a, d: a.review(by="x"),
    "review notag": lambda a, d: a.review(tag="nope"),
    "review k0": lambda a, d: a.review(k=0),
    "review k-1": lambda a, d: a.review(k=-1),
    "review k big": lambda a, d: a.review(k=10**5),
}

WORK: Asks = {
    "changes": lambda a, d: type(a.changes()),
    "add none": lambda a, d: a.add([d.other / "nope"]),
    "add two": lambda a, d: a.add([d.other / "nope", d.photos]),
    "add []": lambda a, d: a.add([]),
    "add str": lambda a, d: a.add("photos"),
    "add path": lambda a, d: a.add(d.photos),
    "add int": lambda a, d: a.add(3),
    "add inc str": lambda a, d: a.add([d.photos], include="*.png"),
    "add inc bad": lambda a, d: a.add([d.photos], include=[""]),
    "remove none": lambda a, d: a.remove([d.other]),
    "remove dry": lambda a, d: a.remove([d.photos / "sub"], dry_run=True),
    "remove dry strange": lambda a, d: a.remove([d.strange], dry_run=True),
    "remove str": lambda a, d: a.remove(str(d.photos)),
    "remove path": lambda a, d: a.remove(d.photos),
    "remove []": lambda a, d: a.remove([]),
    "drop none": lambda a, d: a.drop_space("nope"),
    "drop cur": lambda a, d: a.drop_space("colour"),
    "drop empty": lambda a, d: a.drop_space(""),
    "write dry": lambda a, d: a.write_tags(dry_run=True),
    "write dry p": lambda a, d: a.write_tags([d.photos / "sub"], dry_run=True),
    "write dry s": lambda a, d: a.write_tags([d.strange], dry_run=True),
    "write str": lambda a, d: a.write_tags("x", dry_run=True),
    "write tag": lambda a, d: a.write_tags(tags=["nope"], dry_run=True),
    "write tagstr": lambda a, d: a.write_tags(tags="red", dry_run=True),
    "write tags": lambda a, d: a.write_tags(tags=["红"], dry_run=True),
    "write []": lambda a, d: a.write_tags([], dry_run=True),
}

CHANGES: Asks = {
    "remove": lambda a, d: a.remove([d.photos / "sub"]),
    "save missing": lambda a, d: saved(a, d, "labels", "a.csv"),
    "all missing": lambda a, d: a.labels.all(),
    "readd": lambda a, d: a.add([d.photos]),
    "status": lambda a, d: a.status(),
    "remove s": lambda a, d: a.remove([d.strange, d.photos / "sub" / "blue.png"]),
    "add file": lambda a, d: a.add([d.strange]),
    "add inc": lambda a, d: a.add([d.photos], include=["*.png"], exclude=["sub/"]),
    "add all": lambda a, d: a.add([d.photos, d.other]),
    "use": lambda a, d: a.use_model("other"),
    "use again": lambda a, d: a.use_model("other"),
    "drop": lambda a, d: a.drop_space("colour"),
    "status3": lambda a, d: a.status(),
    "search": lambda a, d: a.search("blue"),
    "use unknown": lambda a, d: a.use_model("colour", precision="int8"),
}

EMPTY: Asks = {
    "search": lambda a, d: a.search("red"),
    "image": lambda a, d: a.search(image=d.other / "pink.png"),
    "where": lambda a, d: a.search("red", where="camera ="),
    "explain": lambda a, d: a.explain("red", 1),
    "pictures": lambda a, d: a.pictures(),
    "count": lambda a, d: a.count("format = 'PNG'"),
    "facet": lambda a, d: a.facet("folder"),
    "tag": lambda a, d: list(a.tag()),
    "review": lambda a, d: a.review(),
    "counts": lambda a, d: a.tags.counts(),
    "add tag": lambda a, d: a.tags.add("red", who="x"),
    "counts of one": lambda a, d: a.tags.counts(),
    "counts where": lambda a, d: a.tags.counts("camera ="),
    "show": lambda a, d: a.tags.show("red"),
    "spread": lambda a, d: a.tags.spread("red"),
    "border": lambda a, d: a.tags.border("red"),
    "suggest": lambda a, d: a.tags.suggest(),
    "similar": lambda a, d: a.tags.similar(),
    "write": lambda a, d: a.write_tags(),
    "undo": lambda a, d: a.tags.undo(),
    "undo nothing": lambda a, d: a.tags.undo(),
    "undo no label": lambda a, d: a.labels.undo(),
    "status": lambda a, d: a.status(),
}

CLOSED: Asks = {
    "search": lambda a, d: a.search("red"),
    "add": lambda a, d: a.add([d.photos]),
    "count": lambda a, d: a.count(),
    "status": lambda a, d: a.status(),
    "tags": lambda a, d: a.tags.add("x"),
    "labels": lambda a, d: a.labels.all(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(still_door: Doors, name: str) -> None:
    """Lists, counts and single pictures are those of the folder."""
    still_door.same_all({name: PICTURES[name]})


@pytest.mark.parametrize("name", TAGGING)
def test_tagging(still_door: Doors, name: str) -> None:
    """Tags of pictures and questions about them are those of the folder."""
    still_door.same_all({name: TAGGING[name]})


@pytest.mark.parametrize("name", WORK)
def test_work(still_door: Doors, name: str) -> None:
    """Work that is refused, or changes nothing, ends as in the folder."""
    still_door.same_all({name: WORK[name]})


def test_changes(door: Doors) -> None:
    """Indexing, removing and switching models do what they do in the folder."""
    teach(door)
    door.same_all(CHANGES)


def test_an_empty_library(empty_door: Doors) -> None:
    """What needs pictures is refused in the same words."""
    empty_door.same_all(EMPTY)


def test_progress_and_stop(empty_door: Doors) -> None:
    """Whoever watches hears of the work, and can end it; what was done stays."""
    heard: list[Progress] = []
    report = empty_door.library.add(
        [empty_door.photos], on_progress=heard.append, should_stop=lambda: False
    )
    assert (report.added, report.interrupted) == (8, False)
    stopped = empty_door.library.add([empty_door.other], should_stop=lambda: True)
    assert stopped.failures == () or stopped.added <= 2
    assert all(isinstance(each, Progress) for each in heard)


def test_writing_tags(door: Doors) -> None:
    """Tags are written into sidecars of the files that hold them."""
    teach(door)
    found = door.library.write_tags([door.blue], tags=["blue"])
    assert (found.written, found.failures) == (1, ())
    assert door.library.write_tags([door.blue], tags=["blue"]).unchanged == 1
    assert door.blue.with_suffix(".xmp").exists() or door.blue.with_name("blue.png.xmp").exists()


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_library(empty_door: Doors, name: str) -> None:
    """Nothing works any more, and closing again does no harm."""
    empty_door.library.close()
    empty_door.library.close()
    with pytest.raises(LibraryError, match="closed"):
        CLOSED[name](empty_door.library, empty_door)
