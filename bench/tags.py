"""Speed of tags in a large library: a new tag, a whole vocabulary, and what changes cost.

    python bench/tags.py [--n 100000] [--dim 512] [--json FILE]
    python bench/tags.py --n 1000000 --only new

The vectors are those of bench/search.py: drawn, but shaped like CLIP's; texts are drawn across the
modality gap, so that no text encoder is timed. Everything else is a library as people have it: a
catalog in SQLite, an optimised index, the starter vocabulary `everyday`. Beside it stands the
plain way: numpy over all vectors in memory, a matrix product with every text vector and a
comparison with the thresholds, each time anew.

- new tag: `soutu tags add` and the page of its 50 best pictures, then all of them, for three tags
  in a library just opened. The first measures the library and reads the vectors from the disk.
- vocabulary: the counts of all tags for the first time, again, after one more tag, after the
  labels of one tag, after 1 % more pictures.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import harness
from search import draw
from soutu.catalog.catalog import ImageRow
from soutu.library.folder import FolderLibrary
from soutu.library.record import payload_of
from soutu.library.spaces import CURRENT, open_space, row_for
from soutu.models.base import EncoderFacts, PrecisionChoice, Scale
from soutu.types import ImageInfo, Preprocess, Query

if TYPE_CHECKING:
    from soutu.types import Pixels, Vectors

_STEP = 20_000


class DrawnEncoder:
    """Stand for a CLIP model whose pictures are drawn: texts get vectors by what they say."""

    def __init__(self, texts: Vectors) -> None:
        self._texts = texts
        self.facts = EncoderFacts(
            name="drawn",
            revision="1",
            precision="fp32",
            dim=texts.shape[1],
            preprocess=Preprocess(height=224, width=224, resize=224),
            scale=Scale(scale=100.0),
        )

    def load(
        self,
        name_or_dir: str,  # noqa: ARG002 - there is only one
        /,
        *,
        precision: PrecisionChoice = "auto",  # noqa: ARG002
        threads: int = 0,  # noqa: ARG002
    ) -> DrawnEncoder:
        """Return this encoder, whatever is asked for."""
        return self

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Refuse: there are no pictures."""
        raise NotImplementedError("the pictures of this library are drawn")

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one of the drawn texts for each, always the same."""
        numbers = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:4], "big") for t in texts]
        return np.asarray(self._texts[[number % len(self._texts) for number in numbers]])

    def close(self) -> None:
        """Do nothing."""


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=1)
    parser.add_argument("--n", type=int, default=100_000, help="pictures (default 100000)")
    parser.add_argument("--dim", type=int, default=512, help="dimensions (default 512)")
    parser.add_argument("--only", choices=["new", "vocabulary"], help="one part")
    parser.add_argument("--folder", type=Path, help="where to put the library meanwhile")
    options = parser.parse_args()
    facts = harness.machine("qdrant-edge-py")
    rows: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="soutu-bench-") as name:
        folder = Path(name)
        draw(folder, options.n + options.n // 100, options.dim, 512)
        encoder = DrawnEncoder(np.load(folder / "texts.npy"))
        fill(folder / "library", np.load(folder / "vectors.npy", mmap_mode="r"), options.n, encoder)
        if options.only != "vocabulary":
            rows += new_tag(folder, encoder, options.n)
        if options.only != "new":
            rows += vocabulary(folder, encoder, options.n)
    shown = [(what, f"{seconds:.3f}") for what, seconds in rows]
    asked = {"n": options.n, "dim": options.dim, "rows": rows}
    harness.report(facts, [harness.table(["what", "seconds"], shown)], asked, options.json)


def fill(place: Path, vectors: Vectors, n: int, encoder: DrawnEncoder) -> None:
    """Make a library of the first n vectors."""
    with FolderLibrary(place, store=encoder, create=True) as library:
        row = row_for(encoder.facts, "drawn")
        library._catalog.put_space(row)
        library._catalog.set_setting(CURRENT, row.name)
        put(library, place, vectors, 0, n, encoder, optimize=True)


def put(
    library: FolderLibrary,
    place: Path,
    vectors: Vectors,
    start: int,
    end: int,
    encoder: DrawnEncoder,
    *,
    optimize: bool,
) -> None:
    """Store pictures as an indexing run does: vectors first, then rows."""
    row = row_for(encoder.facts, "drawn")
    library._tagging.release(row.name)
    library._current.release(row)
    space = open_space(place, row, task="index")
    info = ImageInfo(
        width=640, height=480, format="JPEG", taken_at=datetime(2024, 5, 1, tzinfo=UTC)
    )
    for at in range(start, end, _STEP):
        numbers = range(at, min(at + _STEP, end))
        rows = [
            ImageRow(
                id=i + 1,
                path=Path(f"/pictures/{i // 1000}/{i}.jpg"),
                size=i,
                mtime_ns=i,
                digest=i.to_bytes(16, "big"),
                info=info,
            )
            for i in numbers
        ]
        ids = np.array([row.id for row in rows])
        space.index.upsert(ids, np.array(vectors[at : at + len(rows)]), list(map(payload_of, rows)))
        library._catalog.put(rows)
    if optimize:
        space.index.optimize()
    space.forget_calibration()
    space.calibration(encoder)
    space.close()


def new_tag(folder: Path, encoder: DrawnEncoder, n: int) -> list[tuple[str, float]]:
    """Time a new tag with the page of its pictures, and the plain way beside it."""
    rows = []
    with FolderLibrary(folder / "library", store=encoder) as library:
        library.search("something else", k=1)  # opens the index, as any command does
        for which in ("first", "second", "third"):
            started = time.perf_counter()
            library.tags.add(f"tag {which}")
            hits = library.search(Query(tags=(f"tag {which}",)), k=50)
            rows.append((f"{which} new tag: added, its 50 best pictures listed", _since(started)))
            started = time.perf_counter()
            facts = library.tags.show(f"tag {which}")
            rows.append((f"{which} new tag: all its {facts.count} pictures", _since(started)))
            assert len(hits) == min(50, facts.count)
            _say(f"{which}: {rows[-2][1]:.3f} s listed, {rows[-1][1]:.3f} s counted")
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")[:n]
    text = encoder.encode_texts(["new"])[0]
    for which in ("first", "again"):
        started = time.perf_counter()
        scores = vectors @ text
        np.sort(scores[scores > np.quantile(scores[::97], 0.99)])
        rows.append((f"numpy over all vectors, one text, {which}", _since(started)))
    return rows


def vocabulary(folder: Path, encoder: DrawnEncoder, n: int) -> list[tuple[str, float]]:
    """Time the counts of a whole vocabulary after every kind of change."""
    stored = np.load(folder / "vectors.npy", mmap_mode="r")
    rows = []
    with FolderLibrary(folder / "library", store=encoder) as library:
        library.search("something else", k=1)
        library.tags.load("everyday")
        tags = len(library.tags)

        def timed(what: str, change: Callable[[], object]) -> None:
            change()
            started = time.perf_counter()
            library.tags.counts()
            rows.append((f"{tags} tags: {what}", _since(started)))
            _say(f"{what}: {rows[-1][1]:.3f} s")

        def label() -> None:
            for i in range(1, 11):
                library.labels.set(i, yes=["cat"] if i % 2 else [], no=[] if i % 2 else ["cat"])

        timed("first time", lambda: None)
        timed("again", lambda: None)
        timed("after one more tag", lambda: library.tags.add("one more"))
        timed("after 10 labels of a tag", label)
        more = n // 100
        timed(
            "after 1 % more pictures",
            lambda: put(library, folder / "library", stored, n, n + more, encoder, optimize=False),
        )
    texts = encoder.encode_texts([str(i) for i in range(tags)])
    started = time.perf_counter()
    counts = np.zeros(tags, np.int64)
    for at in range(0, n, _STEP):
        counts += (stored[at : at + _STEP] @ texts.T > 0.2).sum(axis=0)
    rows.append((f"numpy over all vectors, {tags} texts", _since(started)))
    return rows


def _say(text: str) -> None:
    """Tell on stderr how far the run is."""
    import sys

    print(text, file=sys.stderr, flush=True)


def _since(started: float) -> float:
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
