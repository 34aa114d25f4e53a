"""Spaces on disk: a folder with the vectors of one encoder at one revision."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.catalog.catalog import Catalog, SpaceRow
from soutu.errors import LibraryBusy
from soutu.library.owner import Hold, hold
from soutu.library.relevance import Calibration, concepts
from soutu.types import SpaceStatus

if TYPE_CHECKING:
    from soutu.index.base import VectorIndex
    from soutu.models.base import Encoder, EncoderFacts
    from soutu.types import Vectors

CURRENT = "space"
"""The setting that names the current space."""


@dataclass
class Space:
    """An open space: its vectors, and the lock that keeps other processes off them."""

    row: SpaceRow
    folder: Path
    index: VectorIndex
    _hold: Hold
    _concepts: Path  # the folder of encoded concepts
    _calibration: Calibration | None = field(default=None)

    def calibration(self, encoder: Encoder) -> Calibration:
        """Return the score distribution, measured anew after `forget_calibration`."""
        found = self._calibration  # another thread may forget it meanwhile
        if found is None:
            path = self.folder / "calibration.npz"
            found = Calibration.load(path)
            if found is None or found.sample.shape[1] != self.index.dim:
                asked = self._concept_vectors(encoder)
                found = Calibration.measure(
                    self.index, asked=asked, scale=encoder.facts.scale.scale
                )
                with suppress(OSError):  # derived: a full disk must not fail a search
                    found.save(path)
            self._calibration = found
        return found

    def _concept_vectors(self, encoder: Encoder) -> Vectors:
        """Return the vectors [c, dim] of `relevance.concepts`.

        They are encoded once a model: opening its text tower alone can take seconds.
        """
        words = concepts()
        version = xxhash.xxh3_64_hexdigest("\n".join(words).encode())
        path = self._concepts / f"{self.row.name}-{version}.npy"
        with suppress(OSError, ValueError, EOFError):  # not there yet, or half written
            found = np.load(path, allow_pickle=False)
            if found.shape == (len(words), self.index.dim):
                return np.asarray(found, dtype=np.float32)
        vectors = encoder.encode_texts(words)
        with suppress(OSError):
            self._concepts.mkdir(parents=True, exist_ok=True)
            np.save(path, vectors)
        return vectors

    def forget_calibration(self) -> None:
        """Say that the vectors changed."""
        self._calibration = None
        (self.folder / "calibration.npz").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the vectors, then let other processes in."""
        try:
            self.index.close()
        finally:
            self._hold.release()


def row_for(facts: EncoderFacts, source: str) -> SpaceRow:
    """Name the space of an encoder; `source` is what loads that encoder again."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.name).strip("-.") or "model"
    return SpaceRow(
        name=f"{safe}-{facts.precision}-{facts.revision[:12]}",
        model=facts.name,
        source=source,
        revision=facts.revision,
        precision=facts.precision,
        dim=facts.dim,
    )


def open_space(
    library: Path, row: SpaceRow, *, task: str, wait: float = 5.0, concepts: Path | None = None
) -> Space:
    """Open a space of a library folder, creating its folder on first use.

    `concepts` is where encoded concepts are kept for all libraries, by default in this one.
    Raises LibraryBusy, LibraryBroken, StorageError.
    """
    from soutu.index.edge import EdgeIndex

    held = hold(library, f"space-{row.name}", task=task, wait=wait)
    try:
        folder = _folder(library, row.name)
        index = EdgeIndex.open(folder / "vectors", dim=row.dim)
    except BaseException:
        held.release()
        raise
    kept = concepts or library / "concepts"
    return Space(row=row, folder=folder, index=index, _hold=held, _concepts=kept)


def count_vectors(library: Path, row: SpaceRow) -> int | None:
    """Count the vectors of a space that is not open here; None while another process has it."""
    try:
        space = open_space(library, row, task="status", wait=1.0)
    except LibraryBusy:
        return None
    try:
        return space.index.count()
    finally:
        space.close()


def status_of(row: SpaceRow, *, vectors: int | None, current: bool) -> SpaceStatus:
    """Describe a space."""
    return SpaceStatus(
        model=row.model,
        revision=row.revision,
        precision=row.precision,
        dim=row.dim,
        vectors=vectors,
        current=current,
    )


def drop_space(library: Path, catalog: Catalog, row: SpaceRow, *, task: str) -> None:
    """Delete a space's vectors and forget it."""
    held = hold(library, f"space-{row.name}", task=task)
    try:
        catalog.delete_space(row.name)
        shutil.rmtree(_folder(library, row.name), ignore_errors=True)
    finally:
        held.release()


def current_row(catalog: Catalog) -> SpaceRow | None:
    """Return the current space, or None in a library that has none yet."""
    name = catalog.setting(CURRENT)
    return next((row for row in catalog.spaces() if row.name == name), None)


def _folder(library: Path, name: str) -> Path:
    return library / "spaces" / name
