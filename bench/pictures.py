"""Pictures that the benches read, made once from the real photos in the skimage/sklearn wheels.

Each picture is a random crop of a photo, flipped, rescaled, recoloured and given fresh sensor
noise, so that no two are alike and each compresses like a photo of its size: about 0.3 bytes a
pixel at 0.2 MP and at 12 MP. Both folders are kept under `bench/.cache`.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from harness import CACHE

SKIMAGE = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "grass.png",
    "gravel.png",
    "brick.png",
    "camera.png",
)
SKLEARN = ("china.jpg", "flower.jpg")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Size in pixels, count and sensor noise (standard deviation, 0..255) of one set."""

    name: str
    width: int
    height: int
    count: int
    noise: float
    quality: int


SMALL = Kind(name="0.2 MP", width=520, height=390, count=500, noise=2.0, quality=85)
LARGE = Kind(name="12 MP", width=4000, height=3000, count=100, noise=5.0, quality=90)
TINY = Kind(name="tiny", width=96, height=96, count=1000, noise=2.0, quality=80)


def photos() -> list[Image.Image]:
    """Open the wheels' real photos as RGB."""
    folders = {
        "skimage": ("data", SKIMAGE),
        "sklearn": ("datasets/images", SKLEARN),
    }
    found = []
    for package, (folder, names) in folders.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"the benches need {package}. Run: pip install 'soutu[demo]'")
        root = Path(spec.origin).parent / folder
        found += [Image.open(root / name).convert("RGB") for name in names]
    return found


def noise_field(kind: Kind, rng: np.random.Generator) -> NDArray[np.int16]:
    """Make sensor noise [height, width, 1], a little blurred as a camera's own pipeline does."""
    grain = rng.normal(128, 40, (kind.height, kind.width)).clip(0, 255).astype(np.uint8)
    soft = Image.fromarray(grain).filter(ImageFilter.GaussianBlur(0.6))
    field = np.asarray(soft, dtype=np.float32) - 128
    field *= kind.noise / field.std()
    scaled: NDArray[np.int16] = np.rint(field).astype(np.int16)[:, :, None]
    return scaled


def make_picture(
    photo: Image.Image, kind: Kind, noise: NDArray[np.int16], rng: np.random.Generator
) -> Image.Image:
    """Cut a random part out of a photo and make it a picture of the given kind."""
    aspect = kind.width / kind.height
    side = rng.uniform(0.55, 0.98)
    height = side * min(photo.height, photo.width / aspect)
    width = height * aspect
    left = rng.uniform(0, photo.width - width)
    top = rng.uniform(0, photo.height - height)
    cut = photo.resize(
        (kind.width, kind.height), Image.Resampling.BICUBIC, (left, top, left + width, top + height)
    )
    if rng.random() < 0.5:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    gain = rng.uniform(0.8, 1.1, 3)
    table = np.clip(np.arange(256)[None] * gain[:, None] + rng.uniform(-12, 12), 0, 255)
    cut = cut.point(table.astype(np.uint8).ravel().tolist())
    shifted = np.roll(noise, int(rng.integers(kind.width)), axis=1)
    noisy = np.clip(np.asarray(cut, dtype=np.int16) + shifted, 0, 255)
    return Image.fromarray(noisy.astype(np.uint8))


def folder_of(kind: Kind, count: int | None = None) -> Path:
    """Return a folder with `count` JPEGs of this kind, making those that are missing."""
    wanted = kind.count if count is None else count
    folder = CACHE / f"pictures-{kind.width}x{kind.height}-{wanted}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(wanted) if not (folder / f"{n:05d}.jpg").exists()]
    if missing:
        print(f"making {len(missing)} pictures of {kind.name} …", file=sys.stderr, flush=True)
        sources = photos()
        noise = noise_field(kind, np.random.default_rng(0))
        for n in missing:
            rng = np.random.default_rng([kind.width, n])
            picture = make_picture(sources[n % len(sources)], kind, noise, rng)
            half = folder / f"{n:05d}.part"
            picture.save(half, "JPEG", quality=kind.quality, subsampling="4:2:0")
            half.rename(folder / f"{n:05d}.jpg")
    return folder


def many_files(count: int) -> Path:
    """Return a folder with `count` small files of different content.

    Each is one of a thousand tiny JPEGs with its own number after the end of the image data, which
    decoders ignore and content hashes do not.
    """
    folder = CACHE / f"pictures-many-{count}"
    done = folder / "complete"
    if not done.exists():
        tiny = [path.read_bytes() for path in sorted(folder_of(TINY).glob("*.jpg"))]
        print(f"making {count} small files …", file=sys.stderr, flush=True)
        for n in range(count):
            part = folder / f"{n // 1000:03d}"
            part.mkdir(parents=True, exist_ok=True)
            (part / f"{n:06d}.jpg").write_bytes(tiny[n % len(tiny)] + n.to_bytes(8, "big"))
        done.touch()
    return folder


def summary(folder: Path) -> str:
    """Say how many files a folder holds and how large they are on average."""
    sizes = [path.stat().st_size for path in folder.rglob("*.jpg")]
    return f"{len(sizes)} files, {sum(sizes) / len(sizes) / 1000:.0f} kB on average"
