"""The real photographs that scikit-image and scikit-learn carry in their wheels."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

# Drawings, test patterns and pictures blurred on purpose are left out.
SKIMAGE = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png",
    "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png",
    "motorcycle_left.png", "motorcycle_right.png", "page.png", "retina.jpg", "rocket.jpg",
    "text.png",
)  # fmt: skip
SKLEARN = ("china.jpg", "flower.jpg")


def collect(folder: Path) -> list[Path]:
    """Copy the photographs into a folder, unless they are there, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [_package("skimage") / "data" / name for name in SKIMAGE]
    sources += [_package("sklearn") / "datasets" / "images" / name for name in SKLEARN]
    photos = []
    for source in sources:
        photo = folder / source.name
        if not photo.exists():
            shutil.copyfile(source, photo)
        photos.append(photo)
    return photos


def _package(name: str) -> Path:
    """Find a package's folder without importing it, which would take seconds."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The demo's photos come with {name}. Run: pip install 'soutu[demo]'")
    return Path(spec.origin).parent
