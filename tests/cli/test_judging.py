"""The data that a quantised form is judged on, and where its sample pictures come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from painting import COLOURS, ColourEncoder, paint

from soutu.cli.judging import quality_on
from soutu.cli.samples import library_samples
from soutu.errors import InputError
from soutu.library import open_library
from soutu.types import Preprocess


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Paint a folder of pictures for each colour."""
    for name, colour in COLOURS.items():
        for k in range(3):
            paint(tmp_path / "data" / name / f"{k}.png", colour)
    return tmp_path / "data"


def test_labelled_pictures_give_a_mean_average_precision(labelled: Path) -> None:
    """An encoder that knows its colours ranks every class first."""
    judge = quality_on(labelled, None)
    assert judge is not None
    assert judge(ColourEncoder()) == pytest.approx({"mAP": 100.0})


def test_captions_give_recalls(tmp_path: Path) -> None:
    """A caption finds its picture among the others; a wrong one does not."""
    lines = ["image,caption"]
    for name, colour in COLOURS.items():
        paint(tmp_path / f"{name}.png", colour)
        lines.append(f"{name}.png,all {name if name != 'white' else 'red'}")
    (tmp_path / "captions.csv").write_text("\n".join(lines), "utf-8")
    judge = quality_on(None, tmp_path / "captions.csv")
    assert judge is not None
    assert judge(ColourEncoder()) == pytest.approx({"R@1": 75.0, "R@5": 100.0, "R@10": 100.0})


def test_without_data_nothing_is_judged() -> None:
    """No data, no figures."""
    assert quality_on(None, None) is None


def test_bad_data_is_an_error_before_anything_is_encoded(tmp_path: Path) -> None:
    """The message comes at once, not after the quantising."""
    with pytest.raises(InputError):
        quality_on(tmp_path / "nothing", None)


def test_samples_come_from_all_over_a_library(tmp_path: Path, labelled: Path) -> None:
    """Pictures that are gone are left out."""
    where = tmp_path / "lib"
    with open_library(where, create=True, home=tmp_path / "home") as library:
        library.add([labelled])
    (labelled / "red/0.png").unlink()
    spec = Preprocess(height=8, width=8, resize=8)
    assert library_samples(where, spec).shape == (11, 3, 8, 8)
    assert library_samples(where, spec, enough=3).shape == (3, 3, 8, 8)
