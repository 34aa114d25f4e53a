"""Write a student as a model folder in the bundled model's layout, and verify it against torch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from soutu.errors import InputError, ModelError
from soutu.models.base import Scale
from soutu.models.quantize.report import Recipe
from soutu.models.quantize.static import JOINED, quantize_statically
from soutu.models.record import replace_folder
from soutu.models.session import Session
from soutu.train.distill.agreement import sized
from soutu.train.distill.bags import bags_of
from soutu.train.distill.corpus import Corpus
from soutu.train.distill.graphs import write_image_graph, write_text_graph
from soutu.train.distill.networks import MEAN, STD, ImageTower, Student, sums
from soutu.train.distill.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

TOLERANCE = 1e-4
"""How far the fp32 graph may be from torch, in any number of a unit vector."""
INT8_COSINE = 0.99
"""The mean cosine to fp32 below which the image tower stays in fp32."""
_TEXT_COSINE = 0.99
_CALIBRATING, _VERIFIED, _BATCH = 400, 64, 20


@dataclass(frozen=True, kw_only=True)
class ExportedTower:
    """Of an image tower: the largest error to torch, cosines of int8 to fp32, what was kept."""

    error: float
    int8_mean: float
    int8_min: float
    precision: str


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What the export measured: the largest error to torch, cosines of int8 to fp32, bytes."""

    folder: Path
    error: float
    int8_mean: float
    int8_min: float
    text_min: float
    precision: str
    bytes: int


def export(
    student: Student,
    tokenizer: Tokenizer,
    corpus: Corpus,
    settings: Settings,
    folder: Path,
    *,
    name: str,
    scale: Scale,
    facts: Mapping[str, Any],
) -> Exported:
    """Write `image.onnx` (int8 QDQ), `text.onnx`, `tokenizer.json` and `config.json`.

    Activations are calibrated on the corpus's pictures. Where int8 would lose too much, the image
    tower stays in fp32. `facts` go into config.json. Raises ModelError for a graph that does not
    agree with torch, StorageError for a full disk.
    """
    student = student.cpu().eval()
    pictures = _sample(corpus, settings.size)

    def fill(fresh: Path) -> Exported:
        return _fill(fresh, student, tokenizer, corpus, pictures, settings, name, scale, facts)

    made = replace_folder(folder, fill)
    return Exported(**{**made.__dict__, "folder": folder})


def require_model_folder(out: Path) -> None:
    """Raise InputError for a place where no model can be put: a file, a folder of other things."""
    if out.is_file() or (
        out.is_dir() and not (out / "config.json").is_file() and any(out.iterdir())
    ):
        raise InputError(f"{out} holds something else. Name a folder that is new or holds a model")


def folded_table(student: Student) -> NDArray[np.float32]:
    """Return the token vectors with the turn folded in."""
    with torch.no_grad():
        return np.asarray((student.table @ student.turn).cpu().numpy())


def fitted_scale(
    student: Student,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: Settings,
    teacher: Scale,
) -> Scale:
    """Fit the student's map from cosine to probability to its teacher's logits over the bank.

    For a teacher without a bias only differences between words mean something, and only the scale
    is fitted. Held-out pictures are used where there are any.
    """
    from soutu.train.distill.agreement import vectors_of

    shelf = max(corpus.held_out or corpus.learnt, key=lambda each: len(each.pictures))
    rows = slice(0, 512)
    vectors = vectors_of(student, shelf.pictures[rows], settings.size, torch.device("cpu"))
    with torch.no_grad():
        cosines = (vectors @ student.texts(bags_of(tokenizer, corpus.bank)).T).numpy()
    logits = shelf.features[rows].astype(np.float32) @ corpus.bank_weights + corpus.bank_bias
    if teacher.bias is None:
        cosines = cosines - cosines.mean(axis=1, keepdims=True)
        logits = logits - logits.mean(axis=1, keepdims=True)
    middle, height = cosines.mean(), logits.mean()
    spread = float(np.square(cosines - middle).sum())
    slope = float(((cosines - middle) * (logits - height)).sum()) / max(spread, 1e-12)
    slope = max(slope, 1.0)
    if teacher.bias is None:
        return Scale(scale=slope)
    return Scale(scale=slope, bias=float(height - slope * middle))


def _fill(
    folder: Path,
    student: Student,
    tokenizer: Tokenizer,
    corpus: Corpus,
    pictures: NDArray[np.uint8],
    settings: Settings,
    name: str,
    scale: Scale,
    facts: Mapping[str, Any],
) -> Exported:
    tower = export_tower(student.image, pictures, folder)
    write_text_graph(folded_table(student), folder / "text.onnx")
    text_min = _verified_texts(student, tokenizer, corpus, folder / "text.onnx")
    _write_tokenizer(tokenizer, folder / "tokenizer.json")
    config = _config(settings, corpus, name, scale, tower.precision, facts)
    text = json.dumps(config, indent=1, ensure_ascii=False)
    (folder / "config.json").write_text(f"{text}\n", "utf-8")
    return Exported(
        folder=folder,
        error=tower.error,
        int8_mean=tower.int8_mean,
        int8_min=tower.int8_min,
        text_min=text_min,
        precision=tower.precision,
        bytes=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
    )


def export_tower(tower: ImageTower, pictures: NDArray[np.uint8], folder: Path) -> ExportedTower:
    """Write `image.onnx` into a folder, int8 where that loses little, else fp32.

    `pictures` uint8 [n, 3, side, side] are those that activations are calibrated on. Raises
    ModelError for a graph that does not agree with torch.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        plain = Path(temporary) / "image.onnx"
        write_image_graph(tower, plain, pictures.shape[-1])
        error, reference = _verified(tower, plain, pictures[:_VERIFIED])
        feeds = [{"pixels": pictures[at : at + _BATCH]} for at in range(0, len(pictures), _BATCH)]
        quantize_statically(plain, folder / "image.onnx", Recipe(True, {}, JOINED), feeds)
        found = Session(folder / "image.onnx").run({"pixels": pictures[:_VERIFIED]}, "embedding")
        cosines = np.einsum("nd,nd->n", found, reference)
        precision = "int8" if cosines.mean() >= INT8_COSINE else "fp32"
        if precision == "fp32":
            plain.replace(folder / "image.onnx")
    return ExportedTower(
        error=error,
        int8_mean=float(cosines.mean()),
        int8_min=float(cosines.min()),
        precision=precision,
    )


def _verified(
    tower: ImageTower, graph: Path, pictures: NDArray[np.uint8]
) -> tuple[float, NDArray[np.float32]]:
    """Compare the fp32 graph with torch; return the largest difference and torch's vectors."""
    with torch.no_grad():
        expected = tower(torch.from_numpy(pictures).float()).numpy()
    found = Session(graph).run({"pixels": pictures}, "embedding")
    error = float(np.abs(found - expected).max())
    if not error <= TOLERANCE:
        raise ModelError(
            f"the exported picture tower is {error:.2g} away from torch; {TOLERANCE:.2g} is "
            "allowed. Train it in fp32, or report this"
        )
    return error, expected


def _verified_texts(student: Student, tokenizer: Tokenizer, corpus: Corpus, graph: Path) -> float:
    """Compare the text graph, whose table is int8, with torch; return the lowest cosine."""
    texts = corpus.bank[:_VERIFIED]
    bags = bags_of(tokenizer, texts)
    with torch.no_grad():
        expected = student.texts(bags).numpy()
        empty = (sums(student.table, bags) == 0).all(1).numpy()
    lengths = bags.starts.diff().tolist()
    ids = np.zeros((len(texts), max([1, *lengths])), np.int64)
    for row, (start, length) in enumerate(zip(bags.starts.tolist(), lengths, strict=False)):
        ids[row, :length] = bags.ids[start : start + length].numpy()
    found = Session(graph).run({"ids": ids}, "embedding")
    cosines = np.where(empty, 1.0, np.einsum("nd,nd->n", found, expected))
    if not cosines.min() >= _TEXT_COSINE:
        raise ModelError(
            f"the exported texts agree with torch to a cosine of {cosines.min():.4f} only; "
            f"{_TEXT_COSINE} is wanted. Report this"
        )
    return float(cosines.min())


def _sample(corpus: Corpus, size: int) -> NDArray[np.uint8]:
    """Take pictures from all learnt shelves, uint8 [n, 3, size, size], the largest shelves last."""
    shelves = [shelf for shelf in corpus.learnt if shelf.share] or list(corpus.learnt)
    each = max(_CALIBRATING // len(shelves), 1)
    parts = []
    for shelf in shelves:
        rows = np.unique(np.linspace(0, len(shelf.pictures) - 1, each).astype(int))
        parts.append(sized(shelf.pictures[rows], size).numpy().astype(np.uint8))
    found: NDArray[np.uint8] = np.concatenate(parts)
    order = np.random.default_rng(0).permutation(len(found))
    return found[order]


def _write_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer compactly: scores to two decimals, no spaces."""
    values = json.loads(tokenizer.to_str())
    vocabulary = values["model"]["vocab"]
    values["model"]["vocab"] = [[token, round(score, 2)] for token, score in vocabulary]
    path.write_text(json.dumps(values, ensure_ascii=False, separators=(",", ":")), "utf-8")


def _config(
    settings: Settings,
    corpus: Corpus,
    name: str,
    scale: Scale,
    precision: str,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    if not name:
        raise InputError("a model needs a name")
    config: dict[str, Any] = {
        "name": name,
        "dim": corpus.dim,
        "image_size": settings.size,
        "precision": precision,
        "image_input": "pixels: uint8 NCHW RGB, short side resized, centre crop; "
        "normalisation is in the graph",
        "mean": [MEAN / 255] * 3,
        "std": [STD / 255] * 3,
        "text_input": "ids: int64 [batch, length], padded with 0; no mask needed",
        "normalised": True,
        "logit_scale": round(scale.scale, 3),
        "teacher": corpus.teacher,
    }
    if scale.bias is not None:
        config["logit_bias"] = round(scale.bias, 3)
    return {**config, **facts}
