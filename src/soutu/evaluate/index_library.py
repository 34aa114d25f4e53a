"""Measure the index settings of one library: fetch its vectors and queries, measure, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import InputError, LibraryError
from soutu.evaluate.index_recall import (
    CODES,
    Cheapest,
    Kind,
    Queries,
    measure,
    sampled,
    settings,
)
from soutu.evaluate.index_report import index_report
from soutu.evaluate.report import DataUsed, ModelUsed
from soutu.types import Progress, Term

if TYPE_CHECKING:
    from soutu.evaluate.report import Report
    from soutu.index.edge_folder import Codes
    from soutu.library.base import Library, Watcher
    from soutu.types import Vectors

_PAGE = 1000  # pictures asked for at once
_RESAMPLES = 1000


def measure_library(
    where: str | None,
    *,
    command: str,
    queries: Path | str = "concepts",
    pictures: int = 500,
    codes: Sequence[Codes] = CODES,
    folder: Path | None = None,
    seed: int = 0,
    recommend: Cheapest | None = None,
    on_progress: Watcher | None = None,
) -> Report:
    """Measure the settings of a library's index on its own vectors, also through its server.

    `queries` are the bundled concepts, the names of the library's tags, or a file with one query
    a line; `pictures` how many of the library's pictures to search by. Raises InputError for a
    file without queries and for a library with too few pictures, LibraryError for an empty one.
    """
    import xxhash

    from soutu.library import open_library

    words = None if isinstance(queries, str) else _lines(queries)
    with open_library(where) as library:
        status = library.status()
        space = next((each for each in status.spaces if each.current), None)
        if space is None or not status.images:
            raise LibraryError(f"the library {status.path} is empty. Run: soutu index FOLDER")
        vectors = _vectors(library, status.images, on_progress)
        texts = words or _words(library, str(queries))
        asked = library.encode([Term(text=text) for text in texts]).vectors
    kinds: dict[Kind, Queries] = {
        "text": Queries(vectors=asked),
        "picture": sampled(vectors, pictures, seed=seed),
    }
    measured = measure(
        vectors,
        kinds,
        settings(len(vectors), codes),
        folder=folder,
        seed=seed,
        resamples=_RESAMPLES,
        on_progress=on_progress,
    )
    source = queries if isinstance(queries, str) else queries.name
    own = len(kinds["picture"].vectors)
    return index_report(
        measured,
        command=command,
        data=DataUsed(
            name=status.path.name,
            digest=xxhash.xxh3_128_hexdigest(vectors.tobytes() + "\n".join(texts).encode()),
            counts={"pictures": len(vectors), "text queries": len(texts), "picture queries": own},
        ),
        model=ModelUsed(
            name=space.model, revision=space.revision, precision=space.precision, dim=space.dim
        ),
        asked={
            "text": f"{len(texts):,} texts ({source})",
            "picture": f"{own:,} pictures of the library, each left out of its own answer",
        },
        seed=seed,
        resamples=_RESAMPLES,
        recommend=recommend,
    )


def _vectors(library: Library, total: int, on_progress: Watcher | None) -> Vectors:
    """Return the vectors of all pictures, by path."""
    parts: list[Vectors] = []
    done = 0
    while page := library.pictures(order="path", k=_PAGE, start=done):
        terms = [Term(image=picture.id) for picture in page]
        parts.append(library.encode(terms).vectors)
        done += len(page)
        if on_progress is not None:
            on_progress(Progress(stage="scan", done=done, total=total))
    return np.concatenate(parts)


def _words(library: Library, source: str) -> tuple[str, ...]:
    if source == "concepts":
        from soutu.library.relevance import concepts

        return concepts()
    names = tuple(tag.name for tag in library.tags)
    if not names:
        raise InputError("the library has no tags. Run: soutu tags import everyday")
    return names


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the queries {path} cannot be read ({error}). Give a UTF-8 file with one a line"
        ) from error
    found = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(found) < 2:
        raise InputError(f"{path} holds {len(found)} queries. Give 2 or more, one a line")
    return found
