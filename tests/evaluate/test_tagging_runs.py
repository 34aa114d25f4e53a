"""Tagging figures are those that can be worked out by hand, and thresholds never saw their rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluated import COLOURS, painted, setup

from soutu.data import LabelledData, load
from soutu.errors import InputError
from soutu.evaluate import tagging
from soutu.evaluate.measures import estimate
from soutu.evaluate.scoring import Scored
from soutu.evaluate.setup import Setup, System
from soutu.evaluate.tagging import (
    figure_of_calibration,
    figure_of_micro_map,
    judge,
    measures_of,
    rows_of,
)
from soutu.metrics import calibration_error, estimated, micro_average_precision

COLOUR = System(model="colour")


def table(
    labels: list[list[int]], splits: list[str] | None = None, name: str = "table"
) -> LabelledData:
    array = np.array(labels, np.int8)
    return LabelledData(
        name=name,
        paths=tuple(Path(f"/nowhere/{row}.png") for row in range(len(array))),
        classes=tuple("abcdefgh"[: array.shape[1]]),
        labels=array,
        splits=None if splits is None else tuple(splits),
    )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Make systems say what the test writes down: a probability for each row of one class."""
    by_name: dict[str, float] = {}

    def score(data: LabelledData, system: System, _: Setup) -> Scored:
        rows = [[by_name[f"{path.stem}{name}"] for name in data.classes] for path in data.paths]
        return Scored(
            system=system,
            rows=np.arange(len(data)),
            probabilities=np.array(rows, np.float32),
            thresholds=np.full(len(data.classes), 0.25, np.float32),
            facts=None,
        )

    monkeypatch.setattr(tagging, "score", score)
    return by_name


def say(said: dict[str, float], rows: list[list[float]]) -> None:
    for row, values in enumerate(rows):
        for name, value in zip("abcdefgh", values, strict=False):
            said[f"{row}{name}"] = value


def figures(data: LabelledData, measuring: Setup, split: str | None = None) -> dict[str, float]:
    judged = judge(data, COLOUR, measuring, split=split)
    found = estimate(measures_of(judged), len(judged.data), measuring)
    return {name: value.estimate for name, value in found.items()}


def test_every_figure_by_hand(tmp_path: Path, said: dict[str, float]) -> None:
    """Three pictures, two classes; thresholds from val."""
    say(said, [[0.9, 0.2], [0.6, 0.7], [0.1, 0.8], [0.5, 0.3], [0.2, 0.6]])
    labels = [[1, 0], [0, 1], [1, 1], [1, 0], [0, 1]]
    data = table(labels, ["test", "test", "test", "val", "val"])
    values = figures(data, setup(tmp_path))
    # a: 0.9 yes, 0.6 no, 0.1 yes -> (1 + 2/3) / 2; b: 0.8 yes, 0.7 yes, 0.2 no -> 1.
    assert values["mAP macro"] == pytest.approx((5 / 6 + 1) / 2)
    # Tuned on val: a between 0.5 and 0.2, b between 0.6 and 0.3. So a: yes yes no, b: no yes yes.
    assert values["F1 micro, tuned"] == pytest.approx(2 * 3 / (4 + 4))
    assert values["F1 macro, tuned"] == pytest.approx((2 / 4 + 1) / 2)
    assert values["Hamming loss, tuned"] == pytest.approx(2 / 6)
    assert values["subset accuracy, tuned"] == pytest.approx(1 / 3)
    assert values["precision, 0.5"] == pytest.approx(3 / 4)
    assert values["one-error"] == 0
    # Taken from the top until all right ones are there: 1, 1, 2 of two classes.
    assert values["coverage"] == pytest.approx(4 / 3)
    assert values["ranking loss"] == 0
    ranked = micro_average_precision(
        np.array([[0.9, 0.2], [0.6, 0.7], [0.1, 0.8]]), data.labels[:3]
    )
    assert values["mAP micro"] == pytest.approx(ranked)


def test_unknown_labels_never_count(tmp_path: Path, said: dict[str, float]) -> None:
    """What is said of an unknown label changes nothing."""
    rows = [[0.9, 0.2], [0.6, 0.7], [0.1, 0.8], [0.3, 0.4]] * 3
    labels = [[1, 0], [0, -1], [-1, 1], [0, 1]] * 3
    say(said, rows)
    before = figures(table(labels), setup(tmp_path))
    turned = [
        [1 - p if label == -1 else p for p, label in zip(values, row, strict=True)]
        for values, row in zip(rows, labels, strict=True)
    ]
    say(said, turned)
    assert figures(table(labels), setup(tmp_path)) == before


def test_thresholds_are_not_tuned_on_the_judged_rows(
    tmp_path: Path, said: dict[str, float]
) -> None:
    """What would be perfect on test is not used: val says something else."""
    say(said, [[0.4], [0.1], [0.9], [0.5]])
    data = table([[1], [0], [1], [0]], ["test", "test", "val", "val"])
    judged = judge(data, COLOUR, setup(tmp_path))
    assert judged.thresholds["tuned"].tolist() == pytest.approx([0.7])
    assert not judged.decisions["tuned"].any()
    assert judged.decisions["own"].ravel().tolist() == [True, False]


def test_folds_decide_each_other(tmp_path: Path, said: dict[str, float]) -> None:
    """A picture that alone could say where its class begins is not decided by itself.

    One yes at 0.3 among noes at 0.2: the folds without it know no yes, and keep the system's own
    threshold of 0.25; those with it tune to 0.25, too. With a yes at 0.1 they differ.
    """
    count = 20
    labels = [[1]] + [[0]] * (count - 1)
    say(said, [[0.9]] + [[0.3]] * (count - 1))
    judged = judge(table(labels), COLOUR, setup(tmp_path))
    # Its own fold is decided by the own threshold, 0.25, the others by one tuned to 0.6.
    wrong = int(judged.decisions["tuned"][1:].sum())
    assert bool(judged.decisions["tuned"][0, 0])
    assert wrong == count // 5 - 1
    again = judge(table(labels), COLOUR, setup(tmp_path))
    np.testing.assert_array_equal(judged.decisions["tuned"], again.decisions["tuned"])


def test_a_folder_per_class_is_told_by_names(tmp_path: Path) -> None:
    """An encoder that sees colours and reads their names makes no mistake in ranking."""
    painted(tmp_path / "data", copies=6)
    data = load(tmp_path / "data")
    assert data.classes == tuple(sorted(COLOURS))
    values = figures(data, setup(tmp_path))
    assert values["mAP macro"] == 1.0
    assert values["one-error"] == values["ranking loss"] == 0.0
    blind = judge(data, System(model="blind"), setup(tmp_path))
    assert estimated(measures_of(blind)["mAP macro"].figure, len(data)) < 0.8


def test_fast_figures_equal_the_plain_ones() -> None:
    """Micro mAP and calibration error, also with unknown labels and repeated rows."""
    rng = np.random.default_rng(1)
    p = rng.random((60, 5)).astype(np.float32).round(1)
    labels = rng.integers(-1, 2, (60, 5)).astype(np.int8)
    micro, error = figure_of_micro_map(p, labels), figure_of_calibration(p, labels)
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=7).T.astype(np.float32)
    for column in range(7):
        rows = np.repeat(np.arange(60), counts[:, column].astype(int))
        assert micro(counts)[column] == pytest.approx(
            micro_average_precision(p[rows], labels[rows]), abs=1e-9
        )
        assert error(counts)[column] == pytest.approx(
            calibration_error(p[rows], labels[rows]), abs=1e-6
        )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[-1], [-1]], "every label is unknown"),
        ([[0], [0]], "no class holds"),
        ([[1], [-1]], "every known label is a yes"),
    ],
)
def test_labels_that_say_nothing(tmp_path: Path, labels: list[list[int]], message: str) -> None:
    """They are refused before a model is opened."""
    with pytest.raises(InputError, match=message):
        judge(table(labels), System(model="no such model"), setup(tmp_path))


def test_which_rows_are_judged() -> None:
    """Test where there is one; thresholds from val; never the same twice."""
    data = table([[1], [0], [1], [0]], ["train", "val", "test", "test"])
    judged, tuning = rows_of(data, None)
    assert (judged.tolist(), tuning.tolist()) == ([2, 3], [1])
    judged, tuning = rows_of(data, "val")
    assert (judged.tolist(), tuning.tolist()) == ([1], [])
    judged, tuning = rows_of(replace(data, splits=None), None)
    assert (judged.tolist(), tuning.tolist()) == ([0, 1, 2, 3], [])
    with pytest.raises(InputError, match="no split 'dev'; it has: test, train, val"):
        rows_of(data, "dev")
    with pytest.raises(InputError, match="no pictures"):
        rows_of(data.take(np.array([], np.intp)), None)
