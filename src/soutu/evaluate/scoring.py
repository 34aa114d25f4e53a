"""Probabilities of classes: by a model's words, by a trained head, or by a library's tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, InputError, ModelError
from soutu.heads.pixels import side_of, squashed
from soutu.heads.seen import among
from soutu.images.keywords import key
from soutu.library.pixels import picture_pixels
from soutu.library.relevance import concepts
from soutu.library.tagging.heads import Background, zero_shot
from soutu.library.tagging.prompts import text_vectors
from soutu.library.vectors import content_digest
from soutu.types import Failure, Progress, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soutu.data.labelled import LabelledData
    from soutu.evaluate.setup import Setup, System
    from soutu.heads import StoredHead
    from soutu.heads.base import Regions
    from soutu.library.base import Library
    from soutu.library.vectors import PictureVectors, VectorCache
    from soutu.models.base import EncoderFacts

_SAMPLE = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """What a system says of pictures: probabilities [n, classes] of the rows `rows` [n] of data.

    `thresholds` [classes] are the system's own. `facts` is None for a library. `seen` [n] tells
    the pictures that a head has learned from, where it is recorded. `notes` are for the report.
    """

    system: System
    rows: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    facts: EncoderFacts | None
    content: str = ""
    seen: NDArray[np.bool_] | None = None
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()


def score(data: LabelledData, system: System, setup: Setup) -> Scored:
    """Score all pictures of labelled data that can be read.

    Raises InputError for a head or a library without some of the classes, ModelError for a head
    of another encoder, Stopped.
    """
    if system.library is not None:
        return _by_library(data, system, setup)
    if system.head is not None:
        return _by_head(data, system, setup)
    return _by_words(data, system, setup)


def _by_words(data: LabelledData, system: System, setup: Setup) -> Scored:
    """Score as a library does that has the classes as tags and these pictures."""
    with setup.open(system.model, system.precision) as cache:
        found = _vectors(cache, data, setup)
        tags = [Tag(name=name) for name in data.classes]

        def encode(texts: Sequence[str]) -> NDArray[np.float32]:
            return cache.texts(texts, should_stop=setup.should_stop)

        background = Background.measure(
            sample=found.vectors[:: max(1, len(found.vectors) // _SAMPLE)],
            concepts=text_vectors([Tag(name=name) for name in concepts()], encode),
            scale=cache.facts.scale,
        )
        heads = zero_shot(text_vectors(tags, encode), background)
        return Scored(
            system=system,
            rows=found.rows,
            probabilities=heads.probabilities(found.vectors),
            thresholds=heads.thresholds.astype(np.float32),
            facts=cache.facts,
            content=found.digest,
            failures=found.failures,
            notes=("Classes are told apart by their names alone, as new tags of a library are.",),
        )


def _by_head(data: LabelledData, system: System, setup: Setup) -> Scored:
    from soutu.heads import open_head

    assert system.head is not None
    head = open_head(system.head)
    columns = _columns_of(head, data)
    if head.kind == "pixels":
        return _by_pixels(data, system, setup, head, columns)
    encoder = head.facts.encoder
    precision = encoder.precision if encoder.precision in ("fp32", "int8") else "auto"
    with setup.open(encoder.source or encoder.name, precision) as cache:  # type: ignore[arg-type]
        if cache.facts.revision != encoder.revision:
            raise ModelError(
                f"the head {system.head} reads vectors of {encoder.name} at {encoder.revision}; "
                f"here is {cache.facts.revision} ({cache.facts.precision}). Train it again, or "
                "add the model that it was trained on"
            )
        found = _vectors(cache, data, setup, regions=head.facts.regions)
        return Scored(
            system=system,
            rows=found.rows,
            probabilities=head.predict_proba(found.vectors)[:, columns],
            thresholds=head.thresholds_[columns],
            facts=cache.facts,
            content=found.digest,
            seen=_seen(head, found.contents),
            failures=found.failures,
            notes=_note_on(head),
        )


def _by_pixels(
    data: LabelledData, system: System, setup: Setup, head: StoredHead, columns: list[int]
) -> Scored:
    found = picture_pixels(
        data.paths,
        squashed(side_of(head.facts.encoder)),
        on_progress=setup.on_progress,
        should_stop=setup.should_stop,
    )
    return Scored(
        system=system,
        rows=found.rows,
        probabilities=head.predict_proba(found.pixels)[:, columns],
        thresholds=head.thresholds_[columns],
        facts=None,
        content=content_digest(found.contents),
        seen=_seen(head, found.contents),
        failures=found.failures,
        notes=_note_on(head),
    )


def _seen(head: StoredHead, contents: Sequence[bytes]) -> NDArray[np.bool_] | None:
    trained = head.facts.data
    return among(trained.seen, contents) if trained and trained.seen else None


def _note_on(head: StoredHead) -> tuple[str, ...]:
    trained = head.facts.data
    return (f"The head is a {head.facts.method}, trained on {trained.name if trained else '?'}.",)


def _columns_of(head: StoredHead, data: LabelledData) -> list[int]:
    """Find the head's column of each class, by name or alias."""
    place: dict[str, int] = {}
    for column, name in enumerate(head.classes_):
        for each in (name, *head.facts.aliases.get(name, ())):
            place.setdefault(key(each), column)
    missing = [name for name in data.classes if key(name) not in place]
    if missing:
        raise InputError(
            f"the head {head.folder} does not know {len(missing)} of {len(data.classes)} classes "
            f"of {data.name} ({', '.join(missing[:5])}). Choose what it knows with --classes, or "
            "train it on these data"
        )
    return [place[key(name)] for name in data.classes]


def _vectors(
    cache: VectorCache, data: LabelledData, setup: Setup, *, regions: Regions = "whole"
) -> PictureVectors:
    found = cache.pictures(
        data.paths,
        regions=regions,
        on_progress=setup.on_progress,
        should_stop=setup.should_stop,
    )
    if not len(found.rows):
        why = f", the first {data.paths[0]}: {found.failures[0].reason}" if found.failures else ""
        raise InputError(f"none of the {len(data):,} pictures of {data.name} can be read{why}")
    return found


# --- a library's tags ---


def _by_library(data: LabelledData, system: System, setup: Setup) -> Scored:
    """Score with a library's tags as they are: zero-shot, learned, or by a trained head.

    Pictures are given as bytes, so that what people said of them does not count; those that
    somebody labelled are left out, as tags have learned from them.
    """
    from soutu.library import open_library

    assert system.library is not None
    with open_library(system.library or None) as library:
        names = _tags_of(library, data)
        taught = {label.path for label in library.labels.all()}
        thresholds: dict[str, float] = {}
        rows, found, failures = [], [], []
        for row, path in enumerate(data.paths):
            _check(setup, row, len(data))
            if path in taught:
                continue
            try:
                probability = _tagged(library, path, names, thresholds)
            except (ImageError, InputError) as error:
                failures.append(Failure(path=path, reason=str(error)))
                continue
            rows.append(row)
            found.append([probability[name] for name in names])
    if not rows:
        raise InputError(
            f"no picture of {data.name} is left to judge by: "
            f"{len(taught & set(data.paths)):,} were labelled in the library, which learned from "
            f"them, and {len(failures):,} cannot be read"
        )
    left_out = len(taught & set(data.paths))
    notes = [f"{left_out:,} pictures are left out: they were labelled in the library."]
    return Scored(
        system=system,
        rows=np.array(rows, np.intp),
        probabilities=np.array(found, np.float32),
        thresholds=np.array([thresholds[name] for name in names], np.float32),
        facts=None,
        failures=tuple(failures),
        notes=tuple(notes) if left_out else (),
    )


def _tags_of(library: Library, data: LabelledData) -> list[str]:
    """Return the library's tag of each class, by any of its names."""
    place = {key(name): tag.name for tag in library.tags for name in (tag.name, *tag.aliases)}
    missing = [name for name in data.classes if key(name) not in place]
    if missing:
        raise InputError(
            f"the library has no tag for {len(missing)} of {len(data.classes)} classes of "
            f"{data.name} ({', '.join(missing[:5])}). Choose with --classes, or add them: "
            "soutu tags add"
        )
    return [place[key(name)] for name in data.classes]


def _tagged(
    library: Library, path: Path, names: list[str], thresholds: dict[str, float]
) -> dict[str, float]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError((error.strerror or str(error)).lower()) from error
    (tagged,) = library.tag([content], mode="top", k=len(names), tags=names)
    thresholds.update({each.tag: each.threshold for each in tagged.tags})
    return {each.tag: each.probability for each in tagged.tags}


def _check(setup: Setup, done: int, total: int) -> None:
    from soutu.errors import Stopped

    if setup.should_stop is not None and setup.should_stop():
        raise Stopped(f"stopped; {done:,} of {total:,} pictures were tagged. Start again")
    if setup.on_progress is not None:
        setup.on_progress(Progress(stage="tag", done=done, total=total))
