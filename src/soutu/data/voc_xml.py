"""The objects that an annotation of PASCAL VOC names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from soutu.errors import InputError

if TYPE_CHECKING:
    from pyexpat import XMLParserType

_TRUE = frozenset({"1", "true", "yes"})
_NAME, _DIFFICULT = ("annotation", "object", "name"), ("annotation", "object", "difficult")


def read_objects(file: Path) -> dict[str, bool]:
    """Return the classes of a file's objects: True where one of them is not difficult.

    Parts of objects (head, hand) do not count. A document type is refused, so that no entity can
    be declared and grow. Raises InputError with the line of what is malformed.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    parser = expat.ParserCreate()
    reader = _Reader(file, parser)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(
            f"{file}, line {error.lineno}, column {error.offset + 1}: malformed XML: "
            f"{expat.ErrorString(error.code)}"
        ) from None
    return reader.objects


class _Reader:
    """Follow the parser through annotation / object / name and difficult."""

    def __init__(self, file: Path, parser: XMLParserType) -> None:
        self.objects: dict[str, bool] = {}
        self._file, self._parser = file, parser
        self._path: list[str] = []
        self._words: list[str] = []
        self._name = ""
        self._difficult = False
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words.append

    def _refuse(self, *_: object) -> None:
        raise InputError(
            f"{self._at()}: the file has a document type, which VOC never has and which can hide "
            "endless text. Remove it"
        )

    def _start(self, name: str, _: object) -> None:
        if not self._path and name != "annotation":
            raise InputError(f"{self._at()}: the file holds <{name}>, not <annotation> as VOC has")
        self._path.append(name)
        self._words.clear()
        if self._path == ["annotation", "object"]:
            self._name, self._difficult = "", False

    def _end(self, _: str) -> None:
        text, path = "".join(self._words).strip(), tuple(self._path)
        if path == _NAME:
            self._name = text
        elif path == _DIFFICULT:
            self._difficult = text.lower() in _TRUE
        elif path == _NAME[:2]:
            if not self._name:
                raise InputError(f"{self._at()}: an object has no name. Write its class")
            self.objects[self._name] = self.objects.get(self._name, False) or not self._difficult
        self._path.pop()
        self._words.clear()

    def _at(self) -> str:
        return f"{self._file}, line {self._parser.CurrentLineNumber}"
