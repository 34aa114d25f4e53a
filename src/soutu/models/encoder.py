"""The dual encoder: two ONNX towers and a tokenizer, opened when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.errors import ModelError
from soutu.models.base import EncoderFacts, Precision

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soutu.models.layout import ModelFiles
    from soutu.models.session import Session
    from soutu.models.tokenizer import TextTokenizer
    from soutu.types import Pixels, Vectors

TEXT_BATCH = 64
_IDS = ("input_ids", "ids", "text")
_PIXELS = ("pixel_values", "pixels", "image")


class DualEncoder:
    """Encode pictures and texts with the towers of one model. Safe to call from many threads.

    A tower is opened by the first call that needs it, so a text query never opens the image
    tower. `threads` is the number of threads of one run, 0 for all cores.
    """

    def __init__(
        self,
        files: ModelFiles,
        *,
        name: str,
        revision: str,
        precision: Precision,
        threads: int = 0,
    ) -> None:
        self._files = files
        self._precision = precision
        self._threads = threads
        self._lock = Lock()
        self._sessions: dict[Path, Session] = {}
        self._image: ImageTower | None = None
        self._text: TextTower | None = None
        self._facts = EncoderFacts(
            name=name,
            revision=revision,
            precision=precision,
            dim=files.dim or self._text_tower().dim(),
            preprocess=files.preprocess,
            scale=files.scale,
        )

    @property
    def facts(self) -> EncoderFacts:
        """What the space of this encoder is."""
        return self._facts

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Encode uint8 pictures [n, 3, height, width] into unit vectors [n, dim].

        Raises ModelError for pictures of another size and for a model that gives no numbers.
        """
        wanted = (3, self._facts.preprocess.height, self._facts.preprocess.width)
        if pixels.shape[1:] != wanted:
            raise ModelError(
                f"model {self._facts.name!r} takes pictures of shape {wanted}, "
                f"got {pixels.shape[1:]}. Prepare them with its own preprocess"
            )
        if not len(pixels):
            return self._none()
        return self._unit(self._image_tower().run(pixels), "pictures")

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts into unit vectors [n, dim]; a text without any known token may give zeros.

        Raises ModelError for a model that gives no numbers.
        """
        tower = self._text_tower()
        batches = [texts[at : at + TEXT_BATCH] for at in range(0, len(texts), TEXT_BATCH)]
        found = [self._unit(tower.run(batch), "texts") for batch in batches]
        return np.concatenate(found) if found else self._none()

    def probe(self, pixels: Pixels, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return what the graphs are fed for these samples, for looking inside them.

        A graph with a fixed batch is given no more than that.
        """
        return {**self._image_tower().probe(pixels), **self._text_tower().probe(texts)}

    def probe_images(self, pixels: Pixels, batch: int) -> list[dict[str, NDArray[Any]]]:
        """Return what the image graph is fed for these samples, in batches; a rest is left out."""
        return self._image_tower().batches(pixels, batch)

    def close(self) -> None:
        """Release the model's memory. The next call opens it again."""
        with self._lock:
            self._image = self._text = None
            self._sessions.clear()

    def _image_tower(self) -> ImageTower:
        with self._lock:
            if self._image is None:
                session = self._session(self._files.image.graphs[self._precision])
                self._image = ImageTower(self._files, session)
            return self._image

    def _text_tower(self) -> TextTower:
        with self._lock:
            if self._text is None:
                session = self._session(self._files.text.graphs[self._precision])
                self._text = TextTower(self._files, session)
            return self._text

    def _session(self, graph: Path) -> Session:
        """Open a graph once, even where both towers are in it."""
        from soutu.models.session import Session

        if graph not in self._sessions:
            self._sessions[graph] = Session(graph, threads=self._threads)
        return self._sessions[graph]

    def _none(self) -> Vectors:
        return np.zeros((0, self._facts.dim), dtype=np.float32)

    def _unit(self, vectors: Vectors, what: str) -> Vectors:
        if vectors.shape[1] != self._facts.dim:
            raise ModelError(
                f"model {self._facts.name!r} is said to give {self._facts.dim} numbers but gives "
                f"{vectors.shape[1]} for {what}. Its two towers may not belong together"
            )
        if not np.isfinite(vectors).all():
            raise ModelError(
                f"model {self._facts.name!r} gave values that are no numbers for {what}. "
                "Use another precision, or add the model again"
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A zero row has no direction; it stays zero, which is far from every picture alike.
        unit: Vectors = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        return unit


class ImageTower:
    """The graph that encodes pictures, with its input's name, type and axis order."""

    def __init__(self, files: ModelFiles, session: Session) -> None:
        self._session = session
        self._output = session.pick_output(files.image.outputs).name
        self._spec = files.preprocess
        self._input = _named(session, _PIXELS, "picture")
        port = session.inputs[self._input]
        self._raw = port.dtype is np.uint8  # the graph normalises by itself
        self._channels_last = self._raw and len(port.shape) == 4 and port.shape[3] == 3
        self._check_size(port.shape)

    def run(self, pixels: Pixels) -> Vectors:
        """Encode uint8 pictures [n, 3, height, width]; the vectors are as the graph gives them."""
        return self._session.run(self.feeds(pixels), self._output)

    def feeds(self, pixels: Pixels) -> dict[str, NDArray[Any]]:
        """Name and prepare the graph's input for these pictures."""
        return {self._input: self._prepare(pixels)}

    def probe(self, pixels: Pixels) -> dict[str, NDArray[Any]]:
        """Return one batch that the graph takes as it is."""
        fixed = self._session.fixed_batch(self._input)
        return self._session.cast(self.feeds(pixels[:fixed]))

    def batches(self, pixels: Pixels, batch: int) -> list[dict[str, NDArray[Any]]]:
        """Return batches that the graph takes as they are: of its fixed size, else of `batch`."""
        step = self._session.fixed_batch(self._input) or batch
        starts = range(0, len(pixels) - step + 1, step)
        return [self._session.cast(self.feeds(pixels[at : at + step])) for at in starts]

    def _prepare(self, pixels: Pixels) -> NDArray[Any]:
        if self._raw:
            return pixels.transpose(0, 2, 3, 1) if self._channels_last else pixels
        # Imported here: models that normalise in the graph load no picture code.
        from soutu.images.transform import normalise

        return normalise(pixels, self._spec)

    def _check_size(self, shape: tuple[int | None, ...]) -> None:
        axes = shape[1:3] if self._channels_last else shape[2:4]
        wanted = (self._spec.height, self._spec.width)
        if any(axis not in (None, size) for axis, size in zip(axes, wanted, strict=False)):
            raise ModelError(
                f"{self._session.path} takes pictures of {axes} pixels, but the model's picture "
                f"settings prepare {wanted}. Fetch the model's files again"
            )


class TextTower:
    """The graph that encodes texts, with its tokenizer."""

    def __init__(self, files: ModelFiles, session: Session) -> None:
        from soutu.models.tokenizer import TextTokenizer

        self._session = session
        self._output = session.pick_output(files.text.outputs)
        self._tokenizer: TextTokenizer = TextTokenizer(files.tokenizer, files.text_spec)
        self._ids = _named(session, _IDS, "text")
        shape = session.inputs[self._ids].shape
        self._length = shape[1] if len(shape) == 2 else None

    def run(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; the vectors are as the graph gives them."""
        return self._session.run(self.feeds(texts), self._output.name)

    def feeds(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Tokenise texts and name the tokens as the graph's inputs."""
        tokens = self._tokenizer(texts, length=self._length)
        known = {
            self._ids: tokens.ids,
            "attention_mask": tokens.mask,
            "token_type_ids": tokens.types,
        }
        return {name: value for name, value in known.items() if name in self._session.inputs}

    def probe(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return one batch that the graph takes as it is."""
        fixed = self._session.fixed_batch(self._ids)
        return self._session.cast(self.feeds(texts[:fixed]))

    def dim(self) -> int:
        """Return the length of the vectors, from the graph's shape or from one run."""
        shape = self._output.shape
        return (shape[-1] if shape else None) or self.run([""]).shape[1]


def _named(session: Session, names: Sequence[str], what: str) -> str:
    for name in names:
        if name in session.inputs:
            return name
    raise ModelError(
        f"{session.path} has the inputs {', '.join(session.inputs)}; none is a {what} input "
        f"({', '.join(names)})"
    )
