"""The engines that the benches compare: soutu, rclip and a torch loop, all on the same weights.

rclip and torch live in environments of their own under `bench/.cache`, made on first use, because
their pins clash with soutu's. The weights are random: speed does not depend on them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import CACHE, Finished

PEERS = Path(__file__).parent / "peers"
RCLIP = ("rclip==3.3.0",)
TORCH = ("torch==2.13.0", "transformers==5.23.0", "onnx==1.23.2", "pillow==13.0.0")
OPEN_CLIP = ("--no-deps", "open_clip_torch==3.3.0")  # only for the merges file in its wheel


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """One indexing run: seconds of the whole process, of the indexing in it, and of processor."""

    process: float
    index: float
    cpu: float
    peak_mb: float


def clip_model() -> Path:
    """Return the folder with the exported ViT-B/32, exporting it first where needed."""
    folder = CACHE / "clip-b32-256"
    if not (folder / "complete").exists():
        print("exporting a ViT-B/32 …", file=sys.stderr, flush=True)
        harness.run([torch_python(), PEERS / "export_clip.py", folder])
    return folder


def torch_python() -> Path:
    """Return the Python that has torch."""
    return _environment("torch-venv", TORCH, OPEN_CLIP)


def rclip_python() -> Path:
    """Return the Python that has rclip."""
    return _environment("rclip-venv", RCLIP)


@contextmanager
def scratch() -> Iterator[Path]:
    """Lend an empty folder on the same disk as the pictures."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as folder:
        yield Path(folder)


def soutu_home() -> dict[str, str]:
    """Return the environment that keeps soutu's own data (quantised models) in the cache."""
    return {"SOUTU_HOME": str(CACHE / "soutu-home")}


def soutu(arguments: Sequence[str | Path]) -> Finished:
    """Run soutu's command line in a process of its own, with its parts timed."""
    return harness.run([sys.executable, PEERS / "timed_soutu.py", *arguments], env=soutu_home())


def soutu_script() -> Path:
    """Return the `soutu` command of the environment that runs the bench."""
    return Path(sys.executable).parent / "soutu"


def index_with_soutu(folder: Path, *, model: str | Path, precision: str = "auto") -> Indexed:
    """Index a folder into a new library."""
    with scratch() as place:
        where: list[str | Path] = ["--library", place / "library", "--model", model]
        done = soutu(["index", folder, *where, "--precision", precision, "--json"])
    report = json.loads(done.out)
    wanted = count(folder)
    if report["added"] != wanted:
        raise SystemExit(f"soutu indexed {report['added']} of {wanted} pictures: {report}")
    return _indexed(done, parts(done)["index"])


def index_with_rclip(folder: Path) -> Indexed:
    """Index a folder into a new rclip database (rclip then always answers a query too)."""
    with scratch() as data:
        _lay_out(data)
        done = rclip(folder, data, ["a cat"])
        wanted, stored = count(folder), _stored(data)
    if stored != wanted:
        raise SystemExit(f"rclip indexed {stored} of {wanted} pictures:\n{done.err[-2000:]}")
    return _indexed(done, parts(done)["index"])


def index_with_torch(folder: Path, *, batch: int) -> Indexed:
    """Encode a folder with the simple torch loop; nothing is stored."""
    checkpoint = clip_model() / "torch"
    done = harness.run([torch_python(), PEERS / "torch_loop.py", folder, checkpoint, str(batch)])
    told = json.loads(done.out)
    assert told["vectors"] == count(folder)
    return _indexed(done, told["seconds"])


def rclip(folder: Path, data: Path, arguments: Sequence[str]) -> Finished:
    """Run rclip's command line in a folder, with its parts timed."""
    env = {"RCLIP_DATADIR": str(data), "HF_HUB_OFFLINE": "1"}
    return harness.run([rclip_python(), PEERS / "timed_rclip.py", *arguments], env=env, cwd=folder)


def rclip_library(folder: Path) -> Path:
    """Return an rclip data folder whose database knows every picture of a folder.

    The rows are what rclip writes; the vectors are random, which spares it an hour.
    """
    data = CACHE / f"rclip-{folder.name}"
    if not (data / "complete").exists():
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        _lay_out(data)
        env = {"RCLIP_DATADIR": str(data)}
        harness.run([rclip_python(), PEERS / "fill_rclip.py", folder], env=env)
        (data / "complete").touch()
    return data


@contextmanager
def soutu_library(folder: Path, *, model: str = "mini") -> Iterator[Path]:
    """Lend a library of a folder, made by `soutu index` anew, as its format may have changed."""
    print(f"indexing {count(folder)} pictures once …", file=sys.stderr, flush=True)
    with scratch() as place:
        library = place / "library"
        soutu(["index", folder, "--library", library, "--model", model, "--json"])
        yield library


def count(folder: Path) -> int:
    """Count the pictures below a folder."""
    return sum(1 for _ in folder.rglob("*.jpg"))


def parts(done: Finished) -> dict[str, float]:
    """Return the seconds that a timed command wrote at the end of its errors."""
    told: dict[str, float] = json.loads(done.err.strip().splitlines()[-1])
    return told


def _indexed(done: Finished, seconds: float) -> Indexed:
    return Indexed(process=done.seconds, index=seconds, cpu=done.cpu_seconds, peak_mb=done.peak_mb)


def _stored(data: Path) -> int:
    import sqlite3

    connection = sqlite3.connect(data / "db.sqlite3")
    try:
        return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])
    finally:
        connection.close()


def _lay_out(data: Path) -> None:
    """Link the model's files to where rclip looks for them."""
    model = clip_model() / "rclip"
    for path in model.rglob("*"):
        if path.is_file():
            link = data / path.relative_to(model)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


def _environment(name: str, *installs: Sequence[str]) -> Path:
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {installs[0][0]} into an environment of its own …", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        for packages in installs:
            quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
            harness.run([python, "-m", "pip", "install", "--quiet", *packages], env=quiet)
        (folder / "complete").touch()
    return Path(os.path.abspath(python))  # noqa: PTH100 - resolving would leave the environment
