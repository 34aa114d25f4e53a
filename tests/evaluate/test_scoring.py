"""Heads and libraries are judged as they are, and never by what they were taught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluated import COLOURS, painted, setup
from painting import ColourEncoder, FakeStore

import soutu.library
from soutu.data import LabelledData, load
from soutu.errors import InputError, ModelError
from soutu.evaluate.scoring import score
from soutu.evaluate.setup import System
from soutu.evaluate.tagging import judge
from soutu.heads import HeadData, HeadEncoder, HeadFacts, LinearHead, save_head
from soutu.heads.seen import marks
from soutu.library.folder import FolderLibrary


@pytest.fixture
def data(tmp_path: Path) -> LabelledData:
    painted(tmp_path / "data", copies=3)
    return load(tmp_path / "data")


def write_head(
    folder: Path, *, revision: str = "r1", classes: tuple[str, ...] = COLOURS, seen: str = ""
) -> Path:
    """Save a head that is linear in the colours, as the texts are."""
    encoder = ColourEncoder()
    weights = 20 * encoder.encode_texts(list(classes))
    facts = HeadFacts(
        classes=classes,
        aliases={classes[0]: ("rouge",)},
        thresholds=tuple(0.1 * (n + 1) for n in range(len(classes))),
        encoder=HeadEncoder(name="colour", revision=revision, dim=8, precision="fp32"),
        method="logistic",
        data=HeadData(name="colours", digest="d", seen=seen),
    )
    save_head(folder, LinearHead(weights=weights, bias=np.full(len(classes), -19.5)), facts)
    return folder


def test_a_head_gives_its_own_columns_and_thresholds(tmp_path: Path, data: LabelledData) -> None:
    """Columns are found by name, whatever the order."""
    head = write_head(tmp_path / "head")
    scored = score(data.only(["white", "red"]), System(head=head), setup(tmp_path))
    assert scored.thresholds.tolist() == pytest.approx([0.4, 0.1])
    assert scored.probabilities.shape == (12, 2)
    of_white = data.labels[:, data.classes.index("white")] == 1
    assert scored.probabilities[of_white, 0].min() > scored.probabilities[~of_white, 0].max()


def test_a_head_of_another_encoder_is_refused(tmp_path: Path, data: LabelledData) -> None:
    """Vectors of two revisions have nothing to do with each other."""
    head = write_head(tmp_path / "head", revision="r7")
    with pytest.raises(ModelError, match="reads vectors of colour at r7; here is r1"):
        score(data, System(head=head), setup(tmp_path))


def test_a_head_without_a_class_is_refused(tmp_path: Path, data: LabelledData) -> None:
    """The missing ones are named."""
    head = write_head(tmp_path / "head", classes=("red", "green"))
    with pytest.raises(InputError, match=r"does not know 2 of 4 classes .*blue, white"):
        score(data, System(head=head), setup(tmp_path))


def test_a_head_that_has_learned_from_judged_pictures_is_told(
    tmp_path: Path, data: LabelledData
) -> None:
    """Its figures flatter it; pictures are known by content, and only judged ones count."""
    contents = setup(tmp_path).open("colour", "auto").pictures(data.paths).contents
    head = System(head=write_head(tmp_path / "head", seen=marks(contents[:5])))
    assert "learned from 5 of the 12 judged" in judge(data, head, setup(tmp_path)).scored.notes[-1]
    halves = replace(data, splits=("val",) * 5 + ("test",) * 7)
    assert len(judge(halves, head, setup(tmp_path)).scored.notes) == 1
    unrecorded = System(head=write_head(tmp_path / "head"))
    assert len(judge(data, unrecorded, setup(tmp_path)).scored.notes) == 1


@pytest.fixture
def library(
    tmp_path: Path, data: LabelledData, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderLibrary]:
    """A library of the pictures, with a tag for each colour; one of them has another name."""
    with FolderLibrary(
        tmp_path / "library", store=FakeStore(ColourEncoder()), model="colour", create=True
    ) as made:
        made.add([tmp_path / "data"])
        for colour in COLOURS[:-1]:
            made.tags.add(colour)
        made.tags.add("snow", aliases=["White"], prompts=["white"])
        monkeypatch.setattr(soutu.library, "open_library", lambda *_: made)
        yield made


def test_a_librarys_tags_are_judged_without_what_people_said(
    tmp_path: Path, data: LabelledData, library: FolderLibrary
) -> None:
    """A labelled picture is left out, and noted; the others get what the machine says."""
    red = data.paths[data.labels[:, data.classes.index("red")].argmax()]
    library.labels.set(red, no=["red"])
    scored = score(data, System(library="pics"), setup(tmp_path))
    assert len(scored.rows) == 11
    assert scored.notes == ("1 pictures are left out: they were labelled in the library.",)
    labels = data.labels[scored.rows]
    assert (scored.probabilities.argmax(axis=1) == labels.argmax(axis=1)).all()
    assert scored.thresholds.min() > 0


def test_a_library_in_which_everything_is_labelled(
    tmp_path: Path, data: LabelledData, library: FolderLibrary
) -> None:
    """Nothing can be judged then."""
    for path in data.paths:
        library.labels.set(path, yes=["snow"])
    with pytest.raises(InputError, match="12 were labelled in the library"):
        score(data, System(library="pics"), setup(tmp_path))


def test_a_library_without_one_of_the_tags(
    tmp_path: Path, data: LabelledData, library: FolderLibrary
) -> None:
    """It is named."""
    library.tags.remove(["snow"])
    with pytest.raises(InputError, match=r"no tag for 1 of 4 classes .*white"):
        score(data, System(library="pics"), setup(tmp_path))
