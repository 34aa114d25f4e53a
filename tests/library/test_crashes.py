"""Killed at any point, a library ends right: the next run mends what the last one left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from painting import ColourEncoder, FakeStore, paint

from soutu.images.decode import decode, read
from soutu.library.folder import FolderLibrary

KILLS = 24

CHILD = """
import sys
from pathlib import Path
from painting import ColourEncoder, FakeStore
from soutu.library.folder import FolderLibrary
store = FakeStore(ColourEncoder())
with FolderLibrary(Path(sys.argv[1]), store=store, model="colour", create=True) as library:
    print("open", flush=True)
    library.add([sys.argv[2]])
"""


def start(library: Path, photos: Path) -> subprocess.Popen[bytes]:
    """Start a run in a process of its own and wait until it begins to index."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(library), str(photos)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    return child


def disturb(photos: Path, dice: random.Random, seed: int) -> None:
    """Add, change, rename, copy and delete some files, as people do between runs."""
    present = sorted(photos.rglob("*.png"))
    for number in range(30):
        place = photos / f"folder{dice.randrange(5)}" / f"{seed}-{number}.png"
        paint(place, _colour(dice), seed=seed * 100 + number)
    for path in dice.sample(present, min(len(present), 12)):
        action = dice.choice(["change", "rename", "copy", "delete"])
        if action == "change":
            paint(path, _colour(dice), seed=dice.randrange(2**20))
        elif action == "rename":
            path.rename(path.with_name(f"renamed-{seed}-{path.name}"))
        elif action == "copy":
            path.with_name(f"copy-{seed}-{path.name}").write_bytes(path.read_bytes())
        else:
            path.unlink()


def _colour(dice: random.Random) -> tuple[int, int, int]:
    return dice.randrange(256), dice.randrange(256), dice.randrange(256)


def assert_exactly_right(library: FolderLibrary, photos: Path) -> None:
    """Every file has one row and its own vector, and there is nothing else."""
    encoder = ColourEncoder()
    files = sorted(photos.rglob("*.png"))
    catalog, space = library._catalog, library._current.make()
    rows = catalog.at_paths(files)
    assert sorted(rows) == files
    assert catalog.count() == len(files)
    ids = np.sort(np.array([row.id for row in rows.values()]))
    assert space.index.ids().tolist() == ids.tolist()
    for path, row in rows.items():
        blob = read(path)
        assert (row.digest, row.size) == (blob.digest, blob.size)
        pixels = decode(blob.data, encoder.facts.preprocess).pixels
        _, stored = space.index.get(np.array([row.id]))
        assert stored[0] == pytest.approx(encoder.encode_images(pixels[None])[0], abs=1e-5)
    below = f"folder = '{photos / 'folder0'}'"
    found = {hit.path for hit in library.search("red", where=below, k=10_000)}
    assert found == {path for path in files if path.is_relative_to(photos / "folder0")}


def test_killed_at_random_points(tmp_path: Path) -> None:
    """After each of many SIGKILLs, the files change on; one complete run then sets all right."""
    photos, place = tmp_path / "photos", tmp_path / "library"
    dice = random.Random(20)
    killed = 0
    for round_number in range(200):
        disturb(photos, dice, round_number)
        child = start(place, photos)
        time.sleep(dice.uniform(0.0, 0.25))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        killed += child.returncode == -signal.SIGKILL
        if killed == KILLS:
            break
    assert killed == KILLS
    store = FakeStore(ColourEncoder())
    with FolderLibrary(place, store=store, model="colour") as library:
        library.add([photos])
        assert_exactly_right(library, photos)
        report = library.add([photos])
        assert (report.added, report.updated, report.moved, report.removed) == (0, 0, 0, 0)


def test_killed_between_vector_and_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst moment: vectors without rows are dropped or overwritten, never found twice."""
    photos = tmp_path / "photos"
    for number in range(5):
        paint(photos / "folder0" / f"{number}.png", (number * 50, 0, 0), seed=number)
    store = FakeStore(ColourEncoder())
    library = FolderLibrary(
        tmp_path / "library",
        store=store,
        model="colour",
        create=True,
    )

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(library._catalog, "put", die)
        with pytest.raises(KeyboardInterrupt):
            library.add([photos])
    library.close()
    (photos / "folder0" / "4.png").unlink()
    with FolderLibrary(tmp_path / "library", store=store, model="colour") as again:
        assert again.search("red") == []
        assert again.add([photos]).added == 4
        assert_exactly_right(again, photos)


def test_lost_vectors_are_made_again(tmp_path: Path) -> None:
    """If rows were committed but their vectors are gone, the next run encodes them."""
    photos = tmp_path / "photos"
    for number in range(3):
        paint(photos / "folder0" / f"{number}.png", (number * 50, 0, 0), seed=number)
    store = FakeStore(ColourEncoder())
    with FolderLibrary(
        tmp_path / "library",
        store=store,
        model="colour",
        create=True,
    ) as library:
        library.add([photos])
        space = library._current.make()
        space.index.delete(space.index.ids()[:2])
        library._catalog.set_setting("unclean", space.row.name)
        library.add([photos])
        assert_exactly_right(library, photos)
