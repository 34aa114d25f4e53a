"""Make the bundled model from public data: decode, ask the teachers, train, export.

Every stage keeps what it made under --work, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mini_calibration import calibrated
from mini_joint import fitted, joined
from mini_sets import (
    Decoded,
    Flickr,
    flickr_crops,
    flickr_set,
    labelled_set,
    read_flickr,
    read_sets,
)
from mini_teachers import MiniLM, MobileNet, PictureTeacher, TextTeacher
from mini_words import Words, read_all
from numpy.typing import NDArray

from soutu.cli.interrupts import StopRequest
from soutu.cli.progress import shown_progress
from soutu.errors import SoutuError
from soutu.models.base import Scale
from soutu.models.card import MINI_FOLDER
from soutu.train.distill.corpus import Corpus, plain_shelf, save_corpus
from soutu.train.distill.export import Exported
from soutu.train.distill.loop import told
from soutu.train.distill.running import learn_and_export
from soutu.train.distill.settings import Settings, Weights
from soutu.train.distill.start import Start, open_start

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from soutu.train.distill.networks import Student

MINI = Settings(mosaics=0.375, learning_rate=2e-3, vocabulary=33_000)
CONTINUED = replace(
    MINI, learning_rate=1e-3, steps=4_800, text_steps=1_200, smallest_crop=0.4,
    weights=Weights(bank=2.0),
)  # fmt: skip
"""For a training that starts from an earlier model."""
TEMPLATES = ("a photo of a {}", "a photo of the {}", "a picture of {}", "a close-up photo of a {}")
CREDITS = {
    "image": "trained from scratch; targets from MobileNetV2 (Apache-2.0)",
    "text": "token table distilled from all-MiniLM-L6-v2 (Apache-2.0)",
}
_SPACE_FROM = 20_000


def make(
    sources: Path,
    work: Path,
    out: Path,
    settings: Settings,
    *,
    pictures: PictureTeacher,
    texts: TextTeacher | Start,
    table: Mapping[str, Any] | None = None,
    name: str = "mini",
    quiet: bool = False,
) -> tuple[Exported, dict[str, float]]:
    """Run all stages; return what the export measured, and figures on held-out pictures.

    Where `texts` is an earlier model, the training starts from it, and texts begin at its places.
    """
    start = texts if isinstance(texts, Start) else None
    sets = dict(table or read_sets())
    words = read_all(sources, sets["words"])
    flickr = read_flickr(sources, sets["captions"])
    decoded = _decode(sources, sets, flickr, work / "corpus")
    corpus = assemble(decoded, words, flickr, pictures, texts, work, settings)
    used = [*sets["pictures"], sets["captions"], *sets["words"]]
    facts = {
        "tag_template": "a photo of a {}",
        "provenance": {
            **_credits(start),
            "data": [f"{each['name']} ({each['licence']})" for each in used],
        },
    }
    stop = StopRequest()

    def scale_of(student: Student, tokenizer: Tokenizer) -> Scale:
        return calibrated(student, tokenizer, corpus, words.tags, settings)

    with stop.listening(), shown_progress(stop, quiet=quiet) as watcher:
        if start is not None:
            on_step = told(watcher, stop, settings.text_steps, 0, settings.steps)
            kept = work / "space.safetensors"
            space = fitted(corpus, start, words.pairs, settings, kept, on_step)
            corpus, start = joined(corpus, start, space, words.pairs)
        digest = save_corpus(corpus, work / "corpus")
        return learn_and_export(
            corpus, digest, settings, out, work,
            name=name, scale_of=scale_of, facts=facts, start=start,
            on_progress=watcher, should_stop=stop,
        )  # fmt: skip


def _credits(start: Start | None) -> dict[str, str]:
    if start is None:
        return CREDITS
    return {part: f"{text}; trained further from {start.name}" for part, text in CREDITS.items()}


def _decode(sources: Path, sets: Mapping[str, Any], flickr: Flickr, folder: Path) -> list[Decoded]:
    """Decode all sets; the test split of Flickr8k is never read."""
    entries, captions = sets["pictures"], sets["captions"]
    decoded = [labelled_set(sources, entry, folder, place) for place, entry in enumerate(entries)]
    for split in ("train", "val"):
        decoded.append(flickr_set(sources, captions, flickr, split, folder, len(decoded)))
    decoded.append(flickr_crops(sources, captions, flickr, folder, len(decoded)))
    return decoded


def assemble(
    decoded: Sequence[Decoded],
    words: Words,
    flickr: Flickr,
    pictures: PictureTeacher,
    texts: TextTeacher | Start,
    work: Path,
    settings: Settings,
) -> Corpus:
    """Put pictures, the teachers' answers and texts together."""
    labels = sorted({key for each in decoded if not _is_flickr(each) for key in each.keys})
    captions, languages, owners = _captions(flickr)
    if isinstance(texts, Start):
        taught = _texts_of(words, flickr, texts)
        targets = texts.texts(taught)
    else:
        taught, targets = _taught(words, flickr, texts, work, settings.dim)
    row_of = {name: row for row, name in enumerate(labels)}
    shelves = []
    for place, each in enumerate(decoded):
        known = np.array([row_of.get(key, -1) for key in each.keys], dtype=np.int64)
        if _is_flickr(each):
            known[:] = -1
        own = [owners.get(key, ()) if _is_flickr(each) else () for key in each.keys]
        shelf = plain_shelf(
            each.name, each.pictures, _features(pictures, each, work, place),
            labels=known, captions=own, share=each.share, tiles=each.tiles,
        )  # fmt: skip
        shelves.append(shelf)
    return Corpus(
        teacher=f"MobileNetV2 for pictures, {texts.name} for texts",
        shelves=tuple(shelves),
        bank=words.classes,
        bank_weights=pictures.weights,
        bank_bias=pictures.bias,
        taught=taught,
        targets=targets,
        labels=tuple(labels),
        captions=captions,
        languages=languages,
    )


def _is_flickr(decoded: Decoded) -> bool:
    return decoded.name.startswith("flickr8k ")


def _captions(
    flickr: Flickr,
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, list[int]]]:
    """List the captions of the training and validation splits, and whose they are."""
    texts: list[str] = []
    languages: list[str] = []
    owners: dict[str, list[int]] = {}
    for language, by_id in flickr.captions.items():
        for split in ("train", "val"):
            for picture in flickr.splits[split]:
                for caption in by_id.get(picture, ()):
                    owners.setdefault(picture, []).append(len(texts))
                    texts.append(caption)
                    languages.append(language)
    return tuple(texts), tuple(languages), owners


def _features(
    teacher: PictureTeacher, decoded: Decoded, work: Path, place: int
) -> NDArray[np.float16]:
    """Return the teacher's features, from disk where they were made before."""
    path = work / f"features-{place}.npy"
    if not path.is_file():
        np.save(path, teacher.features(decoded.pictures))
    found: NDArray[np.float16] = np.load(path)
    if len(found) != len(decoded.pictures):
        path.unlink()
        return _features(teacher, decoded, work, place)
    return found


def _taught(
    words: Words, flickr: Flickr, teacher: TextTeacher, work: Path, dim: int
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Give texts their places: English ones the teacher's, Chinese ones those of their English.

    The space is the `dim` principal directions of captions and names, the mean taken out.
    """
    train = flickr.splits["train"]
    english = {picture: flickr.captions["en"].get(picture, ()) for picture in train}
    sentences = [caption for captions in english.values() for caption in captions]
    names = sorted({*(en for en, _ in words.pairs), *words.classes})
    filled = [template.format(name) for name in names for template in TEMPLATES]
    texts = [*sentences, *names, *filled, *teacher.words()]
    vectors = _answers(teacher, texts, work)
    place_names = slice(len(sentences), len(sentences) + len(names))
    ends = len(sentences) + len(names) + len(filled)
    project = _projection(vectors[:ends], dim)
    targets = [project(vectors)]
    by_name = dict(zip(names, vectors[place_names], strict=True))
    texts += [zh for _, zh in words.pairs]
    targets.append(project(np.stack([by_name[en] for en, _ in words.pairs])))
    means: list[NDArray[np.float32]] = []
    chinese: list[str] = []
    first = 0
    for picture, captions in english.items():
        mine = vectors[first : first + len(captions)]
        first += len(captions)
        translated = flickr.captions["zh"].get(picture, ()) if captions else ()
        chinese += translated
        means += [mine.mean(axis=0)] * len(translated)
    if chinese:
        texts += chinese
        targets.append(project(np.stack(means)))
    return tuple(texts), np.concatenate(targets)


def _texts_of(words: Words, flickr: Flickr, start: Start) -> tuple[str, ...]:
    """List the texts that are to stay where an earlier model has them, in both languages."""
    train = flickr.splits["train"]
    sentences = [text for by_id in flickr.captions.values() for key in train
                 for text in by_id.get(key, ())]  # fmt: skip
    names = sorted({*(en for en, _ in words.pairs), *words.classes})
    filled = [template.format(name) for name in names for template in TEMPLATES]
    chinese = sorted({zh for _, zh in words.pairs})
    return (*sentences, *names, *filled, *chinese, *start.words())


def _answers(teacher: TextTeacher, texts: Sequence[str], work: Path) -> NDArray[np.float32]:
    """Return the text teacher's vectors, from disk where the same texts were asked before."""
    listed, path = work / "texts.json", work / "texts.npy"
    if not path.is_file() or json.loads(listed.read_text("utf-8")) != list(texts):
        np.save(path, teacher.vectors(texts))
        listed.write_text(json.dumps(list(texts), ensure_ascii=False), "utf-8")
    found: NDArray[np.float32] = np.load(path)
    return found


def _projection(
    vectors: NDArray[np.float32], dim: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    sample = vectors[:: max(len(vectors) // _SPACE_FROM, 1)]
    mean = sample.mean(axis=0)
    directions = np.linalg.svd(sample - mean, full_matrices=False)[2][:dim].T

    def project(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        turned = (rows - mean) @ directions
        norms = np.linalg.norm(turned, axis=1, keepdims=True)
        return np.asarray(turned / np.maximum(norms, 1e-9), dtype=np.float32)

    return project


def _start(name: str) -> Start:
    return open_start(MINI_FOLDER if name == "mini" else Path(name))


def main() -> None:
    """Read the command line and make the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="where the data sets lie")
    parser.add_argument("--work", type=Path, required=True, help="what is kept between runs")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--mobilenet", type=Path, required=True, help="the .tflite file")
    begun = parser.add_mutually_exclusive_group(required=True)
    begun.add_argument("--minilm", type=Path, help="the folder of MiniLM, to start from nothing")
    begun.add_argument("--start", help="a model's folder, or mini, to start from its weights")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--processes", type=int, default=2, help="of the picture teacher")
    given = parser.parse_args()
    settings = CONTINUED if given.start else MINI
    settings = replace(
        settings, steps=given.steps or settings.steps, batch=given.batch or settings.batch
    )
    try:
        given.work.mkdir(parents=True, exist_ok=True)
        texts = _start(given.start) if given.start else MiniLM(given.minilm)
        made, figures = make(
            given.sources, given.work, given.out, settings,
            pictures=MobileNet(given.mobilenet, given.processes), texts=texts,
        )  # fmt: skip
    except SoutuError as error:
        sys.exit(f"make_mini: {error}")
    print(f"{made.folder}: {made.bytes / 1e6:.1f} MB, {made.precision}")
    print(f"to torch {made.error:.1g}; int8 mean {made.int8_mean:.4f}, least {made.int8_min:.4f}")
    print("held out:", ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
