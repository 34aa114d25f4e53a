"""`soutu models distill`: train a compact student of a model on pictures of one's own."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count, data_size, printable
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import examples, quiet_option
from soutu.cli.progress import shown_progress
from soutu.errors import MissingExtra, Stopped

if TYPE_CHECKING:
    from soutu.library.base import Watcher
    from soutu.models.store import ModelStore
    from soutu.train.distill.running import Distilled
    from soutu.train.distill.settings import Settings
    from soutu.train.distill.start import Start

_PATH = click.Path(path_type=Path)


@click.command(
    "distill",
    epilog=examples(
        "soutu models distill --teacher clip-vit-b-32 --data ~/Pictures --out my-model",
        "soutu models distill --teacher clip-vit-b-32 --data ~/Pictures --words words.txt "
        "--out my-model --steps 50000",
    ),
)
@click.option("--teacher", metavar="NAME|DIR", required=True, help="The model to learn from.")
@click.option(
    "--data", metavar="DIR", required=True, multiple=True, type=_PATH,
    help="Pictures to learn on, without labels; can be given several times.",
)  # fmt: skip
@click.option(
    "--words", metavar="FILE", type=_PATH,
    help="Words, one a line, with translations after tabs.  [default: a list of English ones]",
)  # fmt: skip
@click.option(
    "--captions", metavar="FILE", type=_PATH,
    help="Captions of pictures, to learn from too, as soutu eval retrieval reads them.",
)  # fmt: skip
@click.option(
    "--start", metavar="NAME|DIR",
    help="An earlier student to train further, as mini is one.  [default: from nothing]",
)  # fmt: skip
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the new model.",
)  # fmt: skip
@click.option(
    "--work", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Keep pictures, answers and checkpoints here.  [default: OUT.training]",
)  # fmt: skip
@click.option("--steps", metavar="N", type=click.IntRange(1), help="Train for so many steps.")
@click.option("--size", metavar="PIXELS", type=int, help="The student's picture size.")
@click.option("--batch", metavar="N", type=click.IntRange(2), help="Pictures in a step.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Of all chance.")
@quiet_option
def command(
    *,
    teacher: str,
    data: tuple[Path, ...],
    words: Path | None,
    captions: Path | None,
    start: str | None,
    out: Path,
    work: Path | None,
    steps: int | None,
    size: int | None,
    batch: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Train a small, fast student of a model.

    It needs pictures without labels, and words. The student sees what the teacher makes of them and
    learns to say the same; it is written as a folder that soutu models add takes. A GPU is used
    where there is one. Ctrl-C stops cleanly; the same command goes on from there, to the same
    result.
    """
    if find_spec("torch") is None or find_spec("onnx") is None:
        raise MissingExtra(need="distilling a model", extra="train")
    settings = _settings(steps=steps, size=size, batch=batch, seed=seed)
    work = work or out.with_name(f"{out.name}.training")
    stop = StopRequest()
    with stop.listening(), shown_progress(stop, quiet=quiet) as watcher:
        try:
            done = _distil(
                teacher, data, words, captions, start, out, work, settings, watcher, stop
            )  # fmt: skip
        except Stopped as stopped:
            click.echo(f"{stopped}.", err=True)
            raise SystemExit(stop.exit_code) from None
    if not quiet:
        click.echo("\n".join(_lines(done, work)))


def _settings(*, steps: int | None, size: int | None, batch: int | None, seed: int) -> Settings:
    from soutu.train.distill.settings import STRIDE, Settings

    settings = Settings(seed=seed)
    if size is not None:
        smaller = max(round(0.8 * size / STRIDE), 1) * STRIDE
        settings = replace(settings, size=size, train_size=smaller)
    if steps is not None:
        settings = replace(settings, steps=steps, warmup=min(settings.warmup, steps // 10 + 1))
    return settings if batch is None else replace(settings, batch=batch)


def _distil(
    teacher: str,
    data: tuple[Path, ...],
    words: Path | None,
    captions: Path | None,
    start: str | None,
    out: Path,
    work: Path,
    settings: Settings,
    watcher: Watcher | None,
    stop: StopRequest,
) -> Distilled:
    from soutu.data.captions import load_captions
    from soutu.errors import ModelError
    from soutu.images.source import FileEntry, scan
    from soutu.library import default_home, default_models
    from soutu.library.vectors import VectorCache
    from soutu.models.store import ModelStore
    from soutu.train.distill.running import distill
    from soutu.train.distill.teaching import read_words

    store = ModelStore(default_models())
    try:
        languages = store.info(teacher).languages
    except ModelError:
        languages = ()  # a folder, which does not say
    listed = read_words(words)
    captioned = load_captions(captions) if captions else None
    paths = [entry.path for entry in scan(data) if isinstance(entry, FileEntry)]
    cache = VectorCache(default_home() / "vectors", store, teacher)
    try:
        return distill(
            cache, paths, listed, out, work, settings,
            captioned=captioned, languages=languages, start=_opened(start, store),
            on_progress=watcher, should_stop=stop,
        )  # fmt: skip
    finally:
        cache.close()


def _opened(start: str | None, store: ModelStore) -> Start | None:
    from soutu.train.distill.start import open_start

    return None if start is None else open_start(store.folder_of(start))


def _lines(done: Distilled, work: Path) -> list[str]:
    made = done.exported
    lines = [
        f"{printable(str(made.folder))}: {data_size(made.bytes)}, {made.precision}, learnt from "
        f"{count(done.pictures, 'picture')}"
        + (f"; {len(done.failures):,} could not be read" if done.failures else ""),
        f"the export is within {made.error:.1g} of torch",
        f"int8 to fp32: cosine mean {made.int8_mean:.4f}, least {made.int8_min:.4f}",
    ]
    told = {
        "cosine": "cosine to the teacher {:.3f}",
        "top1": "the teacher's first word is the student's {:.1f} % of the time",
    }
    figures = [told.get(name, f"{name} {{:.1f}} %").format(value)
               for name, value in done.figures.items()]  # fmt: skip
    if figures:
        lines.append(f"on held-out pictures: {'; '.join(figures)}")
    return [
        *lines,
        f"To use it: soutu models add {printable(str(made.folder))}",
        f"{printable(str(work))} is no longer needed; keep it only to train for longer.",
    ]
