"""The teachers of the bundled model: MobileNetV2 for pictures, MiniLM for texts.

Only their answers are used; none of their weights is in the model.
"""

from __future__ import annotations

import multiprocessing
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_POOLED, _WEIGHTS, _BIAS = 172, 107, 108
"""Numbers of tensors in `tf2_mobilenet_v2_1.0_224_ptq.tflite`."""
_CHUNK = 256
_COMMON = 13_000  # of MiniLM's vocabulary, which is sorted by frequency
_interpreter: Any = None  # one a process


class PictureTeacher(Protocol):
    """Answers for pictures: features, and logits over the 1,000 classes, linear in them."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return features [n, features] of uint8 pictures [n, side, side, 3]."""
        ...


class TextTeacher(Protocol):
    """Answers for texts."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def words(self) -> Sequence[str]:
        """List common words that it knows."""
        ...

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors [n, features] of texts."""
        ...


class MobileNet:
    """MobileNetV2, int8, from a .tflite file; needs ai-edge-litert."""

    def __init__(self, path: Path, processes: int) -> None:
        self._path = path
        self._processes = processes
        interpreter = _opened(path)
        tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
        self._scale, self._zero = tensors[_POOLED]["quantization"]
        weights = interpreter.get_tensor(_WEIGHTS).reshape(1001, -1).astype(np.float32)
        weights *= tensors[_WEIGHTS]["quantization_parameters"]["scales"].reshape(-1, 1)
        bias = interpreter.get_tensor(_BIAS).astype(np.float32)
        bias *= tensors[_BIAS]["quantization_parameters"]["scales"]
        # The first class is none of ImageNet's.
        self.weights, self.bias = np.ascontiguousarray(weights[1:].T), bias[1:]

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return the pooled features [n, 1280]."""
        with multiprocessing.get_context("spawn").Pool(
            self._processes, _start, (self._path,)
        ) as pool:
            parts = (np.array(pictures[at : at + _CHUNK]) for at in range(0, len(pictures), _CHUNK))
            found = np.concatenate(list(pool.imap(_answers, parts)))
        real = (found.astype(np.float32) - self._zero) * self._scale
        return np.asarray(real, dtype=np.float16)


class MiniLM:
    """all-MiniLM-L6-v2 from a folder; needs sentence-transformers."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self._vocabulary = (folder / "vocab.txt").read_text("utf-8").splitlines()
        self._model = SentenceTransformer(str(folder), device="cpu")
        self._model.max_seq_length = 48

    def words(self) -> Sequence[str]:
        """List the common English words of its vocabulary."""
        return [word for word in self._vocabulary[:_COMMON] if re.fullmatch(r"[a-z]{2,}", word)]

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors [n, 384]."""
        found = self._model.encode(
            list(texts), batch_size=256, normalize_embeddings=True, show_progress_bar=True
        )
        return np.asarray(found, dtype=np.float32)


def _opened(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises against keeping tensors; we want one of them
        interpreter = Interpreter(
            model_path=str(path), num_threads=1, experimental_preserve_all_tensors=True
        )
    interpreter.allocate_tensors()
    return interpreter


def _start(path: Path) -> None:
    global _interpreter
    _interpreter = _opened(path)


def _answers(pictures: NDArray[np.uint8]) -> NDArray[np.int8]:
    source = _interpreter.get_input_details()[0]
    side = source["shape"][1]
    found = []
    for picture in pictures:
        pixels = picture
        if picture.shape[0] != side:
            image = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
            pixels = np.asarray(image)
        _interpreter.set_tensor(source["index"], pixels[None].astype(source["dtype"]))
        _interpreter.invoke()
        found.append(_interpreter.get_tensor(_POOLED).reshape(-1))
    return np.stack(found)
