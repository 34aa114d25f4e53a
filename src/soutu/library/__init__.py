"""The library: indexing, search, relevance and models, over catalog and index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.library.base import Library
from soutu.library.relevance import DEFAULT_MIN_RELEVANCE

if TYPE_CHECKING:
    from soutu.library.owner import Note
    from soutu.models.base import PrecisionChoice

__all__ = [
    "DEFAULT_MIN_RELEVANCE",
    "Library",
    "default_home",
    "default_library",
    "default_models",
    "default_vectors",
    "open_library",
]


def default_home() -> Path:
    """Return the folder of soutu's own data: $SOUTU_HOME, or the user's data folder."""
    if found := os.environ.get("SOUTU_HOME"):
        return Path(found)
    from platformdirs import user_data_path

    return user_data_path("soutu", appauthor=False)


def default_models(home: Path | None = None) -> Path:
    """Return the folder of the models that were added."""
    return (home or default_home()) / "models"


def default_vectors(home: Path | None = None) -> Path:
    """Return the folder of the vectors that are kept of data sets; see `library.vectors`."""
    return (home or default_home()) / "vectors"


def default_library() -> Path:
    """Return the library used when none is named: $SOUTU_LIBRARY, or one in `default_home`."""
    if found := os.environ.get("SOUTU_LIBRARY"):
        return Path(found)
    return default_home() / "library"


def open_library(
    where: Path | str | None = None,
    *,
    model: str | None = None,
    precision: PrecisionChoice = "auto",
    create: bool = False,
    home: Path | None = None,
    token: str | None = None,
) -> Library:
    """Open the library in a folder (default: `default_library()`), or of a server at a URL.

    A folder that a `soutu serve` of this machine owns is opened through that server.
    `token` is what the server asks for, by default $SOUTU_TOKEN. `model` names the encoder of a
    library that is new; in another it must be the one in use. `home` is soutu's own data folder,
    with the models that were added. Raises LibraryMissing, LibraryTooNew, LibraryBusy,
    StorageError.

        with open_library("pics.soutu", create=True) as library:
            library.add(["~/Pictures"])
            for hit in library.search("a cat on a sofa", k=5):
                print(hit.path, hit.relevance)
    """
    from soutu.library.owner import serving
    from soutu.library.place import absolute

    if isinstance(where, str) and where.lower().startswith(("http://", "https://")):
        from soutu.library.remote.library import RemoteLibrary

        return RemoteLibrary(where, token=token or os.environ.get("SOUTU_TOKEN"))
    folder = absolute(where or default_library())
    if (server := serving(folder)) is not None and server.pid != os.getpid():
        return _served(server, folder, model, token)
    from soutu.library.folder import FolderLibrary
    from soutu.models.store import ModelStore

    return FolderLibrary(
        folder,
        store=ModelStore(default_models(home)),
        model=model,
        precision=precision,
        create=create,
        concepts=(home or default_home()) / "concepts",
    )


def _served(server: Note, folder: Path, model: str | None, token: str | None) -> Library:
    """Open a folder that a server owns, through that server."""
    from soutu.errors import LibraryBusy, ModelError
    from soutu.library.remote.library import RemoteLibrary

    if token is None and server.token_file is not None:
        try:
            token = server.token_file.read_text().strip()
        except OSError as error:
            msg = (
                f"the library {folder} is served at {server.url}, and its token in "
                f"{server.token_file} cannot be read: {error.strerror}. Set SOUTU_TOKEN"
            )
            raise LibraryBusy(msg) from error
    opened = RemoteLibrary(server.url, token=token)
    current = next((s for s in opened.status().spaces if s.current), None) if model else None
    if current is not None and current.model != model:
        opened.close()
        msg = (
            f"the library {folder} holds {current.dim}-d vectors of {current.model}, not of "
            f"{model}. Run: soutu models use {model}"
        )
        raise ModelError(msg)
    return opened
