"""`soutu models quantize`: make a smaller form of a model and say what it costs and brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import columns, data_size
from soutu.cli.options import examples

if TYPE_CHECKING:
    from soutu.models.quantize import Method, QuantizeReport
    from soutu.models.store import ModelStore
    from soutu.types import Pixels

_FOLDER = click.Path(exists=True, file_okay=False)
_PATH = click.Path(path_type=Path)


@click.command(
    "quantize",
    epilog=examples(
        "soutu models quantize clip-vit-b-32",
        "soutu models quantize clip-vit-b-32 --method static --library ~/photos.soutu",
        "soutu models quantize clip-vit-b-32 --data ~/labelled",
    ),
)
@click.argument("name", metavar="NAME|DIR")
@click.option(
    "--method", type=click.Choice(["dynamic", "static", "fp16"]), default="dynamic",
    show_default=True,
    help="Round to int8 as values come, to int8 with scales found on pictures, or to fp16.",
)  # fmt: skip
@click.option(
    "--samples", metavar="DIR", type=_FOLDER,
    help="Calibrate and measure on pictures from this folder.  [default: drawn ones]",
)  # fmt: skip
@click.option("--library", metavar="DIR", help="Calibrate and measure on pictures of this library.")
@click.option(
    "--data", metavar="PATH", type=_PATH,
    help="Measure mAP before and after on these labelled pictures.",
)  # fmt: skip
@click.option(
    "--captions", metavar="FILE", type=_PATH,
    help="Measure R@1, 5 and 10 before and after on these captions of pictures.",
)  # fmt: skip
def command(
    *,
    name: str,
    method: Method,
    samples: str | None,
    library: str | None,
    data: Path | None,
    captions: Path | None,
) -> None:
    """Make an int8 or fp16 form of a model, and measure it.

    int8 is several times faster, fp16 half the size. Each is measured against fp32: cosines, speed,
    and figures on your own data. Where int8's vectors stay close enough and it is faster,
    --precision auto takes it from then on.
    """
    from soutu.cli.judging import quality_on
    from soutu.library import default_models
    from soutu.models.store import ModelStore

    if samples is not None and library is not None:
        raise click.UsageError("Give --samples or --library, not both.")
    store = ModelStore(default_models())
    pixels = _samples(store, name, method, samples, library)
    quality = quality_on(data, captions)
    report = store.quantize(name, method=method, samples=pixels, quality=quality)
    click.echo("\n".join([*report_lines(report), verdict(report)]))


def _samples(
    store: ModelStore, name: str, method: Method, folder: str | None, library: str | None
) -> Pixels | None:
    if folder is None and library is None:
        return None
    from soutu.cli.samples import ENOUGH, TO_CALIBRATE, library_samples, read_samples

    encoder = store.load(name, precision="fp32")
    preprocess = encoder.facts.preprocess
    encoder.close()
    enough = TO_CALIBRATE if method == "static" else ENOUGH
    if folder is not None:
        return read_samples(folder, preprocess, enough=enough)
    assert library is not None
    return library_samples(library, preprocess, enough=enough)


def report_lines(report: QuantizeReport) -> list[str]:
    """Write what was measured as a table, fp32 beside the form, and its cosines."""
    rows = [
        ("", "fp32", report.precision),
        ("pictures/s", f"{report.speed_fp32:,.1f}", f"{report.speed:,.1f}"),
        ("size", data_size(report.bytes_fp32), data_size(report.bytes)),
    ]
    for figure, before in report.quality_fp32.items():
        rows.append((figure, f"{before:.1f}", f"{report.quality[figure]:.1f}"))
    least = f"{report.cosine_min:.4f} (texts {report.text_cosine_min:.4f})"
    return [
        *columns(rows, right=(1, 2)),
        f"cosine to fp32: mean {report.cosine_mean:.4f}, least {least}",
    ]


def verdict(report: QuantizeReport) -> str:
    """Say whether soutu takes the form by itself, and how to have it otherwise."""
    from soutu.models.quantize import ACCEPT

    if report.precision == "fp16":
        return "--precision fp16 uses it; --precision auto does not, for it is no faster."
    if report.accepted:
        return "--precision auto will use int8."
    why = "Not close enough" if report.cosine_min < ACCEPT else "No faster"
    return f"{why}: --precision auto stays with fp32; --precision int8 forces it."
