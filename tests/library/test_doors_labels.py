"""Labels through every door: the same answers, the same errors."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from library_doors import Asks, Doors, saved, teach

from soutu.types import Label

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


LABELLING: Asks = {
    "all": lambda a, d: a.labels.all(),
    "all p": lambda a, d: a.labels.all(picture=d.photos / "red.png"),
    "all id": lambda a, d: a.labels.all(picture=d.red, tag="红"),
    "all tag": lambda a, d: a.labels.all(tag="cat"),
    "all nope": lambda a, d: a.labels.all(tag="nope"),
    "all nopic": lambda a, d: a.labels.all(picture=999),
    "all nopic2": lambda a, d: a.labels.all(picture="pink.png"),
    "all bad": lambda a, d: a.labels.all(picture=[1]),
    "all strange": lambda a, d: a.labels.all(picture=d.strange),
    "set": lambda a, d: a.labels.set(d.blue, yes=["blue"], who="x"),
    "set same": lambda a, d: a.labels.set(d.blue, yes=["blue"], who="x"),
    "set strange": lambda a, d: a.labels.set(d.strange, yes=["red"], no=["blue"], who="x"),
    "set clear": lambda a, d: a.labels.set(d.strange, clear=["red"], who="x"),
    "set default who": lambda a, d: (
        a.labels.set(d.strange, yes=["red"]),
        a.labels.all(picture=d.strange),
    ),
    "set both": lambda a, d: a.labels.set(d.red, yes=["red"], no=["红"]),
    "set both2": lambda a, d: a.labels.set(d.photos / "red.png", yes=["red"], no=["red"]),
    "set group": lambda a, d: a.labels.set(d.red, yes=["blue", "white"]),
    "set group2": lambda a, d: a.labels.set(d.picture("blue.png").id, yes=["white"], who="x"),
    "set clear file": lambda a, d: a.labels.set(d.red, clear=["sunset"]),
    "set nope": lambda a, d: a.labels.set(d.red, yes=["nope"]),
    "set nopic": lambda a, d: a.labels.set(999, yes=["red"]),
    "set nopic p": lambda a, d: a.labels.set(d.other / "pink.png", yes=["red"]),
    "set order": lambda a, d: a.labels.set(d.other / "pink.png", yes="red"),
    "set str": lambda a, d: a.labels.set(d.red, yes="red"),
    "set int": lambda a, d: a.labels.set(d.red, no=[3]),
    "set list": lambda a, d: a.labels.set([d.red], yes=["red"]),
    "set source": lambda a, d: a.labels.set(d.red, yes=["white"], source="import", who="x"),
    "set source bad": lambda a, d: a.labels.set(d.red, yes=["bl"], source="x"),
    "set source file": lambda a, d: a.labels.set(d.red, no=["white"], source="file"),
    "set -1": lambda a, d: a.labels.set(-1, yes=["red"]),
    "set nothing": lambda a, d: a.labels.set(d.red),
    "many": lambda a, d: a.labels.set_many(
        [
            Label(path=d.blue, tag="sunset", value=True, source="import", who="ana", at=AT),
            Label(path=d.strange, tag="sunset", value=False, source="import", who="", at=AT),
        ],
        clear=[(d.strange, "blue")],
        who="x",
    ),
    "many hist": lambda a, d: (a.tags.history(1), a.labels.all(tag="sunset")),
    "many rel": lambda a, d: a.labels.set_many(
        [Label(path=Path("x.png"), tag="red", value=True, source="import", who="", at=AT)]
    ),
    "many nope": lambda a, d: a.labels.set_many(
        [Label(path=d.blue, tag="nope", value=True, source="import", who="", at=AT)]
    ),
    "many both": lambda a, d: a.labels.set_many(
        [
            Label(path=d.blue, tag="red", value=True, source="import", who="", at=AT),
            Label(path=d.blue, tag="红", value=False, source="import", who="", at=AT),
        ]
    ),
    "many file": lambda a, d: a.labels.set_many(
        [Label(path=d.blue, tag="red", value=True, source="file", who="", at=AT)]
    ),
    "many naive": lambda a, d: (
        a.labels.set_many(
            [
                Label(
                    path=d.blue,
                    tag="colour",
                    value=True,
                    source="import",
                    who="",
                    at=datetime(2024, 1, 1),
                )
            ],
            who="x",
        ),
        a.labels.all(tag="colour"),
    ),
    "many []": lambda a, d: a.labels.set_many([]),
    "many clear str": lambda a, d: a.labels.set_many([], clear=[(str(d.blue), "colour")], who="x"),
    "many clear nope": lambda a, d: a.labels.set_many(
        [], clear=[(str(d.other / "x"), "colour")], who="x"
    ),
    "many clear rel": lambda a, d: a.labels.set_many([], clear=[("x.png", "colour")], who="x"),
    "many clear file": lambda a, d: a.labels.set_many(
        [], clear=[(d.photos / "red.png", "sunset")], who="x"
    ),
    "many group": lambda a, d: a.labels.set_many(
        [
            Label(path=d.photos / "red.png", tag=x, value=True, source="import", who="", at=AT)
            for x in ("blue", "white")
        ]
    ),
    "many source": lambda a, d: a.labels.set_many(
        [
            Label(
                path=d.photos / "red.png", tag="colour", value=True, source="import", who="", at=AT
            )
        ],
        source="person",
        who="x",
    ),
    "many source bad": lambda a, d: a.labels.set_many(
        [
            Label(
                path=d.photos / "red.png", tag="colour", value=True, source="import", who="", at=AT
            )
        ],
        source="xx",
        who="x",
    ),
}

FILES: Asks = {
    "load": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{d.blue},red,no\n{d.photos / 'red.png'},blue,no\n"),
        who="x",
    ),
    "load hist": lambda a, d: a.tags.history(1),
    "load wide": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,red,blue\n{d.blue},0,1\n"), who="x"
    ),
    "load lists": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,yes,no\n{d.blue},bluish|blue,red\n"), who="x"
    ),
    "load full": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label,source,who,at\n{d.blue},red,clear,,,\n{d.photos / 'red.png'},sunset,no,person,bo,2024-01-01T00:00:00+02:00\n{d.photos / 'red.png'},cat,yes,file,bo,2024\n",  # noqa: E501 - a file as it is
        ),
        who="x",
    ),
    "load full2": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label,source,who,at\n{d.blue},red,clear,,,\n{d.photos / 'red.png'},sunset,no,person,bo,2024-01-01T00:00:00+02:00\n{d.photos / 'red.png'},sunset,no,file,bo,2024-01-01\n",  # noqa: E501 - a file as it is
        ),
        who="x",
    ),
    "load bytes": lambda a, d: a.labels.load(
        d.file("l.csv", b"image,tag,label\n" + os.fsencode(d.strange) + b",red,no\n"), who="x"
    ),
    "load zh": lambda a, d: a.labels.load(
        d.file("标.csv", f"image,tag,label\n{d.photos / '照片' / '绿 猫.png'},绿色,是\n"), who="x"
    ),
    "load rel err": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{d.photos / 'red.png'},red,yes\nnope.png,red,no\n")
    ),
    "load err tag": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},red,yes\n{d.photos / 'red.png'},nope,no\n",
        )
    ),
    "load err rel tag": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{os.path.relpath(d.photos / 'red.png')},nope,no\n")
    ),
    "load rel ok": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{os.path.relpath(d.photos / 'red.png')},red,yes\n"),
        who="x",
    ),
    "load err both names": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},red,yes\n{d.photos / 'red.png'},红,no\n",
        )
    ),
    "load err both rel": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},red,yes\n{os.path.relpath(d.photos / 'red.png')},红,no\n",  # noqa: E501 - a file as it is
        )
    ),
    "load err group": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},blue,yes\n{d.photos / 'red.png'},white,yes\n",
        )
    ),
    "load err group rel": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},blue,yes\n{os.path.relpath(d.photos / 'red.png')},white,yes\n",  # noqa: E501 - a file as it is
        )
    ),
    "load err both": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'red.png'},red,yes\n{d.photos / 'red.png'},red,no\n",
        )
    ),
    "load err multi": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f'image,tag,label\n"{d.photos / "red.png"}","red","yes"\n"a\nb.png",red,no\n{d.blue},nope,yes\n',  # noqa: E501 - a file as it is
        )
    ),
    "load err label": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{d.photos / 'red.png'},red,maybe\n")
    ),
    "load err clear file": lambda a, d: a.labels.load(
        d.file(
            "l.csv",
            f"image,tag,label\n{d.photos / 'green.png'},red,no\n{d.photos / 'green.png'},sunset,clear\n",  # noqa: E501 - a file as it is
        )
    ),
    "load err head": lambda a, d: a.labels.load(d.file("l.csv", "a,b\n")),
    "load err empty": lambda a, d: a.labels.load(d.file("l.csv", "")),
    "load err none": lambda a, d: a.labels.load(d.other / "nope.csv"),
    "load err str": lambda a, d: a.labels.load(
        str(d.file("l.csv", f"image,tag,label\n{d.photos / 'red.png'},nope,no\n"))
    ),
    "load err d.strange file": lambda a, d: a.labels.load(
        d.file(os.fsdecode(b"\xe9.csv"), f"image,tag,label\n{d.photos / 'red.png'},nope,no\n")
    ),
    "load err d.strange pic": lambda a, d: a.labels.load(
        d.file("l.csv", b"image,tag,label\n/no/\xe9.png,red,no\n")
    ),
    "load who long": lambda a, d: a.labels.load(
        d.file("l.csv", f"image,tag,label\n{d.photos / 'red.png'},red,yes\n"), who="w" * 500
    ),
    "save": lambda a, d: saved(a, d, "labels", "a.csv"),
    "undo": lambda a, d: a.labels.undo(),
    "undo of": lambda a, d: a.labels.undo((d.blue, "sunset")),
    "undo of id": lambda a, d: a.labels.undo((d.red, "红")),
    "undo of none": lambda a, d: a.labels.undo((d.blue, "white")),
    "undo of nopic": lambda a, d: a.labels.undo((d.other / "x.png", "white")),
    "undo of notag": lambda a, d: a.labels.undo((d.blue, "nope")),
    "undo of both": lambda a, d: a.labels.undo((d.other / "x.png", "nope")),
    "end": lambda a, d: a.labels.all(),
    "save end": lambda a, d: saved(a, d, "labels", "a.csv"),
    "history end": lambda a, d: a.tags.history(100),
}


def test_labelling(door: Doors) -> None:
    """Every label, right or wrong, does what it does in the folder."""
    teach(door)
    door.same_all(LABELLING)


def test_files(door: Doors) -> None:
    """Files are read and written alike; errors name the file and its line; undoing is the same."""
    teach(door)
    door.same_all(FILES)
