"""Let any dual encoder teach: make a corpus from pictures, a word list and perhaps captions.

The student lives in the teacher's own space, shortened: the `dim` directions that hold most of the
teacher's vectors of these pictures and texts, so that cosines stay what they were (a truncated
singular value decomposition, without centring).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, InputError, Stopped
from soutu.train.distill.corpus import Corpus, Shelf, pictures_path, plain_shelf
from soutu.types import Failure, Preprocess, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.data.captions import CaptionData
    from soutu.library.base import Stop, Watcher
    from soutu.library.vectors import VectorCache
    from soutu.types import Vectors

PROMPTS = ("{}", "a photo of a {}", "a picture of {}", "a close-up photo of a {}")
"""A word's place is the mean of the teacher's answers to these."""
HELD_OUT, FEWEST_HELD_OUT = 0.05, 8
_MOST_HELD_OUT = 1_000
_SPACE_FROM = 20_000  # vectors of pictures, and of texts
_CHUNK = 256


@dataclass(frozen=True)
class Word:
    """A word of the list, in the teacher's language, with the same word in others."""

    name: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Taught:
    """A corpus, and the files that could not be read."""

    corpus: Corpus
    failures: tuple[Failure, ...]


def read_words(path: Path | None) -> tuple[Word, ...]:
    """Read a word list: a word a line, with translations after tabs; None gives soutu's own.

    Empty lines and those that begin with # are left out. Raises InputError for a file that cannot
    be read or holds no word.
    """
    if path is None:
        from importlib.resources import files

        text = files("soutu.library.tagging").joinpath("words.txt").read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the word list {path} cannot be read: {error}") from error
    words: dict[str, Word] = {}
    for line in text.splitlines():
        first, *others = (part.strip() for part in line.split("\t"))
        if first and not first.startswith("#"):
            words.setdefault(first, Word(first, tuple(other for other in others if other)))
    if len(words) < 2:
        raise InputError(f"the word list {path} holds {len(words)} words; at least 2 are needed")
    return tuple(words.values())


def teach(
    cache: VectorCache,
    paths: Sequence[Path],
    words: Sequence[Word],
    captioned: CaptionData | None,
    folder: Path,
    *,
    dim: int,
    side: int,
    languages: Sequence[str] = (),
    seed: int = 0,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> Taught:
    """Ask the teacher about all pictures and texts; pictures are kept in `folder` at `side` pixels.

    Captions in other languages than the teacher's (`languages`; none means all) take the place of
    their picture's captions that it does understand. Raises InputError without readable pictures,
    Stopped, with the teacher's answers kept, when `should_stop` says so.
    """
    files = list(dict.fromkeys([*(captioned.images if captioned else ()), *paths]))
    answers = cache.pictures(files, on_progress=on_progress, should_stop=should_stop)
    if len(answers.rows) < 2 * FEWEST_HELD_OUT:
        raise InputError(
            f"only {len(answers.rows)} pictures can be read; a student needs at least "
            f"{2 * FEWEST_HELD_OUT}. Name a folder with more"
        )
    read = [files[row] for row in answers.rows]
    texts = _texts(cache, words, captioned, languages, on_progress, should_stop)
    projection = shared_space(answers.vectors, texts.targets, dim)
    rows_of = _caption_rows(captioned, {path: row for row, path in enumerate(read)}, len(read))
    held = _held_out(len(read), rows_of, seed)
    shelves = []
    for place, (name, mine) in enumerate((("pictures", ~held), ("held out", held))):
        rows = np.flatnonzero(mine)
        pixels = decode_squares(
            [read[row] for row in rows], pictures_path(folder, place), side,
            on_progress=on_progress, should_stop=should_stop,
        )  # fmt: skip
        captions = [rows_of[row] for row in rows]
        share = 0.0 if name == "held out" else 1.0
        shelves.append(
            plain_shelf(name, pixels, answers.vectors[rows], captions=captions, share=share)
        )
    facts = cache.facts
    corpus = Corpus(
        teacher=f"{facts.name} ({facts.precision}, {facts.revision})",
        shelves=tuple(shelves),
        bank=tuple(word.name for word in words),
        bank_weights=np.ascontiguousarray((facts.scale.scale * texts.bank).T),
        bank_bias=np.full(len(words), facts.scale.bias or 0.0, np.float32),
        taught=texts.taught,
        targets=_unit(texts.targets @ projection),
        projection=projection,
        captions=captioned.captions if captioned else (),
        languages=captioned.languages if captioned else (),
    )
    return Taught(corpus=corpus, failures=answers.failures)


def shared_space(pictures: Vectors, texts: Vectors, dim: int) -> NDArray[np.float32]:
    """Return the `dim` directions [features, dim] that hold most of both; all, if there are fewer.

    Pictures and texts count alike, however many there are of each.
    """
    features = pictures.shape[1]
    if features <= dim:
        return np.eye(features, dtype=np.float32)
    gram = np.zeros((features, features))
    for vectors in (pictures, texts):
        sample = vectors[:: max(len(vectors) // _SPACE_FROM, 1)].astype(np.float64)
        gram += sample.T @ sample / len(sample)
    _, directions = np.linalg.eigh(gram)
    return np.ascontiguousarray(directions[:, ::-1][:, :dim].astype(np.float32))


def decode_squares(
    paths: Sequence[Path],
    target: Path,
    side: int,
    *,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> NDArray[np.uint8]:
    """Decode pictures to uint8 [n, side, side, 3] in a .npy file, mapped into memory.

    The short side is resized, the middle cropped. One that has become unreadable is black.
    """
    from soutu.images.decode import decode

    spec = Preprocess(height=side, width=side, resize=side)

    def one(path: Path) -> NDArray[np.uint8]:
        try:
            return np.asarray(decode(path, spec).pixels.transpose(1, 2, 0))
        except ImageError:
            return np.zeros((side, side, 3), np.uint8)

    target.parent.mkdir(parents=True, exist_ok=True)
    shape = (len(paths), side, side, 3)
    pixels = np.lib.format.open_memmap(target, "w+", np.uint8, shape)
    with ThreadPoolExecutor() as pool:
        for at in range(0, len(paths), _CHUNK):
            if should_stop is not None and should_stop():
                raise Stopped("stopped while reading pictures. Run the same command again")
            for row, picture in enumerate(pool.map(one, paths[at : at + _CHUNK]), at):
                pixels[row] = picture
            if on_progress is not None:
                done = min(at + _CHUNK, len(paths))
                on_progress(Progress(stage="check", done=done, total=len(paths)))
    pixels.flush()
    return pixels


@dataclass(frozen=True, eq=False)
class _Texts:
    """The teacher's vectors: of the bank's words, and of every text that is taught."""

    bank: Vectors
    taught: tuple[str, ...]
    targets: Vectors


def _texts(
    cache: VectorCache,
    words: Sequence[Word],
    captioned: CaptionData | None,
    languages: Sequence[str],
    on_progress: Watcher | None,
    should_stop: Stop | None,
) -> _Texts:
    def encode(texts: Sequence[str]) -> Vectors:
        return cache.texts(texts, on_progress=on_progress, should_stop=should_stop)

    prompts = [prompt.format(word.name) for word in words for prompt in PROMPTS]
    each = encode(prompts)
    bank = _unit(each.reshape(len(words), len(PROMPTS), -1).mean(axis=1))
    taught, targets = [word.name for word in words], [bank]
    taught += prompts
    targets.append(each)
    translated = [(other, row) for row, word in enumerate(words) for other in word.others]
    if translated:
        taught += [other for other, _ in translated]
        targets.append(bank[[row for _, row in translated]])
    if captioned is not None:
        known, places = _caption_targets(captioned, languages, encode)
        taught += [captioned.captions[row] for row in known]
        targets.append(places)
    return _Texts(bank, tuple(taught), np.concatenate(targets))


def _caption_targets(
    captioned: CaptionData, languages: Sequence[str], encode: Callable[[Sequence[str]], Vectors]
) -> tuple[NDArray[np.intp], Vectors]:
    """Return captions that have a place, and where: the teacher's, or that of a translation."""
    understood = np.array([not languages or code in {"", *languages}
                           for code in captioned.languages])  # fmt: skip
    own = np.flatnonzero(understood)
    answers = encode([captioned.captions[row] for row in own])
    vectors = np.zeros((len(captioned.captions), answers.shape[1]), np.float32)
    vectors[own] = answers
    means = np.zeros((len(captioned.images), answers.shape[1]), np.float32)
    np.add.at(means, captioned.image_of[own], answers)
    vectors[~understood] = _unit(means)[captioned.image_of[~understood]]
    placed = np.flatnonzero(np.square(vectors).sum(axis=1) > 0)
    return placed, vectors[placed]


def _caption_rows(
    captioned: CaptionData | None, row_of: dict[Path, int], pictures: int
) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(pictures)]
    if captioned is not None:
        for caption, image in enumerate(captioned.image_of):
            row = row_of.get(captioned.images[image])
            if row is not None:
                rows[row].append(caption)
    return rows


def _held_out(pictures: int, captions: Sequence[Sequence[int]], seed: int) -> NDArray[np.bool_]:
    """Hold pictures out by chance, those with captions among them in their share."""
    count = min(max(round(HELD_OUT * pictures), FEWEST_HELD_OUT), _MOST_HELD_OUT)
    order = np.random.default_rng(seed).permutation(pictures)
    with_captions = np.array([bool(rows) for rows in captions])[order]
    share = max(round(count * with_captions.mean()), 2) if with_captions.any() else 0
    chosen = [*order[with_captions][:share], *order[~with_captions][: count - share]]
    held = np.zeros(pictures, dtype=bool)
    held[chosen] = True
    return held


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def learnt(shelves: Sequence[Shelf]) -> int:
    """Count the pictures that are learnt from."""
    return sum(len(shelf.pictures) for shelf in shelves if not shelf.held_out)
