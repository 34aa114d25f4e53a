"""Trained heads in a library: they score tags, and labels sharpen them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import OpenFolder
from onnx import TensorProto, helper, numpy_helper
from painting import ColourEncoder, FakeStore, paint

from soutu.errors import InputError, LibraryBroken, LibraryError
from soutu.heads import (
    ChainHead,
    HeadData,
    HeadEncoder,
    HeadFacts,
    HeadParts,
    LinearHead,
    OnnxGraph,
    open_head,
    save_head,
)
from soutu.library.folder import FolderLibrary
from soutu.types import Query, Vectors

SLOPE = 12.0
CLASSES = ("warm", "cold")


def colours(encoder: ColourEncoder) -> tuple[Vectors, np.ndarray]:
    """Return weights and biases of 'warm' (red) and 'cold' (blue) for an encoder."""
    red, blue = encoder.encode_texts(["red", "blue"])
    towards = np.stack([red - blue, blue - red])
    return (SLOPE * towards).astype(np.float32), np.array([-2.0, -2.0], np.float32)


def linear(encoder: ColourEncoder) -> LinearHead:
    weights, bias = colours(encoder)
    return LinearHead(weights=weights, bias=bias)


def chain(encoder: ColourEncoder) -> ChainHead:
    """Hand nothing on, so that the answers are those of `linear`."""
    weights, bias = colours(encoder)
    return ChainHead(
        weights=weights[None],
        bias=bias[None],
        links=np.zeros((1, 2, 2), np.float32),
        order=np.array([[1, 0]]),
    )


def graph(encoder: ColourEncoder) -> OnnxGraph:
    """Write `linear` as a graph."""
    weights, bias = colours(encoder)
    made = helper.make_graph(
        [
            helper.make_node("Gemm", ["vectors", "weights", "bias"], ["logits"], transB=1),
            helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
        ],
        "head",
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return OnnxGraph(graph=model.SerializeToString(), labels=2, dim=weights.shape[1])


KINDS: dict[str, Callable[[ColourEncoder], HeadParts]] = {
    "linear": linear,
    "chain": chain,
    "onnx": graph,
}


def facts_for(encoder: ColourEncoder) -> HeadFacts:
    facts = encoder.facts
    return HeadFacts(
        classes=CLASSES,
        aliases={"warm": ("暖",)},
        thresholds=(0.5, 0.4),
        encoder=HeadEncoder(
            name=facts.name,
            revision=facts.revision,
            dim=facts.dim,
            precision=facts.precision,
            source=facts.name,
        ),
        method="logistic",
        data=HeadData(name="weather", digest="d1"),
        made="2026-01-02T03:04:05+00:00",
    )


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(kind: str, tmp_path: Path, store: FakeStore) -> Path:
    """A head's folder, of each kind."""
    encoder = store.encoders["colour"]
    save_head(tmp_path / "head", KINDS[kind](encoder), facts_for(encoder))
    return tmp_path / "head"


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Twelve pictures: four reds, four blues, four greens, no two alike."""
    for number in range(3):
        paint(photos / f"red{number}.png", (250 - 9 * number, 10 + 5 * number, number))
        paint(photos / f"blue{number}.png", (number, 5 * number, 250 - 9 * number))
        paint(photos / f"green{number}.png", (5 * number, 250 - 9 * number, number))
    opened = open_folder()
    opened.add([photos])
    return opened


def found(library: FolderLibrary, tag: str) -> list[str]:
    """Return the names of the pictures that hold a tag."""
    return sorted(hit.path.name for hit in library.search(Query(tags=(tag,)), k=100))


REDS = ["red.png", "red0.png", "red1.png", "red2.png"]
BLUES = ["blue.png", "blue0.png", "blue1.png", "blue2.png"]


def test_a_head_scores_its_tags(library: FolderLibrary, folder: Path, photos: Path) -> None:
    report = library.use_head(folder, who="ana")
    assert report.tags == report.added == CLASSES
    assert library.tags.get("暖").name == "warm"
    assert found(library, "warm") == REDS
    assert found(library, "cold") == BLUES
    assert {each.tag: each.count for each in library.tags.counts()} == {"warm": 4, "cold": 4}
    facts = library.tags.show("cold")
    assert (facts.source, facts.count) == ("head", 4)
    assert facts.threshold == pytest.approx(0.4)
    assert facts.head is not None
    assert (facts.head.method, facts.head.data, facts.head.idle) == ("logistic", "weather", None)
    [use] = library.heads()
    assert (use.head, use.tags) == (facts.head, CLASSES)


def test_probabilities_are_the_heads_own(
    library: FolderLibrary, folder: Path, photos: Path, store: FakeStore, kind: str
) -> None:
    library.use_head(folder)
    [scored] = library.tag([photos / "red.png"], mode="top")
    by_name = {each.tag: each for each in scored.tags}
    vector = store.encoders["colour"].encode_texts(["red"])
    wanted = open_head(folder).predict_proba(vector)[0]
    assert by_name["warm"].probability == pytest.approx(float(wanted[0]), abs=1e-5)
    assert by_name["cold"].probability == pytest.approx(float(wanted[1]), abs=1e-5)
    assert by_name["warm"].source == "head"
    assert by_name["warm"].holds
    assert not by_name["cold"].holds
    assert (by_name["warm"].score > 0.4) == (kind == "linear")  # else there is no vector
    everywhere = {each.path.name: each.tags for each in library.tag()}
    assert [each.tag for each in everywhere["blue1.png"]] == ["cold"]


def test_browsing_spread_border_review_and_counts(
    library: FolderLibrary, folder: Path, kind: str
) -> None:
    library.use_head(folder)
    hits = library.search(Query(tags=("warm",)), k=3)
    assert all(hit.path.name.startswith("red") for hit in hits)
    spread = library.tags.spread("warm", bins=10)
    assert sum(spread.counts) == 12
    assert sum(spread.counts[5:]) == 4
    border = library.tags.border("warm", threshold=0.5, k=20)
    assert border.count == len(border.above) == 4
    assert len(border.below) == 8
    asked = library.review(tag="cold", k=12)
    assert len(asked) == 12
    assert {round(each.threshold, 5) for each in asked} == {0.4}
    assert len(library.review(k=5)) == 5
    assert len(library.review(by="picture", k=5)) == 5
    told = library.explain(Query(tags=("warm",)), hits[0].id)
    assert [(each.tag, each.source) for each in told.tags] == [("warm", "head")]
    assert told.tags[0].probability > 0.5
    # Words that name the tag are its head where that is a search, and else its text.
    assert (library.explain("warm", hits[0].id).relevance > 0.5) == (kind == "linear")


def test_a_threshold_of_a_person_stays(library: FolderLibrary, folder: Path) -> None:
    library.tags.add("warm", threshold=0.999999)
    report = library.use_head(folder)
    assert report.added == ("cold",)
    assert library.tags.show("warm").threshold == 0.999999
    assert found(library, "warm") == []
    library.tags.edit("warm", threshold=0.001)
    assert set(found(library, "warm")) >= set(REDS)


def test_labels_sharpen_a_head(library: FolderLibrary, folder: Path, photos: Path) -> None:
    """People say that green is cold too: the head did not know."""
    library.use_head(folder)
    assert "green.png" not in found(library, "cold")
    before = {each.path.name: each.tags[0].probability
              for each in library.tag(mode="top", tags=["cold"])}  # fmt: skip
    for name in ("green0.png", "green1.png", "green2.png"):
        library.labels.set(photos / name, yes=["cold"])
    for name in ("red0.png", "red1.png", "red2.png"):
        library.labels.set(photos / name, no=["cold"])
    assert library.tags.show("cold").source == "learned"
    assert library.tags.show("warm").source == "head"
    after = {each.path.name: each.tags[0].probability
             for each in library.tag(mode="top", tags=["cold"])}  # fmt: skip
    assert after["green.png"] > max(0.3, 3 * before["green.png"])
    assert after["red.png"] < 0.1
    assert after["blue.png"] > 0.4
    assert {"green.png", "blue.png"} <= set(found(library, "cold"))


def test_new_and_changed_pictures_are_scored(
    library: FolderLibrary, folder: Path, photos: Path, open_folder: OpenFolder
) -> None:
    library.use_head(folder)
    assert found(library, "warm") == REDS
    paint(photos / "red9.png", (255, 8, 3))
    paint(photos / "red0.png", "blue")
    (photos / "red1.png").unlink()
    library.add([photos])
    assert found(library, "warm") == ["red.png", "red2.png", "red9.png"]
    library.close()
    again = open_folder()
    assert found(again, "warm") == ["red.png", "red2.png", "red9.png"]
    assert found(again, "cold") == sorted([*BLUES, "red0.png"])


def test_it_outlives_its_source(
    library: FolderLibrary, folder: Path, open_folder: OpenFolder
) -> None:
    library.use_head(folder)
    shutil.rmtree(folder)
    assert found(library, "warm") == REDS
    library.close()
    assert found(open_folder(), "warm") == REDS


def test_it_rests_while_another_model_is_in_use(
    library: FolderLibrary, folder: Path, open_folder: OpenFolder
) -> None:
    library.use_head(folder)
    library.close()
    library = open_folder(model=None)
    library.use_model("other")
    facts = library.tags.show("warm")
    assert facts.source == "zero-shot"
    assert facts.head is not None
    assert facts.head.idle is not None
    assert "8-d vectors of colour (fp32 revision r1)" in facts.head.idle
    assert "the library holds 6-d vectors of other" in facts.head.idle
    assert "soutu models use colour" in facts.head.idle
    assert library.heads()[0].head.idle == facts.head.idle
    list(library.tag())
    library.tags.counts()
    with pytest.raises(InputError, match="the head reads 8-d vectors of colour"):
        library.use_head(folder)
    library.use_model("colour")
    assert library.tags.show("warm").source == "head"
    assert found(library, "warm") == REDS


def test_dropping_and_undoing(library: FolderLibrary, folder: Path) -> None:
    library.tags.add("warm")
    by_text = found(library, "warm")
    library.use_head(folder, who="ana")
    change = library.tags.history(1)[0]
    assert (change.action, change.who) == ("use-head", "ana")
    assert change.what == "logistic of weather for warm, cold"
    library.tags.undo()
    assert "cold" not in library.tags
    assert library.tags.show("warm").head is None
    assert found(library, "warm") == by_text
    library.use_head(folder)
    assert library.drop_head(["暖"] if "暖" in library.tags else ["warm"]) == 1
    assert (library.tags.show("warm").source, library.tags.show("cold").source) == (
        "zero-shot",
        "head",
    )
    assert library.drop_head() == 1
    assert library.drop_head() == 0
    assert library.heads() == []
    library.tags.undo()
    assert library.tags.show("cold").source == "head"
    assert found(library, "cold") == BLUES
    with pytest.raises(InputError, match="'warm' has no trained head"):
        library.drop_head(["warm"])
    with pytest.raises(InputError, match="nope"):
        library.drop_head(["nope"])


def test_classes_can_be_other_tags(library: FolderLibrary, folder: Path) -> None:
    library.tags.add("glow", aliases=["暖"])
    report = library.use_head(folder, tags={"warm": "暖", "cold": None})
    assert (report.tags, report.added) == (("glow",), ())
    assert found(library, "glow") == REDS
    assert "cold" not in library.tags
    with pytest.raises(InputError, match="knows no class 'hot'; it knows: warm, cold"):
        library.use_head(folder, tags={"hot": "x"})
    with pytest.raises(InputError, match="cannot both be the tag"):
        library.use_head(folder, tags={"warm": "x", "cold": "X"})
    with pytest.raises(InputError, match="names of one tag"):
        library.use_head(folder, tags={"warm": "glow", "cold": "暖"})
    with pytest.raises(InputError, match="every class of the head is left out"):
        library.use_head(folder, tags=dict.fromkeys(CLASSES))
    with pytest.raises(InputError, match="name"):
        library.use_head(folder, tags={"warm": "!x"})
    assert len(library.tags.history()) == 2


def test_renaming_keeps_the_head_and_removing_ends_it(library: FolderLibrary, folder: Path) -> None:
    library.use_head(folder)
    library.tags.rename("warm", "hot")
    assert found(library, "hot") == REDS
    library.tags.remove(["hot"])
    assert library.heads()[0].tags == ("cold",)
    library.tags.undo()
    assert found(library, "hot") == REDS


def test_tags_of_a_group_are_told_apart(library: FolderLibrary, folder: Path) -> None:
    """Beside a trained head, a tag that only its text describes is compared by its own logit."""
    library.use_head(folder)
    library.tags.add("green")
    for name in ("warm", "cold", "green"):
        library.tags.edit(name, group="colour")
    assert found(library, "warm") == REDS
    assert found(library, "cold") == BLUES
    best = {each.path.name: each.tags[0].tag for each in library.tag(mode="softmax", k=1)}
    assert (best["red1.png"], best["blue1.png"]) == ("warm", "cold")
    spread = library.tags.spread("warm", bins=4)
    assert sum(spread.counts) == 12


def test_a_copy_that_is_damaged_is_told(
    library: FolderLibrary, folder: Path, tmp_path: Path, open_folder: OpenFolder
) -> None:
    digest = library.use_head(folder).head.digest
    library.close()
    copy = tmp_path / "library" / "heads" / digest
    weights = next(path for path in copy.iterdir() if path.suffix != ".json")
    weights.write_bytes(weights.read_bytes()[:-3])
    for cached in (tmp_path / "library" / "spaces").glob("*/tags.db*"):
        cached.unlink()  # what was computed is still right; only what is asked anew is not
    again = open_folder()
    with pytest.raises(LibraryBroken, match="soutu tags use-head DIR"):
        found(again, "warm")
    again.use_head(folder)  # mends the copy
    assert again.drop_head() == 2


def test_what_no_library_can_use_is_refused(
    library: FolderLibrary, tmp_path: Path, store: FakeStore, open_folder: OpenFolder
) -> None:
    encoder = store.encoders["colour"]
    crops = replace(facts_for(encoder), regions="whole+crops")
    weights = np.zeros((2, 6 * 8), np.float32)
    save_head(tmp_path / "h", LinearHead(weights=weights, bias=np.zeros(2, np.float32)), crops)
    with pytest.raises(InputError, match=r"looks at whole\+crops of a picture"):
        library.use_head(tmp_path / "h")
    with pytest.raises(InputError, match="no such folder"):
        library.use_head(tmp_path / "nothing")
    save_head(tmp_path / "h", linear(encoder), facts_for(encoder))
    with pytest.raises(LibraryError, match="holds no pictures yet"):
        open_folder(tmp_path / "empty").use_head(tmp_path / "h")


def test_what_was_computed_goes_with_its_head(
    library: FolderLibrary, tmp_path: Path, store: FakeStore
) -> None:
    encoder = store.encoders["colour"]
    kept = []
    for number in range(2):
        save_head(
            tmp_path / "h", chain(encoder), replace(facts_for(encoder), made=f"2026-01-0{number}")
        )
        digest = library.use_head(tmp_path / "h").head.digest
        assert found(library, "warm") == REDS
        kept.append([path.stem for path in (tmp_path / "library" / "spaces").glob("*/scores/*")])
        assert kept[-1] == [digest]
    assert kept[0] != kept[1]


def test_all_kinds_give_the_same_answers(
    library: FolderLibrary, tmp_path: Path, store: FakeStore, photos: Path
) -> None:
    """The oracle of those that are not linear is the same head written as a linear one."""
    encoder = store.encoders["colour"]
    answers = {}
    library.labels.set_many([])
    for name, make in KINDS.items():
        save_head(tmp_path / name, make(encoder), facts_for(encoder))
        library.use_head(tmp_path / name)
        library.labels.set(photos / "green0.png", yes=["cold"])
        library.labels.set(photos / "red0.png", no=["cold"])
        answers[name] = (
            [(c.tag, c.count) for c in library.tags.counts()],
            library.tags.spread("cold", bins=20).counts,
            [q.path.name for q in library.tags.border("cold", k=12).below],
            {i.path: [t.probability for t in i.tags] for i in library.tag(mode="top")},
            library.tags.show("cold").threshold,
        )
        library.labels.set(photos / "green0.png", clear=["cold"])
        library.labels.set(photos / "red0.png", clear=["cold"])
    for name in ("chain", "onnx"):
        assert answers[name][:3] == answers["linear"][:3]
        assert answers[name][4] == pytest.approx(answers["linear"][4], abs=1e-4)
        for path, wanted in answers["linear"][3].items():
            assert answers[name][3][path] == pytest.approx(wanted, abs=1e-3)
