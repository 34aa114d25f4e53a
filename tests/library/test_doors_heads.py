"""Trained heads through every door: the same answers, the same errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from library_doors import Asks, Doors, teach
from painting import ColourEncoder

from soutu.heads import ChainHead, HeadData, HeadEncoder, HeadFacts, LinearHead, save_head
from soutu.types import Query

CLASSES = ("红", "sea", "bluish")


def write_head(folder: Path, kind: str, *, revision: str = "r1") -> Path:
    """Write a head for the encoder of the doors."""
    encoder = ColourEncoder()
    weights = 9 * encoder.encode_texts(["red", "blue", "blue"])
    facts = HeadFacts(
        classes=CLASSES,
        aliases={"sea": ("海", "white")},
        thresholds=(0.5, 0.3, 0.4),
        encoder=HeadEncoder(name="colour", revision=revision, dim=8, precision="fp32"),
        method="logistic",
        data=HeadData(name="beach", digest="d"),
        made="2026-01-02T03:04:05+00:00",
    )
    bias = np.full(3, -6, np.float32)
    linear = LinearHead(weights=weights, bias=bias)
    if kind == "linear":
        save_head(folder, linear, facts)
        return folder
    links = np.zeros((1, 3, 3), np.float32)
    links[0, 2, 1] = 1.5
    chain = ChainHead(
        weights=weights[None], bias=bias[None], links=links, order=np.array([[0, 1, 2]])
    )
    save_head(folder, chain, facts)
    return folder


def _head(d: Doors) -> Path:
    return d.other / "head"


ASKS: Asks = {
    "none": lambda a, d: a.heads(),
    "drop none": lambda a, d: a.drop_head(),
    "use nothing": lambda a, d: a.use_head(d.other / "nope"),
    "use photos": lambda a, d: a.use_head(d.photos),
    "use damaged": lambda a, d: a.use_head(d.other / "damaged"),
    "use other model": lambda a, d: a.use_head(d.other / "foreign"),
    "use unknown class": lambda a, d: a.use_head(_head(d), tags={"x": "y"}),
    "use two as one": lambda a, d: a.use_head(_head(d), tags={"sea": "z", "bluish": "Z"}),
    "use one twice": lambda a, d: a.use_head(_head(d), tags={"sea": "red"}),
    "use bad name": lambda a, d: a.use_head(_head(d), tags={"sea": "!x"}),
    "use int name": lambda a, d: a.use_head(_head(d), tags={"sea": 3}),
    "use no class": lambda a, d: a.use_head(_head(d), tags=dict.fromkeys(CLASSES)),
    "use": lambda a, d: a.use_head(_head(d), tags={"bluish": None}, who="ana"),
    "use again": lambda a, d: a.use_head(str(_head(d)), who="ana"),
    "heads": lambda a, d: a.heads(),
    "history": lambda a, d: a.tags.history(3),
    "tags": lambda a, d: list(a.tags),
    "show": lambda a, d: [a.tags.show(name) for name in ("red", "海", "bluish", "colour")],
    "counts": lambda a, d: a.tags.counts(),
    "tag": lambda a, d: list(a.tag()),
    "tag top": lambda a, d: list(a.tag(mode="top", k=3)),
    "tag soft": lambda a, d: list(a.tag([1, 2], mode="softmax")),
    "tag file": lambda a, d: list(a.tag([d.other / "pink.png"], mode="top")),
    "search": lambda a, d: a.search(Query(tags=("sea",))),
    "search words": lambda a, d: a.search("sea", k=4),
    "spread": lambda a, d: a.tags.spread("bluish", bins=8),
    "border": lambda a, d: a.tags.border("sea", k=5),
    "review": lambda a, d: a.review(tag="red", k=3),
    "label": lambda a, d: a.labels.set(d.blue, no=["sea"], who="ana"),
    "label too": lambda a, d: a.labels.set(d.red, yes=["sea"], who="ana"),
    "learned": lambda a, d: [a.tags.show("sea"), list(a.tag(tags=["sea"], mode="top"))],
    "drop unknown": lambda a, d: a.drop_head(["nope"]),
    "drop without": lambda a, d: a.drop_head(["colour"]),
    "drop str": lambda a, d: a.drop_head("sea"),
    "drop one": lambda a, d: a.drop_head(["海"], who="bo"),
    "drop all": lambda a, d: a.drop_head(),
    "undo": lambda a, d: a.tags.undo(),
    "after": lambda a, d: a.heads(),
    "after tag": lambda a, d: list(a.tag()),
}


@pytest.mark.parametrize("kind", ["linear", "chain"])
def test_heads(door: Doors, kind: str) -> None:
    """A trained head, right or wrong, does what it does in the folder."""
    write_head(_head(door), kind)
    write_head(door.other / "foreign", kind, revision="r9")
    damaged = write_head(door.other / "damaged", kind)
    (damaged / "weights.safetensors").write_bytes(b"nothing")
    teach(door)
    door.same_all(ASKS)
    [use] = door.library.heads()
    assert use.tags == ("red", "bluish")  # all but the first that was dropped


def test_heads_of_an_empty_library(empty_door: Doors) -> None:
    """A library without pictures has no encoder that a head could fit."""
    write_head(_head(empty_door), "linear")
    empty_door.same_all(
        {
            "use": lambda a, d: a.use_head(_head(d)),
            "heads": lambda a, d: a.heads(),
            "drop": lambda a, d: a.drop_head(),
        }
    )
