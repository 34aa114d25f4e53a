"""Caption sets of every layout say the same; what cannot be used is told before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from soutu.data.captions import CaptionData, load_captions
from soutu.errors import InputError

NAMES = ("a.jpg", "b.jpg")
CAPTIONS = {"a.jpg": ("a cat", "one cat, sitting"), "b.jpg": ("a dog", "two dogs")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures in Images/."""
    (tmp_path / "Images").mkdir()
    for name in NAMES:
        Image.new("RGB", (8, 8), "red").save(tmp_path / "Images" / name)
    return tmp_path


def as_dict(data: CaptionData) -> dict[str, tuple[str, ...]]:
    return {
        path.name: tuple(
            text
            for text, row in zip(data.captions, data.image_of, strict=True)
            if data.images[row] == path
        )
        for path in data.images
    }


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder / name


def karpathy() -> str:
    return json.dumps(
        {
            "images": [
                {
                    "filename": name,
                    "split": split,
                    "sentences": [{"raw": text} for text in CAPTIONS[name]],
                }
                for name, split in zip(NAMES, ("restval", "test"), strict=True)
            ]
        }
    )


def coco() -> str:
    images = [{"id": n, "file_name": name} for n, name in enumerate(NAMES)]
    captions = [
        {"image_id": n, "caption": f" {text}\n"}
        for n, name in enumerate(NAMES)
        for text in CAPTIONS[name]
    ]
    return json.dumps({"images": images, "annotations": captions})


LAYOUTS = {
    "captions.txt": 'image,caption\na.jpg,a cat\na.jpg,"one cat, sitting"\nb.jpg,a dog\n'
    "b.jpg,two dogs\n",
    "Flickr8k.token.txt": "a.jpg#0\ta cat\na.jpg#1\tone cat, sitting\nb.jpg#0\ta dog\n"
    "b.jpg#1\ttwo dogs\n",
    "results.csv": "image_name| comment_number| comment\na.jpg| 0| a cat\n"
    "a.jpg| 1| one cat, sitting\nb.jpg| 0| a dog\nb.jpg| 1| two dogs\n",
    "captions_val.json": coco(),
    "dataset_flickr.json": karpathy(),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same(folder: Path, name: str) -> None:
    """By the file or by its folder; the pictures are found beside it."""
    file = write(folder, name, LAYOUTS[name])
    assert as_dict(load_captions(file)) == CAPTIONS
    assert load_captions(folder).digest == load_captions(file).digest


def test_coco_pictures_are_found_above_annotations(folder: Path) -> None:
    """As COCO is laid out: annotations/ beside val2017/."""
    (folder / "Images").rename(folder / "val2017")
    write(folder, "annotations/captions_val2017.json", coco())
    assert as_dict(load_captions(folder)) == CAPTIONS


def test_split_files_beside_the_captions(folder: Path) -> None:
    """Flickr8k's lists of pictures; dev is called val."""
    write(folder, "Flickr8k.token.txt", LAYOUTS["Flickr8k.token.txt"])
    write(folder, "Flickr_8k.trainImages.txt", "a.jpg\n")
    write(folder, "Flickr_8k.devImages.txt", "b.jpg\n")
    assert list(as_dict(load_captions(folder, split="val"))) == ["b.jpg"]
    with pytest.raises(InputError, match="no split 'test'; it has: train, val"):
        load_captions(folder, split="test")
    write(folder, "Flickr_8k.testImages.txt", "b.jpg\n")
    with pytest.raises(InputError, match="two splits"):
        load_captions(folder)


def test_karpathy_restval_is_train(folder: Path) -> None:
    """As everybody trains on it."""
    data = load_captions(write(folder, "dataset_coco.json", karpathy()))
    assert data.splits == ("train", "test")
    assert data.part("test").captions == CAPTIONS["b.jpg"]


def test_languages_and_splits_of_a_csv(folder: Path) -> None:
    """A file name may be in several lines, each with its language."""
    text = "split,image,language,caption\ntest,a.jpg,en,a cat\ntest,a.jpg,ZH,一只猫\n"
    data = load_captions(write(folder, "captions.csv", text), split="test")
    assert data.languages == ("en", "zh")
    assert data.captions == ("a cat", "一只猫")
    token = write(folder, "zh.token", "a.jpg#zhc#0 一只猫\nb.jpg#zhc#0 一条狗\n")
    assert load_captions(token).languages == ("zh", "zh")


def test_captions_without_pictures(folder: Path) -> None:
    """An error by default; left out, and noted, where that is asked for."""
    file = write(folder, "captions.txt", "image,caption\na.jpg,a cat\ngone.jpg,a ghost\n")
    with pytest.raises(InputError, match=r"pictures that are not there: 1 \(gone.jpg\)"):
        load_captions(file)
    data = load_captions(file, allow_missing=True)
    assert as_dict(data) == {"a.jpg": ("a cat",)}
    assert data.notes == ("left out: captions of pictures that are not there: 1 (gone.jpg)",)
    (folder / "elsewhere").mkdir()
    with pytest.raises(InputError, match="none of the pictures"):
        load_captions(file, images=folder / "elsewhere", allow_missing=True)


def test_empty_captions(folder: Path) -> None:
    """A picture that nobody described finds nothing."""
    file = write(folder, "captions.txt", "image,caption\na.jpg,a cat\nb.jpg,\n")
    with pytest.raises(InputError, match=r"empty captions: 1 \(b.jpg\)"):
        load_captions(file)
    assert as_dict(load_captions(file, allow_missing=True)) == {"a.jpg": ("a cat",)}


def test_repeated_and_shared_captions_are_noted(folder: Path) -> None:
    """A repeat counts once; a caption of two pictures stays, and the report will say so."""
    text = "image,caption\na.jpg,a pet\na.jpg,a pet\nb.jpg,a pet\n"
    data = load_captions(write(folder, "captions.txt", text))
    assert as_dict(data) == {"a.jpg": ("a pet",), "b.jpg": ("a pet",)}
    assert len(data.notes) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("file,words\na.jpg,a cat\n", "columns image and caption"),
        ("image,caption\n,a cat\n", "line 2: there is no file name"),
        ("image,caption\n", "no captions"),
        ("a.jpg#0\ta cat\nnonsense\n", "line 2: expected NAME"),
        ('{"images": [', "is no JSON"),
        ('{"annotations": []}', 'no list "images"'),
        ('{"images": [{"id": 1}], "annotations": []}', "neither"),
        ('{"images": [], "annotations": [{"image_id": 1, "caption": "x"}]}', "picture 1"),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": []}]}', "without a caption"),
    ],
)
def test_what_cannot_be_read_says_where(folder: Path, text: str, message: str) -> None:
    """Every message names the file."""
    with pytest.raises(InputError, match=message) as error:
        load_captions(write(folder, "captions.txt", text))
    assert "captions.txt" in str(error.value)


def test_a_folder_without_captions_or_with_several(folder: Path) -> None:
    """Nothing is guessed between two files."""
    with pytest.raises(InputError, match="no caption file"):
        load_captions(folder)
    write(folder, "captions.txt", LAYOUTS["captions.txt"])
    write(folder, "results.csv", LAYOUTS["results.csv"])
    with pytest.raises(InputError, match=r"several caption files: captions\.txt, results\.csv"):
        load_captions(folder)
    with pytest.raises(InputError, match="no caption file or folder"):
        load_captions(folder / "nowhere")


def test_the_digest_changes_with_words_not_with_place(folder: Path, tmp_path: Path) -> None:
    """Copies on two machines have one digest."""
    file = write(folder, "captions.txt", LAYOUTS["captions.txt"])
    other = tmp_path / "copy"
    (folder / "Images").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(folder / "images")
    first = load_captions(file).digest
    other.mkdir()
    copy = write(other, "captions.txt", LAYOUTS["captions.txt"].replace("two", "three"))
    assert load_captions(copy, images=folder / "images").digest != first
    copy = write(other, "captions.txt", LAYOUTS["captions.txt"])
    assert load_captions(copy, images=folder / "images").digest == first
