"""The benches on labelled pictures run on a small set, as their documented commands name it."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCH = Path(__file__).parents[2] / "bench"
COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 40, 200)}

Run = Callable[..., None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Run a bench's main with a command line; what it keeps goes to a folder of the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(importlib.import_module("harness"), "CACHE", tmp_path / "cache")

    def main(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        importlib.import_module(name).main()

    yield main
    for name in set(sys.modules) - before:
        if (BENCH / f"{name}.py").is_file():
            del sys.modules[name]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Forty plain pictures of one or two of three colours, as a CSV that lists them."""
    draws = np.random.default_rng(0)
    lines = ["image,labels"]
    for number in range(40):
        halves = draws.choice(list(COLOURS), 2)
        pixels = np.repeat(np.array([[COLOURS[name] for name in halves]], np.uint8), 20, axis=1)
        noisy = np.repeat(pixels, 30, axis=0) + draws.integers(0, 30, (30, 40, 3), np.uint8)
        Image.fromarray(noisy).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{'|'.join(sorted(set(halves)))}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "labels.csv"


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("tagging", ["--labels", "0", "4"], "| soutu |"),
        ("learning", ["--labels", "0", "4"], "| nearest prototype |"),
        ("reviewing", ["--labels", "4", "--source", "queue"], "| queue |"),
    ],
)
def test_a_bench_prints_its_table(
    run: Run, table: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str],
    line: str,
) -> None:  # fmt: skip
    """A CSV is read as soutu reads it, and every engine has a line of figures."""
    run(name, "--data", table, "--rounds", "1", *options)
    out = capsys.readouterr().out
    assert line in out
    assert "40 pictures, 3 tags" in out


def test_every_head_has_a_line(
    run: Run, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heads are measured on held-out pictures, and compared where both are there."""
    heads = ["zero-shot", "logistic", "chain", "linear", "gcn"]
    run("multilabel", table, "--seeds", "2", "--least", "2", "--heads", *heads,
        "--json", tmp_path / "found.json")  # fmt: skip
    out = capsys.readouterr().out
    assert "24 train, 8 val, 8 test; 3 classes" in out
    assert "| chain | logistic |" in out
    found = json.loads((tmp_path / "found.json").read_text())["figures"][tmp_path.name]
    assert [line["head"] for line in found["lines"] if line["loss"] == "bce"] == heads
    assert all(0 <= line["mAP"] <= 1 for line in found["lines"])


def test_unknown_labels_are_refused_where_they_would_count_as_no(run: Run, tmp_path: Path) -> None:
    """The benches of zero-shot tags need a yes or a no of every picture."""
    (tmp_path / "t.csv").write_text("image,cat,dog\na.jpg,1,\nb.jpg,0,1\n")
    with pytest.raises(SystemExit, match="1 labels are unknown"):
        run("tagging", "--data", tmp_path / "t.csv")


def test_captions_name_the_longest_tags(run: Run) -> None:
    """Plurals count, and a tag inside a longer one does not."""
    tags_of = importlib.import_module("public_sets").tags_of
    tags = {"dog", "hot dog", "person", "berry", "bench", "man", "bus"}
    found = tags_of("Two men eat hot dogs and berries on benches ; people pass .", tags)
    assert found == {"man", "hot dog", "berry", "bench", "person"}
