"""The models that a user has: the bundled one, the catalogue and what was added."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import ModelError
from soutu.models.base import Precision, PrecisionChoice
from soutu.models.card import MINI_FOLDER, ModelCard, card_from_dict, card_to_dict, catalogue
from soutu.models.entry import (
    ModelEntry,
    Origin,
    folder_card,
    is_repository,
    repository_card,
    valid_name,
)
from soutu.models.forms import QuantizedForms, locked
from soutu.models.record import folder_size, read_json, write_json

if TYPE_CHECKING:
    from soutu.models.encoder import DualEncoder
    from soutu.models.hub import OnProgress
    from soutu.models.layout import ModelFiles
    from soutu.models.quantize import Method, Quality, QuantizeReport
    from soutu.types import Pixels

MINI = "mini"


def load_mini(*, threads: int = 0) -> DualEncoder:
    """Open the bundled model; `threads` is that of one run, 0 for all cores.

    A tower is read when it is first used.
    """
    return _open(MINI_FOLDER, catalogue()[MINI], "int8", threads, memory=None)


class ModelStore:
    """Keep models under `home`: a folder each with its card, and the quantised forms of all."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._forms = QuantizedForms(home)

    def list(self) -> list[ModelEntry]:
        """List every known model: the bundled one, the catalogue, then what was added."""
        added = self._added()
        known = [_catalogue_entry(card, added) for card in catalogue().values()]
        names = {entry.name for entry in known}
        return known + [entry for name, entry in sorted(added.items()) if name not in names]

    def info(self, name: str) -> ModelCard:
        """Return a model's card. Raises ModelError, with near matches, for an unknown name."""
        return self._entry(name).card

    def add(
        self,
        name_or_dir: str | Path,
        *,
        name: str | None = None,
        revision: str | None = None,
        precision: PrecisionChoice = "auto",
        on_progress: OnProgress | None = None,
        offline: bool | None = None,
    ) -> ModelEntry:
        """Make a model available: by catalogue name, hub repository (owner/name), or folder.

        A folder is used where it is, not copied. `precision` int8 fetches the repository's own
        quantised graphs in place of the fp32 ones; `offline` None asks HF_HUB_OFFLINE. Raises
        ModelError for an unknown name or a bad folder, HubError when the hub does not answer or
        lacks a file, StorageError when the disk is full.
        """
        given = str(name_or_dir)
        if given == MINI:
            return self._entry(MINI)
        if given not in catalogue() and Path(given).is_dir():
            return self._add_folder(Path(given).resolve(), name)
        card = catalogue().get(given)
        if card is None and not is_repository(given):
            return self._entry(given)
        card = card or repository_card(given)
        card = replace(card, name=valid_name(name or card.name), revision=revision or card.revision)
        return self._download(card, precision, on_progress, offline)

    def remove(self, name: str) -> None:
        """Forget a model and delete what the store holds of it; a folder of the user's stays.

        Raises ModelError for an unknown name, one that is not here, and the bundled model.
        """
        entry = self._entry(name)
        if entry.origin == "bundled":
            raise ModelError(f"{MINI!r} is part of soutu and cannot be removed")
        if entry.origin == "catalogue":
            raise ModelError(f"model {name!r} is not on this disk; there is nothing to remove")
        try:
            assert entry.folder is not None
            self._forms.drop(_read(entry.folder, entry.card))
        except ModelError:
            pass  # its files are gone already
        shutil.rmtree(self._home / name)

    def folder_of(self, name_or_dir: str | Path) -> Path:
        """Return the folder of a model that is on this disk. Raises ModelError."""
        return self._locate(name_or_dir)[1]

    def load(
        self, name_or_dir: str | Path, *, precision: PrecisionChoice = "auto", threads: int = 0
    ) -> DualEncoder:
        """Open a model by name or folder; its towers are read when they are first used.

        `auto` takes int8 where a measurement has accepted it; without one it measures now if the
        model is large and there is something to measure. `threads` is that of one run, 0 for all
        cores. Raises ModelError for an unknown model, one that is not on this disk, bad files, or
        a precision that the model does not come in.
        """
        card, folder = self._locate(name_or_dir)
        memory = self._home / "hashes.json"
        if card.native is not None:
            if precision not in ("auto", card.native):
                raise ModelError(
                    f"model {card.name!r} comes in {card.native} only. Use precision auto, or "
                    "another model"
                )
            return _open(folder, card, card.native, threads, memory=memory)
        files, chosen = self._choose(_read(folder, card), card.name, precision)
        return _opened(files, card.name, chosen, threads, memory=memory)

    def quantize(
        self,
        name_or_dir: str | Path,
        *,
        method: Method = "dynamic",
        samples: Pixels | None = None,
        quality: Quality | None = None,
    ) -> QuantizeReport:
        """Make a quantised form of a model, measure it, and remember the verdict.

        `samples` are uint8 pictures [n, 3, height, width] prepared with the model's preprocess;
        None draws some (`static` calibrates on them and needs them). `quality` measures an encoder
        on the user's data. A form that is rejected does not take the place of an accepted one of
        the same precision that another method made. Raises MissingExtra without the `quantize`
        extra, InputError for too few samples, ModelError for a model that has no fp32 graphs.
        """
        card, folder = self._locate(name_or_dir)
        files = _read(folder, card)
        if card.native is not None or "fp32" not in files.precisions():
            have = card.native or files.precisions()[-1]
            raise ModelError(f"model {card.name!r} is here in {have} only; there is nothing to do")
        return self._forms.make(files, method, samples, quality)

    def measured(self, name_or_dir: str | Path) -> tuple[QuantizeReport, ...]:
        """Return what was measured of the quantised forms of a model, int8 first.

        Raises ModelError for an unknown model.
        """
        try:
            card, folder = self._locate(name_or_dir)
            files = _read(folder, card)
        except ModelError:
            self.info(str(name_or_dir))  # raises for an unknown one; others are not here
            return ()
        if card.native is not None or "fp32" not in files.precisions():
            return ()
        return self._forms.reports(files)

    def _choose(
        self, files: ModelFiles, name: str, precision: PrecisionChoice
    ) -> tuple[ModelFiles, Precision]:
        """Settle the precision, and which files hold it."""
        if "fp32" not in files.precisions():
            if precision in {"fp32", "fp16"}:
                raise ModelError(f"model {name!r} is here in int8 only. Use precision int8")
            return files, "int8"
        if precision == "fp32":
            return files, "fp32"
        if precision == "fp16":
            return self._forms.fp16(files), "fp16"
        return self._forms.int8_or_fp32(files, forced=precision == "int8")

    def _locate(self, name_or_dir: str | Path) -> tuple[ModelCard, Path]:
        given = str(name_or_dir)
        if given == MINI:  # the common case, and it must not depend on the store's state
            return catalogue()[MINI], MINI_FOLDER
        known = self._known()
        if given not in known and Path(given).is_dir():
            folder = Path(given).resolve()
            return folder_card(folder), folder
        entry = self._entry(given)
        if entry.folder is None:
            raise ModelError(f"model {given!r} is not on this disk. Run: soutu models add {given}")
        return entry.card, entry.folder

    def _entry(self, name: str) -> ModelEntry:
        known = self._known()
        if name in known:
            return known[name]
        if (self._home / name / "model.json").is_file():
            _added_entry(self._home / name / "model.json")  # raises, saying what is broken
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known are {', '.join(known)}."
        raise ModelError(
            f"there is no model and no folder {name!r}. {hint} "
            "A folder with a model's ONNX files can be given too"
        )

    def _known(self) -> dict[str, ModelEntry]:
        return {entry.name: entry for entry in self.list()}

    def _added(self) -> dict[str, ModelEntry]:
        entries = {}
        for record in sorted(self._home.glob("*/model.json")):
            try:
                entry = _added_entry(record)
            except ModelError:
                continue  # one broken record must not hide the other models
            entries[entry.name] = entry
        return entries

    def _add_folder(self, folder: Path, name: str | None) -> ModelEntry:
        card = folder_card(folder, name)
        present = self._known().get(card.name)
        if present is not None and present.folder != folder:
            raise _taken(card.name)
        self._record(card, folder)
        return self._entry(card.name)

    def _download(
        self,
        card: ModelCard,
        precision: PrecisionChoice,
        on_progress: OnProgress | None,
        offline: bool | None,
    ) -> ModelEntry:
        from soutu.models import hub, layout

        present = self._added().get(card.name)
        if present is not None and present.card.repository != card.repository:
            raise _taken(card.name)
        if present is not None and _is_complete(present, card.revision, precision):
            return present
        files = self._home / card.name / "files"
        with locked(self._home, "download"):
            commit = hub.download(
                card, files, precision=precision, on_progress=on_progress, no_network=offline
            )
        shutil.rmtree(files / hub.PARTS, ignore_errors=True)
        card = replace(card, layout=layout.detect(files) or card.layout, revision=commit)
        _read(files, card)
        self._record(card, None)
        return self._entry(card.name)

    def _record(self, card: ModelCard, folder: Path | None) -> None:
        data = {"card": card_to_dict(card), "folder": str(folder) if folder else None}
        write_json(self._home / card.name / "model.json", data)


def _open(
    folder: Path, card: ModelCard, precision: Precision, threads: int, *, memory: Path | None
) -> DualEncoder:
    return _opened(_read(folder, card), card.name, precision, threads, memory=memory)


def _opened(
    files: ModelFiles, name: str, precision: Precision, threads: int, *, memory: Path | None
) -> DualEncoder:
    from soutu.models.encoder import DualEncoder
    from soutu.models.revision import revision_of

    revision = revision_of(files, precision, memory)
    return DualEncoder(files, name=name, revision=revision, precision=precision, threads=threads)


def _read(folder: Path, card: ModelCard) -> ModelFiles:
    from soutu.models import layout

    return layout.read(folder, card)


def _catalogue_entry(card: ModelCard, added: dict[str, ModelEntry]) -> ModelEntry:
    if card.name == MINI:
        size = folder_size(MINI_FOLDER)
        return ModelEntry(card=card, origin="bundled", folder=MINI_FOLDER, size=size)
    size = card.download_mb * 10**6 if card.download_mb else None
    return added.get(card.name) or ModelEntry(card=card, origin="catalogue", size=size)


def _added_entry(record: Path) -> ModelEntry:
    data = read_json(record)
    card = card_from_dict(data.get("card", {}), source=str(record))
    folder = Path(data.get("folder") or record.parent / "files")
    origin: Origin = "folder" if data.get("folder") else "hub"
    return ModelEntry(card=card, origin=origin, folder=folder, size=folder_size(folder))


def _is_complete(entry: ModelEntry, revision: str, precision: PrecisionChoice) -> bool:
    """Tell whether a fetched model is whole, at the revision and in the precision asked for."""
    if entry.card.revision != revision or entry.folder is None:
        return False
    try:
        held = _read(entry.folder, entry.card).precisions()
    except ModelError:
        return False
    return ("int8" if precision == "int8" else "fp32") in held


def _taken(name: str) -> ModelError:
    return ModelError(f"there is another model {name!r} already. Give this one another name")
