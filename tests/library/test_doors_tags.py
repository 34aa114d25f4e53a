"""The vocabulary through every door: the same tags, the same errors."""

from __future__ import annotations

import os

import pytest
from library_doors import STRANGE, Asks, Doors, saved, teach

from soutu.types import Match

CHANGES: Asks = {
    "iter": lambda a, d: list(a.tags),
    "len": lambda a, d: len(a.tags),
    "in": lambda a, d: [
        "ＲＥＤ" in a.tags,
        "红" in a.tags,
        "x" in a.tags,
        3 in a.tags,
        "" in a.tags,
        STRANGE in a.tags,
    ],
    "get": lambda a, d: a.tags.get("红"),
    "get none": lambda a, d: a.tags.get("re"),
    "get empty": lambda a, d: a.tags.get(""),
    "get str": lambda a, d: a.tags.get(STRANGE),
    "get int": lambda a, d: a.tags.get(3),
    "add": lambda a, d: a.tags.add(
        "new", aliases=("a", "b"), prompts=["{}"], parent="red", group="g", threshold=0, who="x"
    ),
    "add slash": lambda a, d: a.tags.add('猫/狗, "q" #1', who="x"),
    "add taken": lambda a, d: a.tags.add("红"),
    "add empty": lambda a, d: a.tags.add(""),
    "add int": lambda a, d: a.tags.add(3),
    "add strange": lambda a, d: a.tags.add(STRANGE),
    "add nul": lambda a, d: a.tags.add("a\0"),
    "add !": lambda a, d: a.tags.add("!x"),
    "add pipe": lambda a, d: a.tags.add("a|b"),
    "add nl": lambda a, d: a.tags.add("a\nb"),
    "add alias str": lambda a, d: a.tags.add("y", aliases="abc"),
    "add alias empty": lambda a, d: a.tags.add("y", aliases=[""]),
    "add alias int": lambda a, d: a.tags.add("y", aliases=[1]),
    "add prompts str": lambda a, d: a.tags.add("y", prompts="abc"),
    "add prompts int": lambda a, d: a.tags.add("y", prompts=[1]),
    "add prompts empty": lambda a, d: a.tags.add("y", prompts=[""]),
    "add prompts nobr": lambda a, d: a.tags.add("y", prompts=["no braces"], who="x"),
    "add prompts bad": lambda a, d: a.tags.add("y2", prompts=["{x}"], who="x"),
    "add parent none": lambda a, d: a.tags.add("z", parent="nope"),
    "add parent self": lambda a, d: a.tags.add("z", parent="z"),
    "add parent int": lambda a, d: a.tags.add("z", parent=3),
    "add parent empty": lambda a, d: a.tags.add("z", parent=""),
    "add group int": lambda a, d: a.tags.add("z", group=3),
    "add group empty": lambda a, d: a.tags.add("z", group="", who="x"),
    "add thr": lambda a, d: a.tags.add("z3", threshold=1.5),
    "add thr nan": lambda a, d: a.tags.add("z3", threshold=float("nan")),
    "add thr str": lambda a, d: a.tags.add("z3", threshold="0.5"),
    "add thr bool": lambda a, d: a.tags.add("z3", threshold=True),
    "add thr -1": lambda a, d: a.tags.add("z3", threshold=-1),
    "add thr inf": lambda a, d: a.tags.add("z3", threshold=float("inf")),
    "add who long": lambda a, d: a.tags.add("zz", who="w" * 300),
    "add who int": lambda a, d: a.tags.add("zz5", who=3),
    "add who strange": lambda a, d: a.tags.add("zz6", who=STRANGE),
    "add long": lambda a, d: a.tags.add("x" * 300),
    "add default who": lambda a, d: (a.tags.add("me"), a.tags.history(1)),
    "edit": lambda a, d: a.tags.edit("new", aliases=["c"], threshold=None, who="x"),
    "edit none": lambda a, d: a.tags.edit(
        "new", parent=None, group=None, aliases=[], prompts=[], who="x"
    ),
    "edit nothing": lambda a, d: a.tags.edit("new", who="x"),
    "edit nope": lambda a, d: a.tags.edit("nope", parent=None),
    "edit cycle": lambda a, d: a.tags.edit("colour", parent="绿色"),
    "edit self": lambda a, d: a.tags.edit("colour", parent="colour"),
    "edit alias taken": lambda a, d: a.tags.edit("colour", aliases=["红"]),
    "edit thr": lambda a, d: a.tags.edit("colour", threshold=2),
    "edit thr str": lambda a, d: a.tags.edit("colour", threshold="x"),
    "edit parent int": lambda a, d: a.tags.edit("colour", parent=5),
    "edit aliases str": lambda a, d: a.tags.edit("colour", aliases="x"),
    "edit aliases none": lambda a, d: a.tags.edit("colour", aliases=None),
    "edit prompts none": lambda a, d: a.tags.edit("colour", prompts=None),
    "edit name int": lambda a, d: a.tags.edit(5, prompts=None),
    "rename": lambda a, d: a.tags.rename("new", "newer", who="x"),
    "rename keep": lambda a, d: a.tags.rename("newer", "newest", keep=True, who="x"),
    "rename nope": lambda a, d: a.tags.rename("nope", "newest"),
    "rename taken": lambda a, d: a.tags.rename("newest", "红"),
    "rename empty": lambda a, d: a.tags.rename("newest", " "),
    "rename int": lambda a, d: a.tags.rename("newest", 3),
    "rename int2": lambda a, d: a.tags.rename(3, "x"),
    "rename same": lambda a, d: a.tags.rename("newest", "newest", who="x"),
    "merge": lambda a, d: a.tags.merge(["newest", "me"], "red", who="x"),
    "merge self": lambda a, d: a.tags.merge(["red"], "红", who="x"),
    "merge nope": lambda a, d: a.tags.merge(["nope"], "red"),
    "merge nope2": lambda a, d: a.tags.merge(["red"], "nope"),
    "merge str": lambda a, d: a.tags.merge("red", "blue"),
    "merge []": lambda a, d: a.tags.merge([], "blue", who="x"),
    "merge int": lambda a, d: a.tags.merge([3], "blue"),
    "merge into int": lambda a, d: a.tags.merge(["blue"], 4),
    "history": lambda a, d: a.tags.history(),
    "history2": lambda a, d: a.tags.history(2),
    "history0": lambda a, d: a.tags.history(0),
    "history-1": lambda a, d: a.tags.history(-1),
    "history big": lambda a, d: a.tags.history(10**7),
    "undo": lambda a, d: a.tags.undo(who="x"),
    "redo": lambda a, d: a.tags.undo(),
    "remove": lambda a, d: a.tags.remove(["bluish"], who="x"),
    "remove nope": lambda a, d: a.tags.remove(["sunset", "nope"]),
    "remove str": lambda a, d: a.tags.remove("sunset"),
    "remove []": lambda a, d: a.tags.remove([]),
    "remove twice": lambda a, d: a.tags.remove(["y", "y"], who="x"),
}

COMPUTED: Asks = {
    "counts": lambda a, d: a.tags.counts(),
    "counts w": lambda a, d: a.tags.counts("format = 'JPEG'"),
    "counts tree": lambda a, d: a.tags.counts(Match("tag", ("red",)), expand=False),
    "counts bad": lambda a, d: a.tags.counts("x ="),
    "counts bad tree": lambda a, d: a.tags.counts(Match("colour", ("x",))),
    "show": lambda a, d: a.tags.show("colour"),
    "show2": lambda a, d: a.tags.show("红"),
    "show nope": lambda a, d: a.tags.show("nope"),
    "show strange": lambda a, d: a.tags.show(STRANGE),
    "spread": lambda a, d: a.tags.spread("blue"),
    "spread b": lambda a, d: a.tags.spread("blue", bins=3),
    "spread 0": lambda a, d: a.tags.spread("blue", bins=0),
    "spread nope": lambda a, d: a.tags.spread("nope"),
    "spread big": lambda a, d: a.tags.spread("blue", bins=2000),
    "border": lambda a, d: a.tags.border("blue"),
    "border t": lambda a, d: a.tags.border("blue", threshold=0.2, k=2),
    "border 2": lambda a, d: a.tags.border("blue", threshold=2.5),
    "border nan": lambda a, d: a.tags.border("blue", threshold=float("nan")),
    "border k0": lambda a, d: a.tags.border("blue", k=0),
    "border nope": lambda a, d: a.tags.border("nope"),
    "border big": lambda a, d: a.tags.border("blue", k=5000),
    "suggest": lambda a, d: a.tags.suggest(),
    "suggest1": lambda a, d: a.tags.suggest(1),
    "suggest0": lambda a, d: a.tags.suggest(0),
    "suggest-1": lambda a, d: a.tags.suggest(-1),
    "suggest big": lambda a, d: a.tags.suggest(5000),
    "similar": lambda a, d: a.tags.similar(),
    "similar0": lambda a, d: a.tags.similar(0),
    "similar-1": lambda a, d: a.tags.similar(-1),
    "similar big": lambda a, d: a.tags.similar(5000),
}

FILES: Asks = {
    "keywords": lambda a, d: a.tags.add_keywords(who="x"),
    "keywords2": lambda a, d: a.tags.add_keywords(at_least=2),
    "keywords-1": lambda a, d: a.tags.add_keywords(at_least=-1),
    "save csv": lambda a, d: saved(a, d, "tags", "t.csv"),
    "save json": lambda a, d: saved(a, d, "tags", "t.json"),
    "save toml": lambda a, d: saved(a, d, "tags", "t.toml"),
    "save xyz": lambda a, d: saved(a, d, "tags", "t.xyz"),
    "save nofolder": lambda a, d: a.tags.save(d.other / "no" / "x.csv"),
    "load csv": lambda a, d: a.tags.load(
        d.file("a.csv", "name,aliases,parent\nload1,a1|a2,\nload2,,load1\nred,rot,\n"), who="x"
    ),
    "load history": lambda a, d: a.tags.history(2),
    "load again": lambda a, d: a.tags.load(
        d.file("a.csv", "name,aliases,parent\nload1,a1|a2,\nload2,,load1\n"), who="x"
    ),
    "load json": lambda a, d: a.tags.load(
        d.file("a.json", '{"tags":[{"name":"j1","threshold":0.3}]}'), origin="my list", who="x"
    ),
    "load hist": lambda a, d: a.tags.history(1),
    "load toml": lambda a, d: a.tags.load(
        d.file("a.toml", '[[tags]]\nname="t1"\nprompts=["a {}"]\n'), who="x"
    ),
    "load txt": lambda a, d: a.tags.load(d.file("a.txt", "x")),
    "load csv plain": lambda a, d: a.tags.load(d.file("p.csv", "p1\np2\n"), who="x"),
    "load err": lambda a, d: a.tags.load(d.file("e.csv", "name,threshold\nq1,0.2\nq2,7\n")),
    "load err str": lambda a, d: a.tags.load(
        str(d.file("e.csv", "name,threshold\nq1,0.2\nq2,7\n"))
    ),
    "load err col": lambda a, d: a.tags.load(d.file("e.csv", "name,colour\nq1,0.2\n")),
    "load err parent": lambda a, d: a.tags.load(d.file("e.csv", "name,parent\nq1,\nq2,nope\n")),
    "load err twice": lambda a, d: a.tags.load(d.file("e.csv", "name,parent\nred,\n红,\n")),
    "load err conflict": lambda a, d: a.tags.load(
        d.file("e.csv", "name\nq1\n红\n"), on_conflict="error"
    ),
    "load err alias": lambda a, d: a.tags.load(d.file("e.csv", "name,aliases\nq1,\nq2,红\n")),
    "load skip alias": lambda a, d: a.tags.load(
        d.file("s.csv", "name,aliases,parent\nq1,,\nq2,红,\nq3,,q2\n"), on_conflict="skip", who="x"
    ),
    "load err cycle": lambda a, d: a.tags.load(d.file("e.csv", "name,parent\nred,q9\nq9,red\n")),
    "load err cycle2": lambda a, d: a.tags.load(d.file("e.csv", "name,parent\ncolour,绿色\n")),
    "load err json": lambda a, d: a.tags.load(d.file("e.json", '{"tags":[{"name":"j1",}]}')),
    "load err json2": lambda a, d: a.tags.load(
        d.file("e.json", '{"tags":[{"name":"j8"},{"name":5}]}')
    ),
    "load err json3": lambda a, d: a.tags.load(
        d.file("e.json", '{"tags":[{"name":"j8"},{"name":"j9","parent":"nope"}]}')
    ),
    "load err toml": lambda a, d: a.tags.load(d.file("e.toml", "[[tags]]\nname=\n")),
    "load err toml2": lambda a, d: a.tags.load(
        d.file("e.toml", '[[tags]]\nname="t9"\nparent="nope"\n')
    ),
    "load err conflict mode": lambda a, d: a.tags.load(
        d.file("a.csv", "name\nx\n"), on_conflict="nope"
    ),
    "load none": lambda a, d: a.tags.load(d.other / "nope.csv"),
    "load none str": lambda a, d: a.tags.load("nope"),
    "load rel": lambda a, d: a.tags.load("nope.csv"),
    "load folder": lambda a, d: a.tags.load(d.other),
    "load latin": lambda a, d: a.tags.load(d.file("a.csv", b"name\ncaf\xe9\n")),
    "load d.strange name": lambda a, d: a.tags.load(
        d.file(os.fsdecode(b"\xe9.csv"), b"name,threshold\nq,5\n")
    ),
    "load d.strange name ok": lambda a, d: a.tags.load(
        d.file(os.fsdecode(b"\xe9.csv"), b"name\nqq\n"), who="x"
    ),
    "load d.strange hist": lambda a, d: a.tags.history(1),
    "load zh": lambda a, d: a.tags.load(d.file("标签.csv", "name\n标签一\n"), who="x"),
    "load empty": lambda a, d: a.tags.load(d.file("z.csv", "")),
    "load origin long": lambda a, d: a.tags.load(
        d.file("a.csv", "name\noo\n"), origin="o" * 300, who="x"
    ),
    "starter": lambda a, d: a.tags.load("everyday", who="x"),
    "starter hist": lambda a, d: a.tags.history(1),
    "starter err": lambda a, d: a.tags.load("everyday", on_conflict="error"),
    "undo starter": lambda a, d: a.tags.undo(),
}


def test_changes(door: Doors) -> None:
    """Every change of a tag, right or wrong, does what it does in the folder."""
    teach(door)
    door.same_all(CHANGES)


@pytest.mark.parametrize("name", COMPUTED)
def test_computed(still_door: Doors, name: str) -> None:
    """What is computed of tags is what the folder computes."""
    still_door.same_all({name: COMPUTED[name]})


def test_files(door: Doors) -> None:
    """Files are read and written alike, and errors name line and column."""
    teach(door)
    door.same_all(FILES)
