"""Experiments through every door: the same answers, the same errors, the same report."""

from __future__ import annotations

from typing import Any

from library_doors import Asks, Doors

from soutu.library import Library
from soutu.types import Experiment, Query, Served, Term

BAD: Asks = {
    "none yet": lambda a, d: list(a.experiments),
    "none runs": lambda a, d: a.experiments.running(),
    "search": lambda a, d: a.experiments.search("red", session="ann"),
    "report none": lambda a, d: a.experiments.report("x"),
    "stop none": lambda a, d: a.experiments.stop("x"),
    "remove none": lambda a, d: a.experiments.remove("x"),
    "report int": lambda a, d: a.experiments.report(3),
    "nothing else": lambda a, d: a.experiments.start("x"),
    "no name": lambda a, d: a.experiments.start("", diversity=0.5),
    "name int": lambda a, d: a.experiments.start(3, diversity=0.5),
    "long": lambda a, d: a.experiments.start("x" * 81, diversity=0.5),
    "kind": lambda a, d: a.experiments.start("x", kind="both", diversity=0.5),
    "share": lambda a, d: a.experiments.start("x", share=1.5, diversity=0.5),
    "diversity": lambda a, d: a.experiments.start("x", diversity=-1.0),
    "model": lambda a, d: a.experiments.start("x", model="nope"),
    "own model": lambda a, d: a.experiments.start("x", model="colour"),
    "precision": lambda a, d: a.experiments.start("x", precision="int8"),
    "salt": lambda a, d: a.experiments.start("x", diversity=0.5, salt=3),
    "strange salt": lambda a, d: a.experiments.start("x", diversity=0.5, salt="\udce9"),
    "strange name": lambda a, d: a.experiments.start("\udce9", diversity=0.5),
    "strange session": lambda a, d: a.experiments.search("red", session="\udce9", k=1),
    "record": lambda a, d: a.experiments.record("x", d.red, "open"),
    "record what": lambda a, d: a.experiments.record("x", d.red, "buy"),
    "record id": lambda a, d: a.experiments.record("x", 0, "open"),
    "record int": lambda a, d: a.experiments.record(3, d.red, "open"),
    "session": lambda a, d: a.experiments.search("red", session=""),
    "long session": lambda a, d: a.experiments.search("red", session="x" * 201),
    "empty": lambda a, d: a.experiments.search(session="ann"),
    "start": lambda a, d: a.experiments.search("red", session="ann", start=-1),
    "k0": lambda a, d: a.experiments.search("red", session="ann", k=0),
}

RUNNING: Asks = {
    "search": lambda a, d: a.experiments.search("red", session="ann", k=4),
    "again": lambda a, d: a.experiments.search("red", session="ann", k=4),
    "page": lambda a, d: a.experiments.search(
        "red", session="ann", k=3, start=4, experiment="varied"
    ),
    "page of none": lambda a, d: a.experiments.search(
        "red", session="ann", k=3, start=4, experiment=""
    ),
    "zh": lambda a, d: a.experiments.search("红", session="bo", k=3),
    "id": lambda a, d: a.experiments.search(image=d.red, session="ann", k=3),
    "tags": lambda a, d: a.experiments.search(Query(tags=("nope",)), session="ann"),
    "itself": lambda a, d: a.experiments.search(
        Query(terms=(Term(text="blue"),), diversity=0.2), session="ann"
    ),
    "relevant": lambda a, d: a.experiments.search("red", session="ann", k=5, min_relevance=0.3),
    "all": lambda a, d: a.experiments.search("red", session="ann", k=2000),
    "plain": lambda a, d: a.search("red", k=4),
    "taken": lambda a, d: a.experiments.start("varied", diversity=0.1),
    "another": lambda a, d: a.experiments.start("more", diversity=0.1),
    "remove": lambda a, d: a.experiments.remove("varied"),
    "use": lambda a, d: a.use_model("other"),
    "report": lambda a, d: undated(a.experiments.report("varied")),
    "effect": lambda a, d: undated(a.experiments.report("varied", effect=0.5)),
    "no effect": lambda a, d: a.experiments.report("varied", effect=0.0),
    "not shown": lambda a, d: a.experiments.record("0" * 32, d.red, "open"),
    "strange": lambda a, d: a.experiments.record("\udce9", d.red, "open"),
}


def undated(found: Any) -> Any:
    """Return a report or an experiment without what a clock says."""
    experiment = found if isinstance(found, Experiment) else found.experiment
    told = {**vars(experiment), "started": experiment.started.tzinfo}
    told["stopped"] = experiment.stopped and experiment.stopped.tzinfo
    return told if found is experiment else {**vars(found), "experiment": told}


def click(library: Library, place: int) -> bool:
    """Search as somebody, and open the picture at a place."""
    served: Served = library.experiments.search("red", session="ann", k=4)
    assert served.impression is not None
    return library.experiments.record(served.impression, served.hits[place].id, "open")


def test_what_cannot_be(door: Doors) -> None:
    """Before there is any."""
    door.same_all(BAD)


def test_a_run(door: Doors) -> None:
    """From the start to the end: lists, impressions, clicks, the report, and what is left."""
    door.same(
        lambda a: undated(a.experiments.start("varied", diversity=0.9, salt="s", who="ana")),
        lambda a: [undated(each) for each in a.experiments],
    )
    door.same_all(RUNNING)
    for place in (0, 1, 1, 3):
        door.same(lambda a, place=place: click(a, place))  # type: ignore[misc]
    found = door.same(lambda a: undated(a.experiments.report("varied")))
    assert found["a"].clicks + found["b"].clicks == 3
    assert found["units"] == 1
    door.same(
        lambda a: undated(a.experiments.stop("varied")),
        lambda a: a.experiments.stop("varied"),
        lambda a: a.experiments.running(),
        lambda a: a.experiments.search("red", session="ann", k=4),
        lambda a: a.experiments.search("red", session="ann", k=4, start=4, experiment="varied"),
        lambda a: a.experiments.remove("varied"),
        lambda a: list(a.experiments),
    )


def test_another_model(door: Doors) -> None:
    """B answers by other vectors; a file that is sent along is found by, too."""
    for each in (door.oracle, door.library):
        each.use_model("other")
        each.use_model("colour")
    door.same(
        lambda a: undated(a.experiments.start("m", kind="split", model="other", salt="s")),
        *(lambda a, n=n: a.experiments.search("blue", session=f"p{n}", k=3) for n in range(4)),
        lambda a: [
            hit.id
            for hit in a.experiments.search(image=door.other / "pink.png", session="ann", k=3).hits
        ],
    )
