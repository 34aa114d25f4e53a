"""The recipe of the bundled model, on painted pictures in the layouts of its data sets."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import flickr_test
import numpy as np
import pytest
from distill_teacher import SMALL
from make_mini import make
from mini_calibration import logistic
from mini_sets import plain_label, read_sets
from mini_sources import opened
from numpy.typing import NDArray
from painting import COLOURS, paint

from soutu.errors import InputError
from soutu.models import ModelStore, layout
from soutu.train.distill.start import open_start

CHINESE = {"red": "红色", "green": "绿色", "blue": "蓝色", "white": "白色"}
SMOKE = replace(SMALL, train_size=64, mosaics=0.25, batch=8, bank_batch=4)


class ColourPictures:
    """A picture teacher that sees the mean colour."""

    weights = np.eye(4, 4, dtype=np.float32)
    bias = np.zeros(4, np.float32)

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return the mean colour and its darkness."""
        mean = pictures.mean(axis=(1, 2)) / 255
        return np.concatenate([mean, 1 - mean.mean(1, keepdims=True)], 1).astype(np.float16)


class CountedTexts:
    """A text teacher that counts letters; it remembers how often it was asked."""

    name = "letters"
    asked = 0

    def words(self) -> Sequence[str]:
        """List a few words."""
        return ["sky", "grass"]

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors."""
        self.asked += 1
        counts = np.array([[text.count(chr(97 + k)) for k in range(26)] for text in texts])
        counts = counts.astype(np.float32) + 0.1
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True))


def write(path: Path, text: str) -> None:
    """Write a text file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Paint all data sets, in the places that the recipe looks at."""
    root = tmp_path / "sources"
    tiny = root / "seshuad+IMagenet/tiny-imagenet-200"
    write(tiny / "words.txt", "".join(f"n0{i}\t{name}\n" for i, name in enumerate(COLOURS)))
    flickr = root / "RlNZLER+Image-Text-Matching"
    kinds = {
        "caltech": root / "MachineLearning2020+Homework2-Caltech101/101_ObjectCategories",
        "flower": flickr / "flower_photos-resised_train",
        "clothing": root / "alexeygrigorev+clothing-dataset-small/train",
        "grocery": root / "marcusklasson+GroceryStoreDataset/dataset/train/Fruit",
    }
    for i, (name, colour) in enumerate(COLOURS.items()):
        for k in range(4):
            paint(tiny / f"train/n0{i}/images/{k}.JPEG", colour, size=64, seed=k)
            for place in kinds.values():
                paint(place / f"{name}-thing/{k}.jpg", colour, size=70, seed=k)
            paint(flickr / f"data/images/{name}{k}_x.jpg", colour, size=90, seed=k)
    texts = root / "li-xirong+flickr8kcn/data"
    ids = [f"{name}{k}_x" for k in range(4) for name in COLOURS]
    for split, part in (("train", ids[:8]), ("val", ids[8:12]), ("test", ids[12:])):
        write(texts / f"flickr8k{split}.txt", "\n".join(part))
    lines = [f"{i}.jpg#enc#{k} all {i[:-3]} here" for i in ids for k in range(2)]
    write(texts / "flickr8kenc.caption.txt", "\n".join(lines))
    lines = [f"{i}.jpg#zhc#0 {CHINESE[i[:-3]]}的图" for i in ids]
    write(texts / "flickr8kzhc.caption.txt", "\n".join(lines))
    names = root / "LAION-AI+CLIP_benchmark/clip_benchmark/datasets"
    write(names / "en_classnames.json", json.dumps({"imagenet1k": [*COLOURS]}))
    write(names / "cn_classnames.json", json.dumps({"imagenet1k": [*CHINESE.values()]}))
    tags = root / "xinyu1205+recognize-anything/ram/data"
    write(tags / "ram_tag_list.txt", "grass\nsky\n")
    write(tags / "ram_tag_list_chinese.txt", "草地\n天空\n")
    for folder in ("annotations-full/annotations", "annotations-derived-full/annotationsDerived"):
        for code, word in (("en", "cat"), ("zh", "猫")):
            table = {"annotations": {"annotations": {"🐱": {"tts": [word]}}}}
            place = root / f"unicode-org+cldr-json/cldr-json/cldr-{folder}/{code}"
            write(place / "annotations.json", json.dumps(table))
    return root


def test_the_recipe_makes_a_model(tmp_path: Path, sources: Path) -> None:
    """From painted pictures to a model folder; run again, it asks no teacher anew."""
    texts = CountedTexts()

    def run(out: str) -> dict[str, float]:
        made, figures = make(
            sources, tmp_path / "work", tmp_path / out, SMOKE,
            pictures=ColourPictures(), texts=texts, quiet=True,
        )  # fmt: skip
        assert made.error <= 1e-4
        return figures

    first = run("one")
    assert {"top1", "R@10 en", "R@10 zh"} <= first.keys()
    assert run("two") == first
    assert texts.asked == 1
    crops = json.loads((tmp_path / "work/corpus/keys-7.json").read_text("utf-8"))["keys"]
    assert len(crops) == 4 * len(set(crops)) == 4 * 8
    config = json.loads((tmp_path / "one/config.json").read_text("utf-8"))
    assert "clothing (CC0)" in config["provenance"]["data"]
    assert layout.read(tmp_path / "one").scale.bias is not None
    encoder = ModelStore(tmp_path / "home").load(tmp_path / "one")
    assert np.isfinite(encoder.encode_texts(["red", "红色", "天空"])).all()


def test_the_recipe_goes_on_from_a_model(tmp_path: Path, sources: Path) -> None:
    """Its own texts are the places to begin from, so that no text teacher is needed."""
    make(
        sources, tmp_path / "work", tmp_path / "one", SMOKE,
        pictures=ColourPictures(), texts=CountedTexts(), quiet=True,
    )  # fmt: skip
    start = open_start(tmp_path / "one")
    gentle = replace(SMOKE, learning_rate=1e-4, text_steps=5, tune_steps=0)
    made, _ = make(
        sources, tmp_path / "more", tmp_path / "two", gentle,
        pictures=ColourPictures(), texts=start, quiet=True,
    )  # fmt: skip
    assert made.error <= 1e-4
    one, two = (tmp_path / name for name in ("one", "two"))
    assert (one / "tokenizer.json").read_bytes() == (two / "tokenizer.json").read_bytes()
    texts = ["all red here", "红色", "a photo of a blue"]
    encoder = ModelStore(tmp_path / "home").load(two)
    assert (encoder.encode_texts(texts) * start.texts(texts)).sum(axis=1).min() > 0.99
    config = json.loads((two / "config.json").read_text("utf-8"))
    assert config["distilled"]["start"].startswith("mini (")
    assert "trained further" in config["provenance"]["image"]


def test_the_test_split_is_only_measured_on(tmp_path: Path, sources: Path) -> None:
    """It is written for `soutu eval`, and none of it is in the corpus."""
    make(
        sources, tmp_path / "work", tmp_path / "out", SMOKE,
        pictures=ColourPictures(), texts=CountedTexts(), quiet=True,
    )  # fmt: skip
    keys = {
        key
        for path in (tmp_path / "work/corpus").glob("keys-*.json")
        for key in json.loads(path.read_text("utf-8"))["keys"]
    }
    assert flickr_test.write_split(sources, tmp_path / "test") == 4
    written = {path.stem for path in (tmp_path / "test").glob("*.jpg")}
    assert len(written) == 4
    assert not written & keys
    with (tmp_path / "test/captions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3
    assert {row["language"] for row in rows} == {"en", "zh"}


def test_a_missing_set_names_its_command(tmp_path: Path) -> None:
    """What is not there is said with the command that fetches it."""
    with (
        pytest.raises(InputError, match=r"git clone --mirror https://github.com/o/name"),
        opened(tmp_path, "o/name", "abc"),
    ):
        pass


def test_a_git_directory_is_read_at_its_commit(tmp_path: Path) -> None:
    """Later commits change nothing; a commit that is not there is an error."""
    folder = tmp_path / "o+name"

    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", "-C", str(folder), *settings, *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    write(folder / "a/b c.txt", "old")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "old")
    commit = git("rev-parse", "HEAD")
    write(folder / "a/b c.txt", "new")
    git("commit", "-qam", "new")
    with opened(tmp_path, "o/name", commit) as source:
        assert list(source.names()) == ["a/b c.txt"]
        assert source.read("a/b c.txt") == b"old"
    with pytest.raises(InputError, match="git cannot read"), opened(tmp_path, "o/name", "0" * 40):
        pass


@pytest.mark.parametrize(
    ("name", "label", "plain"),
    [
        ("caltech-101", "Faces_easy", "human face"),
        ("caltech-101", "ceiling_fan", "ceiling fan"),
        ("grocery", "Arla-Standard-Milk", "carton of milk"),
        ("grocery", "Red-Delicious", "apple"),
        ("clothing", "longsleeve", "long sleeve shirt"),
    ],
)
def test_labels_become_words(name: str, label: str, plain: str) -> None:
    """What people would type."""
    entries: dict[str, Any] = {entry["name"]: entry for entry in read_sets()["pictures"]}
    assert plain_label(label, entries[name], entries[name].get("names", {})) == plain


def test_every_set_states_its_licence() -> None:
    """The README's table is the same as the recipe's."""
    sets = read_sets()
    readme = Path(flickr_test.__file__).with_name("README.md").read_text("utf-8")
    for entry in [*sets["pictures"], sets["captions"], *sets["words"]]:
        assert entry["licence"]
        assert entry["repository"] in readme
        assert entry["commit"] in readme


def test_probabilities_are_calibrated() -> None:
    """The regression finds the scale and bias that labels were drawn with."""
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-0.2, 0.6, 20_000).astype(np.float32)
    holds = rng.random(20_000) < 1 / (1 + np.exp(-(12 * cosines - 5)))
    found = logistic(cosines, holds)
    assert found.scale == pytest.approx(12, rel=0.05)
    assert found.bias == pytest.approx(-5, rel=0.05)
