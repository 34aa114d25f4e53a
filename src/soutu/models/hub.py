"""Fetch a model's files from a Hugging Face hub or a mirror of one.

`HF_ENDPOINT`, `HF_HUB_OFFLINE` and the hub's token are respected. A broken download goes on where
it stopped, in this process or the next; every finished file is checked against the hub's hash.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from soutu.errors import HubError, ModelError, StorageError
from soutu.models.base import PrecisionChoice
from soutu.models.layout import INT8_SUFFIXES
from soutu.types import Progress

if TYPE_CHECKING:
    from soutu.models.card import Layout, ModelCard

DEFAULT_ENDPOINT = "https://huggingface.co"
PARTS = ".parts"
_CHUNK = 1 << 20
_UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO})
_TRANSFORMERS_SETTINGS = frozenset(
    {"config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"}
)
_IMMICH_SETTINGS = frozenset(
    {
        "config.json",
        "visual/preprocess_cfg.json",
        "textual/tokenizer.json",
        "textual/tokenizer_config.json",
    }
)
_IMMICH_OTHER = frozenset({".json", ".txt", ".model", ".armnn", ".rknn", ".md"})

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file of a hub repository. `digest` is its sha256, or the git blob hash of a small file."""

    name: str
    size: int
    digest: str


def endpoint() -> str:
    """Return the address of the hub in use."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT


def offline() -> bool:
    """Tell whether the environment forbids the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def guess_layout(names: Iterable[str]) -> Layout | None:
    """Name the layout of a repository from its file names, or None."""
    known = set(names)
    if {"visual/model.onnx", "textual/model.onnx"} <= known:
        return "immich"
    if any(name.endswith("model.onnx") for name in known):
        return "transformers"
    return None


def wanted_files(
    names: Iterable[str], layout: Layout, precision: PrecisionChoice = "auto"
) -> list[str]:
    """Choose the files that a model needs in one precision; `auto` means fp32.

    Towers are taken in one graph each where the repository has both kinds. Raises ModelError for
    a repository that lacks the graphs.
    """
    known = sorted(set(names))
    chosen = _wanted_immich(known) if layout == "immich" else _wanted_transformers(known, precision)
    if not any(name.endswith(".onnx") for name in chosen):
        raise ModelError(
            f"the repository has no {precision} graphs in the {layout} layout; it holds "
            f"{', '.join(known[:12]) or 'nothing'}"
        )
    return chosen


def list_files(repository: str, revision: str) -> tuple[str, list[RemoteFile]]:
    """Return the commit that a revision stands for, and its files.

    Raises HubError when the hub does not answer or has no such repository or revision.
    """
    from huggingface_hub import HfApi

    with _hub_errors(repository, revision):
        info = HfApi(endpoint=endpoint()).model_info(
            repository, revision=revision, files_metadata=True
        )
        files = [
            RemoteFile(
                one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else one.blob_id or ""
            )
            for one in info.siblings or ()
        ]
    return info.sha or revision, files


def download(
    card: ModelCard,
    folder: Path,
    *,
    precision: PrecisionChoice = "auto",
    on_progress: OnProgress | None = None,
    no_network: bool | None = None,
) -> str:
    """Fetch what a model needs into `folder`; return the commit it came from.

    `no_network` None asks the environment. Raises HubError when the hub does not answer, lacks a
    file or sends a damaged one, StorageError when the disk is full.
    """
    repository = card.repository
    assert repository is not None, "only models with a repository are downloaded"
    if offline() if no_network is None else no_network:
        raise _unreachable(repository, card.revision, "the hub is switched off (HF_HUB_OFFLINE)")
    commit, files = list_files(repository, card.revision)
    held = [file.name for file in files]
    names = wanted_files(held, guess_layout(held) or card.layout, precision)
    chosen = [file for file in files if file.name in set(names)]
    report = _Report(sum(file.size for file in chosen), on_progress)
    for file in chosen:
        target = folder / PurePosixPath(file.name)
        if not (target.is_file() and target.stat().st_size == file.size):
            with _hub_errors(repository, commit):
                _fetch(repository, commit, file, folder, target, report)
        report.finished(file.size)
    return commit


class _Report:
    """Add up the bytes of a download and tell the caller."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total = total
        self._done = 0
        self._on_progress = on_progress
        self.at(0)

    def at(self, position: int) -> None:
        """Report the position in the current file."""
        if self._on_progress:
            done = self._done + position
            self._on_progress(Progress(stage="download", done=done, total=self._total))

    def finished(self, size: int) -> None:
        """Count a whole file."""
        self._done += size
        self.at(0)


class _Counted:
    """A file that reports its length after each write; the hub's client writes through it."""

    def __init__(self, file: BinaryIO, report: _Report) -> None:
        self._file = file
        self._report = report

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        self._report.at(self._file.tell())
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        return self._file.truncate(size)


def _fetch(
    repository: str, commit: str, file: RemoteFile, folder: Path, target: Path, report: _Report
) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # lazy

    # The part is named by its content, so that it is never continued with another revision's.
    part = folder / PARTS / f"{file.digest or file.name.replace('/', '_')}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(repository, file.name, revision=commit, endpoint=endpoint())
    with part.open("ab") as raw, _silent_hub():
        if raw.tell() > file.size:
            raw.truncate(0)
        report.at(raw.tell())
        if raw.tell() < file.size:
            http_get(
                url,
                cast("BinaryIO", _Counted(raw, report)),
                resume_size=raw.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.name,
            )
    _check(part, file, repository)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)


def _check(part: Path, file: RemoteFile, repository: str) -> None:
    if not file.digest:
        return
    # Large files carry their sha256; small ones are known by git's blob hash.
    if len(file.digest) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(f"blob {file.size}\0".encode())
    with part.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != file.digest:
        part.unlink()
        raise HubError(
            f"{file.name} of {repository} arrived damaged (its hash is not the hub's). Try again"
        )


@contextmanager
def _silent_hub() -> Iterator[None]:
    """Keep the hub client's own progress bars and retry notes off the terminal."""
    from huggingface_hub.utils.logging import get_verbosity, set_verbosity
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    group, verbosity = "huggingface_hub.http_get", get_verbosity()
    disable_progress_bars(group)
    set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        set_verbosity(verbosity)
        enable_progress_bars(group)


@contextmanager
def _hub_errors(repository: str, revision: str) -> Iterator[None]:
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except (HubError, ModelError):
        raise
    except HFValidationError as error:
        raise ModelError(f"{repository!r} is no hub repository name: {error}") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageError(
                f"the disk is full while {repository} is fetched. Make room; what has arrived is "
                "kept"
            ) from error
        if error.errno in _UNWRITABLE:
            raise StorageError(f"the files of {repository} cannot be written: {error}") from error
        raise _unreachable(repository, revision, _first_line(error)) from error
    except Exception as error:  # the HTTP client's own tree, another in each major version
        if type(error).__module__.split(".")[0] in {"httpx", "httpx2", "requests"}:
            raise _unreachable(repository, revision, _first_line(error)) from error
        raise


def _unreachable(repository: str, revision: str, why: str) -> HubError:
    return HubError(
        f"cannot fetch {repository} (revision {revision}) from {endpoint()}: {why}. "
        "Set HF_ENDPOINT to a mirror that can be reached, or add a local folder that holds the "
        "model in the transformers.js or the Immich layout (soutu models add FOLDER), or use the "
        "bundled model: mini"
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _wanted_immich(names: list[str]) -> list[str]:
    def graph(name: str) -> bool:
        path = PurePosixPath(name)
        return (
            len(path.parts) == 2
            and path.parts[0] in {"visual", "textual"}
            and path.suffix not in _IMMICH_OTHER
        )

    # Big Immich graphs keep their weights beside them in files whose names say nothing.
    return [name for name in names if name in _IMMICH_SETTINGS or graph(name)]


def _wanted_transformers(names: list[str], precision: PrecisionChoice) -> list[str]:
    root = "onnx/" if any(name.startswith("onnx/") for name in names) else ""
    suffixes = INT8_SUFFIXES if precision == "int8" else ("", "_fp16")
    chosen = [name for name in names if name in _TRANSFORMERS_SETTINGS]
    for stems in (("vision_model", "text_model"), ("model",)):
        for suffix in suffixes:
            graphs = [f"{root}{stem}{suffix}.onnx" for stem in stems]
            if set(graphs) <= set(names):
                data = [n for n in names if n.startswith(tuple(f"{g}_data" for g in graphs))]
                return [*chosen, *graphs, *data]
    return chosen
