"""Measure an encoder on the user's labelled or captioned pictures, for a form to be judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soutu.models.base import Encoder
    from soutu.models.quantize import Quality
    from soutu.types import Vectors

PROMPT = "a photo of a {}"


def quality_on(data: Path | None, captions: Path | None) -> Quality | None:
    """Return what measures an encoder on labelled pictures (mAP) and captions (R@k), if any.

    Raises InputError, before anything is encoded, for data that cannot be read.
    """
    judges: list[Quality] = []
    if data is not None:
        judges.append(_judge_labels(data))
    if captions is not None:
        judges.append(_judge_captions(captions))
    if not judges:
        return None

    def judge(encoder: Encoder) -> Mapping[str, float]:
        return {name: value for one in judges for name, value in one(encoder).items()}

    return judge


def _judge_labels(path: Path) -> Quality:
    """Measure zero-shot tagging: the mean over classes of the average precision, in percent."""
    from soutu.data import load

    labelled = load(path)

    def judge(encoder: Encoder) -> Mapping[str, float]:
        from soutu.metrics import mean_average_precision

        rows, vectors = _encoded(encoder, labelled.paths)
        prompts = [PROMPT.format(name) for name in labelled.classes]
        scores = vectors @ encoder.encode_texts(prompts).T
        return {"mAP": 100 * mean_average_precision(scores, labelled.labels[rows])}

    return judge


def _judge_captions(path: Path) -> Quality:
    """Measure text to picture: the share of captions whose picture is among the first k."""
    from soutu.data.captions import load_captions

    captioned = load_captions(path)

    def judge(encoder: Encoder) -> Mapping[str, float]:
        import numpy as np

        rows, vectors = _encoded(encoder, captioned.images)
        place = np.full(len(captioned.images), -1)
        place[rows] = np.arange(len(rows))
        own = place[captioned.image_of]
        kept = np.flatnonzero(own >= 0)
        texts = encoder.encode_texts([captioned.captions[i] for i in kept])
        scores = texts @ vectors.T
        mine = scores[np.arange(len(kept)), own[kept]]
        ranks = (scores >= mine[:, None]).sum(axis=1)
        return {f"R@{k}": 100 * float((ranks <= k).mean()) for k in (1, 5, 10)}

    return judge


def _encoded(encoder: Encoder, paths: Sequence[Path]) -> tuple[NDArray[np.intp], Vectors]:
    """Encode picture files; return the rows of those that could be read, and their vectors."""
    import numpy as np

    from soutu.images.source import FileEntry, scan
    from soutu.library.pipeline import encode_files

    row_of = {path: row for row, path in enumerate(paths)}
    entries = [entry for entry in scan(paths) if isinstance(entry, FileEntry)]
    rows: list[int] = []
    vectors: list[Vectors] = []
    for batch in encode_files(entries, encoder):
        rows += [row_of[one.entry.path] for one in batch.encoded]
        vectors.append(batch.vectors)
    if not rows:
        raise InputError("none of the pictures to measure on can be read. Give other data")
    order = np.argsort(rows)
    return np.asarray(rows, dtype=np.intp)[order], np.concatenate(vectors)[order]
