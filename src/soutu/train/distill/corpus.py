"""What a student learns from: pictures with the teacher's answers, and texts with their places.

A corpus lies in a folder: `corpus.json` (texts, names), `corpus.safetensors` (arrays) and one
`pictures-N.npy` a shelf, which is mapped into memory, not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from soutu.errors import InputError
from soutu.models.record import write_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
_NO_ROWS: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelf:
    """Pictures of one size, and what is known of each.

    `pictures` are uint8 [n, side, side, 3], `features` the teacher's, float16 [n, features].
    `labels` [n] are rows of the corpus's label names, -1 where there is none. `captions` are rows
    of the corpus's captions, those of picture i from `starts[i]` to `starts[i + 1]`. `share` is how
    much of a step's single pictures come from here, `tiles` how much of its mosaics. A shelf with
    neither is held out: it is measured on.
    """

    name: str
    pictures: NDArray[np.uint8]
    features: NDArray[np.float16]
    labels: NDArray[np.int64]
    captions: NDArray[np.int64]
    starts: NDArray[np.int64]
    share: float = 1.0
    tiles: float = 0.0

    @property
    def held_out(self) -> bool:
        """Whether nothing is learnt from it."""
        return not (self.share or self.tiles)


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """All that a student learns from, and is measured on.

    The teacher's logits over `bank` are `features @ bank_weights + bank_bias`. `targets` [texts,
    dim] are unit vectors: where `taught` texts belong in the student's space. `projection`
    [features, dim] maps features into that space, where pictures and texts have one teacher; None
    where the features are of another network, which then guide the student through a head of their
    own. `languages` holds one code a caption, "" where it is not known.
    """

    teacher: str
    shelves: tuple[Shelf, ...]
    bank: tuple[str, ...]
    bank_weights: NDArray[np.float32]
    bank_bias: NDArray[np.float32]
    taught: tuple[str, ...]
    targets: NDArray[np.float32]
    projection: NDArray[np.float32] | None = None
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    languages: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.bank or not self.taught:
            raise InputError("a student needs words to learn from. Give a word list that has some")
        if not any(len(shelf.pictures) for shelf in self.shelves if not shelf.held_out):
            raise InputError("a student needs pictures to learn from. Name a folder that has some")

    @property
    def dim(self) -> int:
        """The length of the student's vectors."""
        return int(self.targets.shape[1])

    @property
    def learnt(self) -> tuple[Shelf, ...]:
        """The shelves that are learnt from."""
        return tuple(shelf for shelf in self.shelves if not shelf.held_out)

    @property
    def held_out(self) -> tuple[Shelf, ...]:
        """The shelves that are measured on."""
        return tuple(shelf for shelf in self.shelves if shelf.held_out)

    def digest(self) -> str:
        """Hash all that is learnt from: 32 hex digits. Reads every picture."""
        hashed = xxhash.xxh3_128(json.dumps(_texts(self), ensure_ascii=False).encode())
        for name, array in sorted(_arrays(self).items()):
            hashed.update(f"{name}{array.shape}".encode())
            hashed.update(np.ascontiguousarray(array).data)
        for shelf in self.shelves:
            for at in range(0, len(shelf.pictures), 512):
                hashed.update(np.ascontiguousarray(shelf.pictures[at : at + 512]).data)
        return hashed.hexdigest()


def plain_shelf(
    name: str,
    pictures: NDArray[np.uint8],
    features: NDArray[Any],
    *,
    labels: NDArray[np.int64] | None = None,
    captions: Sequence[Sequence[int]] | None = None,
    share: float = 1.0,
    tiles: float = 0.0,
) -> Shelf:
    """Make a shelf from lists: labels and captions are optional, one entry a picture."""
    rows = captions if captions is not None else [_NO_ROWS] * len(pictures)
    return Shelf(
        name=name,
        pictures=pictures,
        features=np.asarray(features, dtype=np.float16),
        labels=np.full(len(pictures), -1, np.int64) if labels is None else labels,
        captions=np.array([row for own in rows for row in own], dtype=np.int64),
        starts=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        share=share,
        tiles=tiles,
    )


def save_corpus(corpus: Corpus, folder: Path) -> str:
    """Write a corpus into a folder; return its digest. Pictures that lie there already are left."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for place, shelf in enumerate(corpus.shelves):
        path = pictures_path(folder, place)
        if _file_of(shelf.pictures) != path.absolute():
            np.save(path, shelf.pictures)
    arrays = {name: np.ascontiguousarray(array) for name, array in _arrays(corpus).items()}
    save_file(arrays, folder / "corpus.safetensors")
    digest = corpus.digest()
    shares = [{"share": shelf.share, "tiles": shelf.tiles} for shelf in corpus.shelves]
    stamp = {"format": FORMAT, "digest": digest, "shares": shares}
    write_json(folder / "corpus.json", {**stamp, **_texts(corpus)})
    return digest


def open_corpus(folder: Path) -> tuple[Corpus, str]:
    """Open a corpus and return its digest as it was saved.

    Raises InputError for a folder that holds none, or one of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        facts = json.loads((folder / "corpus.json").read_text("utf-8"))
        arrays = load_file(folder / "corpus.safetensors")
        pictures = [
            np.load(pictures_path(folder, place), mmap_mode="r")
            for place in range(len(facts["shelves"]))
        ]
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{folder} holds no corpus that can be read: {error}") from error
    if facts["format"] != FORMAT:
        raise InputError(f"{folder} is a corpus of format {facts['format']}, wanted {FORMAT}")
    shelves = tuple(
        _shelf(place, name, facts["shares"][place], arrays, pictures[place])
        for place, name in enumerate(facts["shelves"])
    )
    corpus = Corpus(
        teacher=facts["teacher"],
        shelves=shelves,
        bank=tuple(facts["bank"]),
        bank_weights=arrays["bank_weights"],
        bank_bias=arrays["bank_bias"],
        taught=tuple(facts["taught"]),
        targets=arrays["targets"],
        projection=arrays.get("projection"),
        labels=tuple(facts["labels"]),
        captions=tuple(facts["captions"]),
        languages=tuple(facts["languages"]),
    )
    return corpus, str(facts["digest"])


def pictures_path(folder: Path, place: int) -> Path:
    """Return the file that holds the pictures of a shelf."""
    return folder / f"pictures-{place}.npy"


def _file_of(pictures: NDArray[np.uint8]) -> Path | None:
    """Return the file that pictures are mapped from; writing it again would destroy them."""
    filename = getattr(pictures, "filename", None)
    return None if filename is None else Path(filename).absolute()


def _shelf(
    place: int,
    name: str,
    shares: Mapping[str, float],
    arrays: Mapping[str, NDArray[Any]],
    pictures: NDArray[np.uint8],
) -> Shelf:
    return Shelf(
        name=name,
        pictures=pictures[: len(arrays[f"{place}.labels"])],  # the file may have spare rows
        features=arrays[f"{place}.features"],
        labels=arrays[f"{place}.labels"],
        captions=arrays[f"{place}.captions"],
        starts=arrays[f"{place}.starts"],
        share=shares["share"],
        tiles=shares["tiles"],
    )


def _texts(corpus: Corpus) -> dict[str, Any]:
    return {
        "teacher": corpus.teacher,
        "shelves": [shelf.name for shelf in corpus.shelves],
        "bank": corpus.bank,
        "taught": corpus.taught,
        "labels": corpus.labels,
        "captions": corpus.captions,
        "languages": corpus.languages,
    }


def _arrays(corpus: Corpus) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "bank_weights": corpus.bank_weights,
        "bank_bias": corpus.bank_bias,
        "targets": corpus.targets,
    }
    if corpus.projection is not None:
        arrays["projection"] = corpus.projection
    for place, shelf in enumerate(corpus.shelves):
        for key in ("features", "labels", "captions", "starts"):
            arrays[f"{place}.{key}"] = getattr(shelf, key)
    return arrays
