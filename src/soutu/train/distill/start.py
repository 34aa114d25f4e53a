"""Start a training from an earlier student: both towers and the tokenizer, from its model folder.

An exported student has no batch normalisation any more. It is put back so that the student answers
as the model did, and so that its weights are of the size that fresh ones have, which is what the
learning rate is made for.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xxhash
from torch import Tensor, nn

from soutu.errors import InputError
from soutu.models.record import read_json
from soutu.train.distill.bags import bags_of
from soutu.train.distill.batches import draw, generator
from soutu.train.distill.lesson import Lesson
from soutu.train.distill.networks import MEAN, STD, Convolution, ImageTower, Student, sums
from soutu.train.distill.settings import Settings
from soutu.train.distill.steps import pooled_maps

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_FILES = ("image.onnx", "text.onnx", "tokenizer.json", "config.json")
_DRAWS = 24
"""Steps' worth of pictures that statistics are taken over."""
_FIRST_SEED = 1 << 41
"""Far from the steps of the training and of the tuning, whose chance it must not repeat."""
_RIDGE = 1e-2
_SHARPNESS = 16.0

Layer = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
"""The weights and the bias of a layer."""


@dataclass(frozen=True, eq=False)
class Start:
    """An earlier student, as its folder holds it.

    `convolutions` are those of the image tower, in order; `table` [tokens, dim] are the vectors of
    the tokens; `sharpness` those of `Student.scales`. `digest` is 16 hex digits over the files.
    """

    name: str
    digest: str
    convolutions: tuple[Layer, ...]
    project: Layer
    table: NDArray[np.float32]
    tokenizer: Tokenizer
    sharpness: tuple[float, ...]

    @property
    def dim(self) -> int:
        """The length of its vectors."""
        return int(self.table.shape[1])

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return its unit vectors [n, dim] of texts."""
        table = torch.from_numpy(self.table)
        return np.asarray(sums(table, bags_of(self.tokenizer, texts)).numpy())

    def words(self) -> list[str]:
        """List the words that it has a token for."""
        return [token[1:] for token in sorted(self.tokenizer.get_vocab())
                if token[0] == "▁" and token[1:].isalpha()]  # fmt: skip


def open_start(folder: Path) -> Start:
    """Read a model folder that `export` wrote.

    Raises InputError for a folder that holds another kind of model.
    """
    import onnx
    from tokenizers import Tokenizer

    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} has no {missing[0]}: a training starts from a model folder that soutu "
            "models distill wrote, or from mini"
        )
    digest = xxhash.xxh3_64()
    for name in _FILES:
        digest.update((folder / name).read_bytes())
    config = read_json(folder / "config.json")
    _check_pixels(config, folder)
    image, text = (_Weights(onnx.load(folder / name)) for name in _FILES[:2])
    layers = [(node.op_type, image.layer(node)) for node in image.nodes("Conv", "Gemm")]
    if not layers or [kind for kind, _ in layers[:-1]] != ["Conv"] * (len(layers) - 1):
        raise InputError(f"{folder / 'image.onnx'} is no image tower that soutu trains")
    return Start(
        name=str(config.get("name", folder.name)),
        digest=digest.hexdigest(),
        convolutions=tuple(layer for _, layer in layers[:-1]),
        project=layers[-1][1],
        table=text.table(folder / "text.onnx"),
        tokenizer=Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8")),
        sharpness=_sharpness(config),
    )


def settings_from_start(settings: Settings, start: Start | None) -> Settings:
    """Name the start in the settings, so that a run cannot go on from another one.

    Raises InputError where the student would not have the start's shapes.
    """
    if start is None:
        return replace(settings, start="")
    layers = ImageTower(settings).convolutions()
    wanted = [tuple(layer.parts()[0].weight.shape) for layer in layers]
    found = [weights.shape for weights, _ in start.convolutions]
    if wanted != found:
        shown = next((pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]),
                     (f"{len(found)} layers", f"{len(wanted)}"))  # fmt: skip
        raise InputError(
            f"the start, {start.name}, has another image tower: {shown[0]} where the student has "
            f"{shown[1]}. Give the widths, depths and last of the start"
        )
    if start.dim != settings.dim:
        raise InputError(
            f"the start, {start.name}, makes vectors of {start.dim} numbers, the student of "
            f"{settings.dim}. Both must be equal"
        )
    return replace(settings, start=start.digest)


def turned(start: Start, texts: Sequence[str], targets: NDArray[np.float32]) -> Start:
    """Turn a start's space so that texts come as near to unit vectors [n, dim] as a turn can.

    Two students of one teacher, on other pictures, differ by such a turn (Schonemann, A generalized
    solution of the orthogonal Procrustes problem, 1966).
    """
    left, _, right = np.linalg.svd(start.texts(texts).T.astype(np.float64) @ targets)
    turn = np.asarray(left @ right, dtype=np.float32)
    weights, bias = start.project
    return replace(start, table=start.table @ turn, project=(turn.T @ weights, bias @ turn))


def begin(student: Student, start: Start, lesson: Lesson, settings: Settings) -> None:
    """Give a fresh student the start's weights, in place.

    Statistics of the layers come from pictures of the lesson, and the head for a foreign teacher
    is fitted to its features of them by least squares. The same lesson gives the same student.
    """
    with torch.no_grad():
        student.table.copy_(torch.from_numpy(start.table))
        student.turn.copy_(torch.eye(start.dim))
        student.scales.copy_(torch.tensor(start.sharpness).log())
        layers = _fill_tower(student.image, start)
        student.blank()
        student.eval()
        watches = [_Watch(layer) for layer in layers]
        pairs = [_seen(student, lesson, settings, _FIRST_SEED + one) for one in range(_DRAWS)]
        for watch in watches:
            watch.normalise()
        if student.head is not None:
            pooled, goals = (torch.cat(rows) for rows in zip(*pairs, strict=True))
            _fit(student.head, pooled, goals)
        student.train()


def tower_of(start: Start, settings: Settings) -> ImageTower:
    """Return the start's image tower, which answers as its model does; in evaluation mode.

    Its normalisations add biases only. Raises InputError as `settings_from_start` does.
    """
    settings_from_start(settings, start)
    tower = ImageTower(settings)
    with torch.no_grad():
        _fill_tower(tower, start)
    return tower.eval()


def blend(student: Student, start: Start, lesson: Lesson, settings: Settings) -> None:
    """Mix a trained student's weights, in place, with those that it began with.

    The mixture is often better than both ends. Statistics of the layers are taken anew, because
    those of the ends do not mix.
    """
    if not settings.start_share:
        return
    first = copy.deepcopy(student)
    begin(first, start, lesson, settings)
    with torch.no_grad():
        for weights, earlier in zip(student.parameters(), first.parameters(), strict=True):
            weights.lerp_(earlier, settings.start_share)
        norms = [layer.parts()[1] for layer in student.image.convolutions()]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # all batches count alike
        student.train()
        for one in range(_DRAWS):
            _seen(student, lesson, settings, _FIRST_SEED + _DRAWS + one)
    student.eval()


class _Weights:
    """The weights of a graph, floats again where it is quantised."""

    def __init__(self, model: onnx.ModelProto) -> None:
        from onnx import numpy_helper

        self._graph = model.graph
        self._values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        self._makers = {name: node for node in model.graph.node for name in node.output}

    def nodes(self, *kinds: str) -> Iterator[onnx.NodeProto]:
        """List the nodes of some kinds, in the order of the graph."""
        return (node for node in self._graph.node if node.op_type in kinds)

    def layer(self, node: onnx.NodeProto) -> Layer:
        """Return what a convolution or a matrix multiplies and adds; weights [outputs, ...]."""
        if len(node.input) < 3:
            raise InputError(f"{node.name} adds nothing; the towers that soutu trains always do")
        return self._float(node.input[1]), self._float(node.input[2])

    def table(self, path: Path) -> NDArray[np.float32]:
        """Return the vectors of the tokens [tokens, dim]."""
        gathered = [self._values[node.input[0]] for node in self.nodes("Gather")]
        rows = next((values for values in gathered if values.ndim == 2), None)
        if rows is None:
            raise InputError(f"{path} is no table of tokens that soutu trains")
        scales = next((values for values in gathered if values.ndim == 1), np.ones(len(rows)))
        return np.asarray(rows.astype(np.float32) * scales[:, None], dtype=np.float32)

    def _float(self, name: str) -> NDArray[np.float32]:
        if name in self._values:
            return np.array(self._values[name], dtype=np.float32)
        maker = self._makers.get(name)
        if maker is None or maker.op_type != "DequantizeLinear":
            raise InputError(f"the graph computes its weights {name}; a start must store them")
        values, scale, *zero = (self._values[each] for each in maker.input)
        wide = (-1, *[1] * (values.ndim - 1)) if scale.ndim else ()
        shift = zero[0].astype(np.float32).reshape(wide) if zero else 0.0
        real = (values.astype(np.float32) - shift) * scale.reshape(wide)
        return np.asarray(real, dtype=np.float32)


class _Watch:
    """Takes the mean and the variance of what a convolution makes, before its normalisation."""

    def __init__(self, layer: Convolution) -> None:
        self._convolution, self._norm = layer.parts()
        self._sum = torch.zeros(self._norm.num_features, dtype=torch.float64)
        self._squares = torch.zeros(self._norm.num_features, dtype=torch.float64)
        self._count = 0
        self._hook = self._convolution.register_forward_hook(self._look)

    def _look(self, _: nn.Module, __: Any, found: Tensor) -> None:
        values = found.detach().float().cpu()
        self._sum += values.sum((0, 2, 3), dtype=torch.float64)
        self._squares += values.square().sum((0, 2, 3), dtype=torch.float64)
        self._count += values.shape[0] * values.shape[2] * values.shape[3]

    def normalise(self) -> None:
        """Put the normalisation back: the layer does what it did, with fresh-sized weights."""
        self._hook.remove()
        convolution, norm = self._convolution, self._norm
        mean = self._sum / self._count
        variance = (self._squares / self._count - mean.square()).clamp(min=0).to(norm.bias)
        mean = mean.to(norm.bias)
        sides = convolution.kernel_size[0] * convolution.kernel_size[1]
        fresh = math.sqrt(2 / (convolution.out_channels * sides))
        factor = fresh / convolution.weight.square().mean().sqrt().clamp(min=1e-12)
        convolution.weight *= factor
        variance *= factor**2
        norm.get_buffer("running_mean").copy_(mean * factor)
        norm.get_buffer("running_var").copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt() / factor)
        norm.bias.copy_(norm.bias + mean)


def _fill_tower(tower: ImageTower, start: Start) -> list[Convolution]:
    weights, bias = start.project
    tower.project.weight.copy_(torch.from_numpy(weights))
    tower.project.bias.copy_(torch.from_numpy(bias))
    layers = list(tower.convolutions())
    for layer, (weights, bias) in zip(layers, start.convolutions, strict=True):
        _fill(layer, torch.from_numpy(weights), torch.from_numpy(bias))
    return layers


def _fill(layer: Convolution, weights: Tensor, bias: Tensor) -> None:
    """Make a layer do what a folded convolution does: its normalisation adds the bias only."""
    convolution, norm = layer.parts()
    convolution.weight.copy_(weights)
    norm.get_buffer("running_mean").zero_()
    norm.get_buffer("running_var").fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def _seen(student: Student, lesson: Lesson, settings: Settings, seed: int) -> tuple[Tensor, Tensor]:
    """Look at pictures as a step would: pooled maps [n, last] and the teacher's [n, features]."""
    batch = draw(lesson.shelves, settings, generator(settings, seed), lesson.device)
    found = student.image.features(batch.canvases)
    return pooled_maps(found, batch.mosaics), lesson.goal(batch.features)


def _fit(head: nn.Linear, inputs: Tensor, goals: Tensor) -> None:
    middle, height = inputs.mean(0), goals.mean(0)
    centred = (inputs - middle).double()
    gram = centred.T @ centred / len(centred)
    gram += _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype).to(gram)
    weights = torch.linalg.solve(gram, centred.T @ (goals - height).double() / len(centred))
    head.weight.copy_(weights.T)
    head.bias.copy_(height - middle @ weights.to(middle))


def _check_pixels(config: Mapping[str, Any], folder: Path) -> None:
    for name, value in (("mean", MEAN / 255), ("std", STD / 255)):
        if not np.allclose(config.get(name, ()) or np.nan, value, atol=1e-6):
            raise InputError(
                f"{folder} takes pixels of another {name}, {json.dumps(config.get(name))}; a "
                f"student takes {value:.4f}"
            )


def _sharpness(config: Mapping[str, Any]) -> tuple[float, ...]:
    """Return how sharp its softmaxes were, as far as it says so."""
    known = config.get("distilled", {}).get("sharpness")
    if known is not None:
        return tuple(float(value) for value in known)
    return (float(config.get("kd_scale", _SHARPNESS)), _SHARPNESS, _SHARPNESS)
