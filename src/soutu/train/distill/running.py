"""A whole distillation: the teacher's answers, tokenizer, training, export; it can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from soutu.models.record import read_json, write_json
from soutu.train.distill import checkpoints, teaching
from soutu.train.distill.agreement import agreement
from soutu.train.distill.corpus import Corpus, open_corpus, save_corpus
from soutu.train.distill.export import Exported, export, fitted_scale, require_model_folder
from soutu.train.distill.lesson import lesson_of
from soutu.train.distill.loop import best_device, told, train
from soutu.train.distill.settings import Settings
from soutu.train.distill.start import Start, blend, settings_from_start, turned
from soutu.train.distill.teaching import Word, teach
from soutu.train.distill.tune import tune
from soutu.train.distill.vocabulary import build_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from soutu.data.captions import CaptionData
    from soutu.library.base import Stop, Watcher
    from soutu.library.vectors import VectorCache
    from soutu.models.base import Scale
    from soutu.train.distill.networks import Student
    from soutu.types import Failure

_ASKED = "asked.json"


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """What came of a distillation. `figures` are those of `agreement`, on held-out pictures."""

    exported: Exported
    figures: Mapping[str, float]
    pictures: int
    failures: tuple[Failure, ...]


def distill(
    cache: VectorCache,
    paths: Sequence[Path],
    words: Sequence[Word],
    out: Path,
    work: Path,
    settings: Settings,
    *,
    captioned: CaptionData | None = None,
    languages: Sequence[str] = (),
    start: Start | None = None,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> Distilled:
    """Train a student of `cache.encoder` and write it to `out` as a model folder.

    `work` keeps the pictures, the teacher's answers and checkpoints; a run with the same arguments
    goes on from there. `languages` are those that the teacher understands. With a `start` an
    earlier student is trained further. Raises InputError for too little data, a start of another
    shape and a `work` of another run, Stopped when `should_stop` says so.
    """
    require_model_folder(out)
    dim = min(settings.dim, cache.facts.dim)
    settings = settings_from_start(replace(settings, dim=dim), start)
    asked = _asked(cache, paths, words, captioned)
    failures: tuple[Failure, ...] = ()
    if (work / _ASKED).is_file():
        before = read_json(work / _ASKED)
        checkpoints.check_same(
            before["settings"], settings.as_dict(), before["data"] == asked, work
        )
        corpus, digest = open_corpus(work / "corpus")
    else:
        taught = teach(
            cache, paths, words, captioned, work / "corpus",
            dim=dim, side=settings.size, languages=languages, seed=settings.seed,
            on_progress=on_progress, should_stop=should_stop,
        )  # fmt: skip
        corpus, failures = taught.corpus, taught.failures
        digest = save_corpus(corpus, work / "corpus")
        write_json(work / _ASKED, {"data": asked, "settings": settings.as_dict()})
    if start is not None:
        start = turned(start, corpus.taught, corpus.targets)

    def scale_of(student: Student, tokenizer: Tokenizer) -> Scale:
        return fitted_scale(student, corpus, tokenizer, settings, cache.facts.scale)

    made, figures = learn_and_export(
        corpus, digest, settings, out, work, name=out.name, scale_of=scale_of,
        facts={}, start=start, on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    pictures = teaching.learnt(corpus.shelves)
    return Distilled(exported=made, figures=figures, pictures=pictures, failures=failures)


def learn_and_export(
    corpus: Corpus,
    digest: str,
    settings: Settings,
    out: Path,
    work: Path,
    *,
    name: str,
    scale_of: Callable[[Student, Tokenizer], Scale],
    facts: Mapping[str, Any],
    start: Start | None = None,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> tuple[Exported, dict[str, float]]:
    """Build the tokenizer, train on a corpus, tune, and export the average of the weights.

    With a `start` the weights are its at first, and so is the tokenizer; in the end they are mixed
    with its again, by `settings.start_share`. `scale_of` finds the student's map from cosine to
    probability. Returns figures on what was held out too, as `agreement` does.

    Raises as `train` and `export` do.
    """
    settings = settings_from_start(settings, start)
    tokenizer = corpus_tokenizer(corpus, settings) if start is None else start.tokenizer
    training = train(
        corpus, tokenizer, settings, work / "training",
        digest=digest, start=start, on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    student, device = training.average, best_device()
    lesson = lesson_of(corpus, tokenizer, device)
    if start is not None:
        blend(student, start, lesson, settings)
    on_step = told(on_progress, should_stop, settings.tune_steps, settings.steps, settings.steps)
    tune(student, lesson, settings, on_step)
    figures = agreement(student, corpus, tokenizer, settings, device)
    student = student.cpu()
    scale = scale_of(student, tokenizer)
    rounded = {key: round(value, 4) for key, value in figures.items()}
    distilled = {
        "steps": settings.steps,
        "corpus": digest,
        "held_out": rounded,
        "sharpness": [round(float(value), 3) for value in student.sharpness()],
    }
    if start is not None:
        distilled["start"] = f"{start.name} ({start.digest})"
    made = export(
        student, tokenizer, corpus, settings, out,
        name=name, scale=scale, facts={"distilled": distilled, **facts},
    )  # fmt: skip
    return made, figures


def corpus_tokenizer(corpus: Corpus, settings: Settings) -> Tokenizer:
    """Build the student's tokenizer; the same corpus gives the same one."""
    texts = (*corpus.taught, *corpus.captions, *corpus.labels)
    return build_tokenizer(texts, names=(*corpus.bank, *corpus.taught), size=settings.vocabulary)


def _asked(
    cache: VectorCache,
    paths: Sequence[Path],
    words: Sequence[Word],
    captioned: CaptionData | None,
) -> str:
    """Hash what a run was asked to learn from: teacher, files, words, captions."""
    facts = cache.facts
    digest = xxhash.xxh3_128(repr((facts.name, facts.precision, facts.revision, words)).encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    if captioned is not None:
        digest.update(captioned.digest.encode())
    return digest.hexdigest()
