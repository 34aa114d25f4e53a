"""Find where in an XMP packet its keywords stand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from soutu.errors import ImageError
from soutu.images.keywords import TagPath

if TYPE_CHECKING:
    from pyexpat import XMLParserType

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

_TAG = re.compile(rb"""<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>""")
_SEPARATOR = " "  # what the parser puts between namespace, name and prefix
_PROPERTY, _ITEM = 2, 4  # levels below rdf:RDF: description, property, container, rdf:li


class Field(NamedTuple):
    """A property of keywords; `separator` stands between the names of a path, "" without paths."""

    prefix: str
    namespace: str
    name: str
    container: str
    separator: str

    def write(self, tags: Sequence[TagPath]) -> list[str]:
        """Return the tags as this property holds them, but for those it cannot tell from paths."""
        if not self.separator:
            return [path[-1].strip() for path in tags]
        paths = [tuple(name.strip() for name in path) for path in tags]
        return [
            self.separator.join(path)
            for path in paths
            if not any(self.separator in name for name in path)
        ]


FIELDS = (
    Field("dc", "http://purl.org/dc/elements/1.1/", "subject", "Bag", ""),
    Field("lr", "http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject", "Bag", "|"),
    Field("digiKam", "http://www.digikam.org/ns/1.0/", "TagsList", "Seq", "/"),
)
MARKS = Field("soutu", "urn:soutu:1.0/", "keywords", "Bag", "")
"""What soutu put into FIELDS by itself, item by item, so that it knows its own again."""

_FIELDS = {(known.namespace, known.name): known for known in (*FIELDS, MARKS)}


class Item(NamedTuple):
    """A keyword at [start, end) in the packet; `name` is that of its element, as written."""

    start: int
    end: int
    name: bytes
    text: str


@dataclasses.dataclass(slots=True)
class Property:
    """One of FIELDS, or MARKS, at [start, end); `listed` if its keywords are elements of a list."""

    field: Field
    start: int
    end: int = 0
    listed: bool = False
    items: list[Item] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Element:
    """An element: `body` is where its first tag ends, `close` where its last one begins."""

    start: int
    body: int
    name: bytes
    closed: bool
    close: int = 0


@dataclasses.dataclass(slots=True)
class Scan:
    """What was found: the first rdf:RDF and its first description, prefixes there, keywords.

    `rdf` is the prefix of RDF with its colon, or empty; `scope` gives a prefix by namespace.
    """

    root: Element
    rdf: bytes
    description: Element | None = None
    scope: dict[str, str] = dataclasses.field(default_factory=dict)
    properties: list[Property] = dataclasses.field(default_factory=list)

    def items(self, wanted: Field) -> list[Item]:
        """Return the keywords of a field, in the order of the packet."""
        return [item for part in self.properties if part.field is wanted for item in part.items]


def scan(text: bytes) -> Scan:
    """Parse a packet in UTF-8.

    Raises ImageError, naming line and column, for what is not well-formed, has a document type
    or holds no rdf:RDF.
    """
    from xml.parsers import expat

    scanner = _Scanner(text)
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    scanner.attach(parser)
    try:
        parser.Parse(text.rstrip(b"\0"), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        msg = f"not well-formed XML at line {error.lineno}, column {error.offset + 1}: {reason}"
        raise ImageError(msg) from error
    if scanner.found is None:
        msg = "well-formed XML, but no XMP: it has no rdf:RDF element"
        raise ImageError(msg)
    return scanner.found


class _Scanner:
    """Follow the parser through rdf:RDF / rdf:Description / property / container / rdf:li.

    Only properties of the descriptions right below rdf:RDF are the picture's own: those further
    down belong to pictures it was made from.
    """

    def __init__(self, text: bytes) -> None:
        self.found: Scan | None = None
        self._text = text
        self._path: list[str] = []
        self._root_depth = 0
        self._prefixes: dict[str, list[str]] = {}
        self._open: dict[int, Element] = {}
        self._property: Property | None = None
        self._words: list[str] = []
        self._value = ""  # rdf:value: the text of an item that has qualifiers beside it

    def attach(self, parser: XMLParserType) -> None:
        self._parser = parser
        parser.namespace_prefixes = True
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartNamespaceDeclHandler = self._bind
        parser.EndNamespaceDeclHandler = self._unbind
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words.append

    def _refuse(self, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        msg = f"a document type at line {line}, which XMP never has. Remove it"
        raise ImageError(msg)

    def _bind(self, prefix: str | None, namespace: str | None) -> None:
        self._prefixes.setdefault(prefix or "", []).append(namespace or "")

    def _unbind(self, prefix: str | None) -> None:
        self._prefixes[prefix or ""].pop()

    def _depth(self) -> int:
        """Return how deep below the first rdf:RDF the parser is; 0 is itself, -1 outside."""
        return len(self._path) - self._root_depth if self._root_depth else -1

    def _start(self, name: str, attributes: list[str]) -> None:
        namespace, local, _ = _split(name)
        self._path.append(local if namespace == RDF else "")
        if self.found is None:
            if self._path[-1] == "RDF":
                self._root_depth = len(self._path)
                self._enter_root()
            return
        depth = self._depth()
        if depth == 1 and self._path[-1] == "Description":
            self._describe(attributes)
        elif depth == 2 and self._path[-2] == "Description":
            self._enter_property(_FIELDS.get((namespace, local)))
        elif depth > 2 and self._property:
            self._enter_list(self._property, depth)

    def _end(self, _: str) -> None:
        depth = self._depth()
        position = self._position()
        local = self._path.pop()
        if depth < 0 or self.found is None:
            return
        if depth == 0:
            self.found.root.close = position
            self._root_depth = 1 << 30  # a second rdf:RDF is nobody's
        elif depth == 1 and self.found.description and not self.found.description.close:
            self.found.description.close = position
        elif self._property:
            self._leave(self._property, depth, local, position)

    def _leave(self, part: Property, depth: int, local: str, position: int) -> None:
        if depth == _PROPERTY:
            self._end_property(part, self._open.pop(depth), position)
        elif depth == _ITEM and depth in self._open:
            self._end_item(part, self._open.pop(depth), position)
        elif depth > _ITEM and local == "value":
            self._value = "".join(self._words)

    def _enter_property(self, known: Field | None) -> None:
        if known:
            self._property = Property(known, self._position())
            self._words.clear()
            self._open[_PROPERTY] = self._element()

    def _enter_list(self, part: Property, depth: int) -> None:
        part.listed = True
        if depth == _ITEM and self._path[-1] == "li":
            self._words.clear()
            self._value = ""
            self._open[depth] = self._element()
        elif depth > _ITEM and self._path[-1] == "value":
            self._words.clear()

    def _enter_root(self) -> None:
        root = self._element()
        prefix, colon, _ = root.name.rpartition(b":")
        self.found = Scan(root, prefix + colon)

    def _describe(self, attributes: list[str]) -> None:
        assert self.found is not None
        element = self._element()
        if self.found.description is None:
            self.found.description = element
            bound = {p: spaces[-1] for p, spaces in self._prefixes.items() if p and spaces}
            self.found.scope = {namespace: prefix for prefix, namespace in bound.items()}
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            namespace, local, prefix = _split(name)
            known = _FIELDS.get((namespace, local))
            if known:
                self._attribute(element, known, prefix, value)

    def _attribute(self, element: Element, known: Field, prefix: str, value: str) -> None:
        """Note a property that is written as an attribute: one keyword."""
        assert self.found is not None
        name = re.escape(f"{prefix}:{known.name}".encode())
        pattern = re.compile(rb"\s" + name + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""")
        match = pattern.search(self._text, element.start, element.body)
        if match:
            item = Item(match.start(), match.end(), b"", value.strip())
            part = Property(known, match.start(), match.end(), items=[item] if item.text else [])
            self.found.properties.append(part)

    def _end_property(self, part: Property, element: Element, position: int) -> None:
        assert self.found is not None
        part.end = self._after(element, position)
        text = "".join(self._words).strip()
        if not part.listed and text:
            part.items.append(Item(part.start, part.end, element.name, text))
        self.found.properties.append(part)
        self._property = None

    def _end_item(self, part: Property, element: Element, position: int) -> None:
        text = (self._value or "".join(self._words)).strip()
        self._words.clear()
        if text:
            end = self._after(element, position)
            part.items.append(Item(element.start, end, element.name, text))

    def _element(self) -> Element:
        start = self._position()
        match = _TAG.match(self._text, start)
        assert match is not None
        return Element(start, match.end(), match[1], match[0].endswith(b"/>"))

    def _after(self, element: Element, position: int) -> int:
        return element.body if element.closed else self._text.index(b">", position) + 1

    def _position(self) -> int:
        return self._parser.CurrentByteIndex


def _split(name: str) -> tuple[str, str, str]:
    """Return namespace, local name and prefix; each but the name may be empty."""
    parts = name.split(_SEPARATOR)
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""
