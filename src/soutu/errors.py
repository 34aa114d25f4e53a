"""The error tree of soutu.

SoutuError
├── InputError            what the caller gave cannot be used
│   ├── QueryError        an empty query, a query picture that is none, a bad filter
│   └── ModelError        an unknown, incomplete or mismatched model
├── ImageError            one picture cannot be read; indexing lists it and goes on
├── LibraryError          the library as a whole cannot be used
│   ├── LibraryMissing    there is no library there
│   ├── LibraryBusy       another process holds it (the message names the pid)
│   ├── LibraryTooNew     made by a newer version of soutu
│   └── LibraryBroken     a catalog or index folder is damaged
├── HubError              no model hub answered, or it lacks the file
├── StorageError          the disk is full or refuses to write
├── Stopped               long work was asked to stop, and did; what is done is kept
└── MissingExtra          an optional dependency is not installed

Every message says what is wrong, which value, and what to do about it. Only `cli/` turns these
into exit codes.
"""


class SoutuError(Exception):
    """Base of every error that soutu raises on purpose."""


class InputError(SoutuError):
    """Tell the caller that an argument cannot be used."""


class QueryError(InputError):
    """Tell the caller that a query is empty, malformed or holds an unreadable picture."""


class ModelError(InputError):
    """Tell the caller that a model is unknown, incomplete or does not fit the library."""


class ImageError(SoutuError):
    """Say why one picture cannot be read."""


class LibraryError(SoutuError):
    """Say why a library cannot be used."""


class LibraryMissing(LibraryError):
    """Say that no library exists at a place."""


class LibraryBusy(LibraryError):
    """Say that another process holds the library, with its pid."""


class LibraryTooNew(LibraryError):
    """Say that a newer soutu made this library."""


class LibraryBroken(LibraryError):
    """Say which part of a library is damaged and how to rebuild it."""


class HubError(SoutuError):
    """Say that the model hub did not answer or lacks what was asked for."""


class StorageError(SoutuError):
    """Say that the disk is full or refuses to write."""


class Stopped(SoutuError):
    """Say how far long work had come when it was asked to stop, and how to go on."""


class MissingExtra(SoutuError):
    """Say which pip extra is missing."""

    def __init__(self, *, need: str, extra: str) -> None:
        super().__init__(f"{need} needs an optional dependency. Run: pip install 'soutu[{extra}]'")
