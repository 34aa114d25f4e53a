"""Vectors of data sets are made once, and what was made before a stop is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from painting import ColourEncoder, FakeStore, paint

from soutu.errors import Stopped, StorageError
from soutu.library.vectors import VectorCache
from soutu.types import Progress


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def cache(tmp_path: Path, encoder: ColourEncoder) -> Iterator[VectorCache]:
    with VectorCache(tmp_path / "vectors", FakeStore(encoder), "colour") as made:
        yield made


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [
        paint(tmp_path / "data" / f"{colour}.png", colour) for colour in ("red", "green", "blue")
    ]


def test_a_second_run_encodes_nothing(
    cache: VectorCache, encoder: ColourEncoder, pictures: list[Path]
) -> None:
    """Both runs give the same vectors, in the order asked for."""
    first = cache.pictures(pictures)
    made = encoder.calls
    again = cache.pictures(pictures[::-1])
    assert (made, encoder.calls) == (3, 3)
    np.testing.assert_array_equal(first.vectors[::-1], again.vectors)
    assert first.rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), 1, atol=1e-6)


def test_copies_and_repeats_share_a_vector(
    cache: VectorCache, encoder: ColourEncoder, pictures: list[Path], tmp_path: Path
) -> None:
    """Content is known whatever its file is called."""
    cache.pictures(pictures)
    copy = tmp_path / "elsewhere.png"
    copy.write_bytes(pictures[0].read_bytes())
    found = cache.pictures([copy, pictures[0], copy])
    assert encoder.calls == 3
    assert len({vector.tobytes() for vector in found.vectors}) == 1
    assert len(set(found.contents)) == 1


def test_a_changed_picture_is_encoded_again(
    cache: VectorCache, encoder: ColourEncoder, pictures: list[Path]
) -> None:
    """A name is no content."""
    before = cache.pictures(pictures)
    paint(pictures[0], "white", size=20)
    after = cache.pictures(pictures)
    assert encoder.calls == 4
    assert not np.array_equal(before.vectors[0], after.vectors[0])
    assert before.digest != after.digest


def test_files_that_cannot_be_read_are_listed(
    cache: VectorCache, pictures: list[Path], tmp_path: Path
) -> None:
    """The others keep their rows."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    found = cache.pictures([bad, pictures[0], tmp_path / "gone.png"])
    assert found.rows.tolist() == [1]
    assert [failure.path.name for failure in found.failures] == ["bad.png", "gone.png"]


def test_what_was_done_before_a_stop_is_kept(
    cache: VectorCache, encoder: ColourEncoder, tmp_path: Path
) -> None:
    """The next run does the rest."""
    many = [paint(tmp_path / "many" / f"{n}.png", (n, 0, 0), seed=n) for n in range(120)]
    seen: list[Progress] = []
    with pytest.raises(Stopped, match="Run the same command again to go on"):
        cache.pictures(many, on_progress=seen.append, should_stop=lambda: bool(seen))
    made = encoder.calls
    assert 0 < seen[-1].done <= made < 120
    assert len(cache.pictures(many).rows) == 120
    assert encoder.calls <= 120 + (made - seen[-1].done)


def test_crops_stand_behind_the_whole_picture(
    cache: VectorCache, pictures: list[Path], tmp_path: Path
) -> None:
    """Regions are kept apart from whole pictures, and know where they are."""
    from PIL import Image

    half = tmp_path / "half.png"
    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (32, 0, 64, 64))
    image.save(half)
    whole = cache.pictures([half, *pictures])
    regions = cache.pictures([half, *pictures], regions="whole+crops")
    assert regions.vectors.shape == (4, 6, 8)
    np.testing.assert_allclose(regions.vectors[:, 0], whole.vectors, atol=1e-6)
    red, blue = whole.vectors[1], whole.vectors[3]
    np.testing.assert_allclose(regions.vectors[0, [1, 3]], [red, red], atol=0.02)
    np.testing.assert_allclose(regions.vectors[0, [2, 4]], [blue, blue], atol=0.02)


def test_texts_are_encoded_once(cache: VectorCache, encoder: ColourEncoder) -> None:
    """Repeats and a second run cost nothing; the order is that of the question."""
    first = cache.texts(["red", "a longer text on green", "red"])
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(first, encoder.encode_texts(["red", "green", "red"]))
    encoder.encode_texts = None  # type: ignore[method-assign, assignment]
    np.testing.assert_array_equal(cache.texts(["a longer text on green"]), first[1:2])
    assert cache.texts([]).shape == (0, 8)


def test_another_revision_has_vectors_of_its_own(tmp_path: Path, pictures: list[Path]) -> None:
    """Vectors of two trainings never mix."""
    folder = tmp_path / "vectors"
    found = []
    for revision in ("r1", "r2"):
        store = FakeStore(ColourEncoder(revision=revision))
        with VectorCache(folder, store, "colour") as cache:
            found.append(cache.pictures(pictures).vectors)
    assert not np.allclose(found[0], found[1])
    assert len(list(folder.glob("*.db"))) == 2


def test_a_damaged_file_says_what_to_do(
    cache: VectorCache, pictures: list[Path], tmp_path: Path
) -> None:
    """Nothing is lost with it but time."""
    cache.pictures(pictures)
    (file,) = (tmp_path / "vectors").glob("*.db")
    with sqlite3.connect(file) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    file.write_bytes(b"damaged" * 1000)
    with pytest.raises(StorageError, match="delete the file"):
        cache.pictures(pictures)
