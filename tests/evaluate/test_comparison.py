"""A verdict stands only where there is a difference, and the pictures that changed are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluated import captions_csv, painted, setup

from soutu.data import load
from soutu.errors import InputError
from soutu.evaluate.comparison import compare_retrieval, compare_tagging
from soutu.evaluate.found import open_found, run_found
from soutu.evaluate.report import Gallery, Report, as_dict
from soutu.evaluate.setup import System, parse_system
from soutu.evaluate.tagging import judge


def differences(report: Report) -> dict[str, dict[str, object]]:
    (pair,) = as_dict(report)["figures"]["comparisons"]
    found: dict[str, dict[str, object]] = pair["differences"]
    return found


def test_a_model_that_sees_beats_one_that_does_not(tmp_path: Path) -> None:
    """And the other way round it is the first that is better."""
    painted(tmp_path / "data", copies=8)
    data = load(tmp_path / "data")
    measuring = setup(tmp_path)
    blind, colour = (judge(data, System(model=name), measuring) for name in ("blind", "colour"))
    report = compare_tagging([blind, colour], measuring, command="test")
    found = differences(report)
    assert found["mAP macro"]["b"] == 1.0
    assert found["mAP macro"]["verdict"] == "B is better"
    assert found["ranking loss"]["verdict"] == "B is better"
    assert report.summary[0].startswith("mAP macro: colour is better")
    galleries = [part for section in report.sections for part in section.parts
                 if isinstance(part, Gallery)]  # fmt: skip
    assert [gallery.title for gallery in galleries] == ["Better with B"]
    turned = differences(compare_tagging([colour, blind], measuring, command="test"))
    assert turned["mAP macro"]["verdict"] == "A is better"


def test_the_same_twice_is_no_difference(tmp_path: Path) -> None:
    """Every difference is exactly zero."""
    painted(tmp_path / "data", copies=3)
    data = load(tmp_path / "data")
    measuring = setup(tmp_path)
    judged = [judge(data, System(model="colour"), measuring) for _ in range(2)]
    found = differences(compare_tagging(judged, measuring, command="test"))
    assert {each["verdict"] for each in found.values()} == {"no difference shown"}
    assert found["mAP macro"]["difference"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}


def test_few_queries_give_no_verdict(tmp_path: Path) -> None:
    """Four captions prove nothing, however different the ranks are."""
    lines = [f"{colour}.png,{colour}" for colour in ("red", "green", "blue", "white")]
    data = open_found(captions_csv(tmp_path, lines))
    measuring = setup(tmp_path)
    found = [run_found(data, System(model=name), measuring) for name in ("blind", "colour")]
    report = compare_retrieval(found, measuring, command="test")
    assert differences(report)["text to image: R@1"]["verdict"] == "no difference shown"
    changed = next(s for s in report.sections if s.title == "Which queries changed: text to image")
    better = sum(
        b < a for a, b in zip(found[0].rankings[0].ranks, found[1].rankings[0].ranks, strict=True)
    )
    assert changed.text[0].startswith(f"Of 4 queries, {better} find the right one earlier with B")


def test_systems_are_written_in_one_word() -> None:
    """A model, its precision, its index; or a head's folder."""
    assert parse_system("mini") == System(model="mini")
    parsed = parse_system("clip,precision=int8,index=binary")
    assert parsed == System(model="clip", precision="int8", index="binary")
    assert parsed.name == "clip, int8, index binary"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no model"),
        ("mini,speed=2", "'speed=2' is no setting"),
        ("mini,precision=fp8", "the precisions are auto, fp32, int8"),
        ("mini,index=faiss", "the indexes are exact"),
    ],
)
def test_bad_systems_say_what_is_known(text: str, message: str) -> None:
    """Before anything is measured."""
    with pytest.raises(InputError, match=message):
        parse_system(text)


def test_a_head_with_settings_is_refused(tmp_path: Path) -> None:
    """It has its own encoder."""
    (tmp_path / "head.json").write_text("{}")
    assert parse_system(str(tmp_path)) == System(head=tmp_path)
    with pytest.raises(InputError, match="a head has its own encoder"):
        parse_system(f"{tmp_path},precision=int8")
