"""A teacher that knows colours, pictures for it, and settings that train in a second."""

from __future__ import annotations

from pathlib import Path

from painting import COLOURS, ColourEncoder, paint

from soutu.library.vectors import VectorCache
from soutu.models.base import Encoder, PrecisionChoice
from soutu.train.distill.settings import Settings

SMALL = Settings(
    size=64, train_size=32, dim=8, widths=(4, 8, 12, 16), depths=(1, 1, 1), last=24,
    vocabulary=200, steps=8, batch=8, text_steps=40, text_batch=16, bank_batch=3, negatives=8,
    warmup=2, checkpoint_every=4, learning_rate=5e-3, tune_steps=4, tune_batch=16,
)  # fmt: skip
WORDS = "red\t红色\ngreen\t绿色\nblue\t蓝色\nwhite\t白色\n"


class ColourSource:
    """A store that has one model."""

    def load(
        self, name_or_dir: str, /, *, precision: PrecisionChoice = "auto", threads: int = 0
    ) -> Encoder:
        """Open the encoder that knows colours."""
        return ColourEncoder(name_or_dir)


def cache_in(folder: Path) -> VectorCache:
    """Return the teacher, with its answers kept in a folder."""
    return VectorCache(folder / "vectors", ColourSource(), "colour")


def paint_folder(folder: Path, each: int = 12) -> list[Path]:
    """Paint pictures of every colour."""
    return [
        paint(folder / f"{name}-{k}.png", colour, size=64, seed=k)
        for name, colour in COLOURS.items()
        for k in range(each)
    ]


def write_captions(folder: Path) -> Path:
    """Write captions of the painted pictures in two languages."""
    chinese = dict(zip(COLOURS, ("红色", "绿色", "蓝色", "白色"), strict=True))
    lines = ["image,caption,language"]
    for path in sorted(folder.glob("*.png")):
        name = path.name.split("-")[0]
        lines += [f"{path.name},a picture all {name},en", f"{path.name},{chinese[name]}的图,zh"]
    target = folder / "captions.csv"
    target.write_text("\n".join(lines), "utf-8")
    return target
