"""Read and change the keywords of an XMP packet, and leave every other byte of it as it is.

Three properties hold them: dc:subject (flat; XMP specification part 1, ISO 16684-1),
lr:hierarchicalSubject (`animal|dog`, Lightroom) and digiKam:TagsList (`animal/dog`). A packet is
changed as text, at the places the parser names, so that prefixes, comments, padding and what other
programs keep there stay theirs. A fourth, soutu:keywords, lists what soutu put into the three by
itself: whoever reads the packet, and whenever, can tell it from what a person or another program
said.

The parser is expat without document types: entities cannot be declared, so none can grow, and
nothing outside the packet is ever opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from soutu.errors import ImageError
from soutu.images.keywords import NO_KEYWORDS, Keywords, Own, TagPath, check, gather, key
from soutu.images.xmp_scan import FIELDS, MARKS, Element, Field, Item, Property, Scan, scan

LIMIT = 16 << 20
"""Bytes of the largest packet that is read; those of darktable and Lightroom stay below 1 MB."""

EMPTY = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="soutu">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:soutu="urn:soutu:1.0/">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()
"""A packet that says nothing, to be filled."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CODECS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "latin-1", "windows-1252"}
_PADDING = re.compile(rb"\s{64,}(?=<\?xpacket end=)")
_HINTS = (b"ubject", b"TagsList")


class _Edit(NamedTuple):
    """Put `text` in place of the bytes from `start` to `end`."""

    start: int
    end: int
    text: bytes = b""


class _Goal(NamedTuple):
    """What a field shall hold: the items of it that stay, then new texts."""

    field: Field
    kept: list[Item]
    added: list[str]

    @property
    def texts(self) -> list[str]:
        return [*(item.text for item in self.kept), *self.added]


def keywords_of(packet: bytes) -> Keywords:
    """Read the keywords of a packet. Raises ImageError, naming line and column, for broken XML."""
    text = _decode(packet)[0]
    if not any(hint in text for hint in _HINTS):  # nine of ten packets: not worth parsing
        return NO_KEYWORDS
    return _gather(_values(scan(text)))


def edit(
    packet: bytes,
    tags: Sequence[TagPath],
    remove: Collection[str] = (),
    *,
    own: Own | None = None,
) -> bytes:
    """Return a packet that holds the tags beside what is in it, less the names to remove.

    A name of `remove` goes from the flat list unless it is among `tags`, and every path that ends
    in it goes unless exactly that path is. With `own`, what is added is noted as soutu's, unless
    somebody else has the keyword already, and what soutu added earlier goes as `Own` says.
    Without anything to change, the packet comes back as it was. Raises ImageError for a packet
    that is broken or no XMP, and InputError for a tag with an empty name or with a control
    character.
    """
    check(tags)
    text, bom, codec = _decode(packet)
    found = scan(text)
    goals = _goals(found, _Change(found, tags, {key(name) for name in remove}, own))
    edits = _plan(found, text, goals)
    if not edits:
        return packet
    changed = _apply(text, edits)
    if _values(scan(changed)) != [goal.texts for goal in goals]:
        msg = "its XMP is laid out in a way that soutu cannot change safely"
        raise ImageError(msg)
    return bom + (changed if codec == "utf-8" else _encode(changed, codec))


def unpadded(packet: bytes) -> bytes:
    """Return the packet without the blanks before its end that leave room for editing in place."""
    return _PADDING.sub(b"\n", packet)


def _decode(packet: bytes) -> tuple[bytes, bytes, str]:
    """Return the packet in UTF-8, its byte order mark, and the codec it was in."""
    if len(packet) > LIMIT:
        msg = f"{len(packet):,} bytes of XMP are more than the limit of {LIMIT:,}"
        raise ImageError(msg)
    bom, codec = next((known for known in _BOMS if packet.startswith(known[0])), (b"", ""))
    if not codec:
        match = _DECLARED.match(packet[:200])
        codec = match[1].decode().lower() if match else "utf-8"
        if codec not in _CODECS:
            msg = f"its encoding {codec!r} is not one of XMP's. Save it as UTF-8"
            raise ImageError(msg)
    body = packet[len(bom) :]
    if codec in ("utf-8", "utf8"):
        return body, bom, "utf-8"
    try:
        return body.decode(codec).encode("utf-8"), bom, codec
    except UnicodeError as error:
        msg = f"it is not the {codec} it says it is: {error}"
        raise ImageError(msg) from error


def _encode(text: bytes, codec: str) -> bytes:
    """Return to the packet's own encoding; what that lacks is written as character references."""
    return text.decode("utf-8").encode(codec, "xmlcharrefreplace")


def _values(found: Scan) -> list[list[str]]:
    """Return the items of each of FIELDS, in the order of the packet, then those of MARKS."""
    return [[item.text for item in found.items(field)] for field in (*FIELDS, MARKS)]


def _gather(values: list[list[str]]) -> Keywords:
    flat, marks = values[0], values[-1]
    paths = [
        text.split(field.separator)
        for field, texts in zip(FIELDS[1:], values[1:-1], strict=True)
        for text in texts
    ]
    return gather(flat, paths, marks)


class _Change:
    """What shall become of a packet; knows which of its items stay."""

    def __init__(
        self, found: Scan, tags: Sequence[TagPath], remove: Collection[str], own: Own | None
    ) -> None:
        self.tags, self.own = tags, own
        self.marks = {key(item.text) for item in found.items(MARKS)}
        leaves = {key(_leaf(f, item.text)) for f in FIELDS for item in found.items(f)}
        said = own.said if own else frozenset()
        self.others = (leaves - self.marks) | said  # keywords that are somebody else's
        self._remove = remove
        self._written = {field: set(map(key, field.write(tags))) for field in FIELDS}

    def stays(self, field: Field, text: str) -> bool:
        """Say whether an item that is there stays."""
        leaf = key(_leaf(field, text))
        if leaf not in self._remove and not self._outdated(text, leaf):
            return True
        return key(text) in self._written[field]

    def _outdated(self, text: str, leaf: str) -> bool:
        if self.own is None or leaf in self.others:
            return False
        return key(text) in self.marks and self.own.may_go(leaf)

    def is_own(self, field: Field, text: str) -> bool:
        """Say whether an item that is added is soutu's."""
        return self.own is not None and key(_leaf(field, text)) not in self.others


def _goals(found: Scan, change: _Change) -> list[_Goal]:
    """Return what each field shall hold, that of the marks last."""
    goals = [_goal(found, field, change) for field in FIELDS]
    marks: list[str] = []
    names: set[str] = set()
    for goal in goals:
        marks += [text for text in goal.added if change.is_own(goal.field, text)]
        for text in goal.texts:
            names |= {key(text), key(_leaf(goal.field, text))}
    kept = [item for item in found.items(MARKS) if key(item.text) in names]
    if change.own is not None:
        kept = [item for item in kept if key(item.text) not in change.others]
    known = {key(item.text) for item in kept}
    added = {key(text): text for text in marks if key(text) not in known}
    return [*goals, _Goal(MARKS, kept, list(added.values()))]


def _goal(found: Scan, field: Field, change: _Change) -> _Goal:
    """Return what a field shall hold.

    A list that is not there yet takes the keywords of the others along: digiKam reads the first
    list it finds, and would no longer see those that only another one has.
    """
    items = found.items(field)
    kept = [item for item in items if change.stays(field, item.text)]
    seeds = [] if items else _seed(found, field, change)
    new = _added(field, [*(item.text for item in kept), *seeds], change.tags)
    if not items and not new and (field.separator or not change.tags):
        seeds = []
    return _Goal(field, kept, seeds + new)


def _seed(found: Scan, field: Field, change: _Change) -> list[str]:
    """Return what stays in the other lists, written as this one holds it."""
    ends = {key(path[-1]) for path in change.tags}
    paths: list[TagPath] = []
    for other in reversed(FIELDS):  # those with paths first: they say more
        texts = [item.text for item in found.items(other) if change.stays(other, item.text)]
        for text in texts:
            path = tuple(text.split(other.separator)) if other.separator else (text,)
            if len(path) > 1 or key(text) not in ends:
                paths.append(path)
        ends |= {key(path[-1]) for path in paths}
    seeds = {key(text): text for text in reversed(field.write(paths))}
    return list(reversed(seeds.values()))


def _added(field: Field, kept: Sequence[str], tags: Sequence[TagPath]) -> list[str]:
    """Return what a field lacks. A tag without broader ones is there if a path ends in it."""
    present = {key(text) for text in kept} | {key(_leaf(field, text)) for text in kept}
    whole = {key(text) for text in kept}
    added = []
    for text in field.write(tags):
        seen = whole if field.separator and field.separator in text else present
        if key(text) not in seen:
            added.append(text)
            whole.add(key(text))
            present.add(key(text))
    return added


def _leaf(field: Field, text: str) -> str:
    return text.rpartition(field.separator)[2] if field.separator else text


def _plan(found: Scan, text: bytes, goals: Sequence[_Goal]) -> list[_Edit]:
    """Return the edits that make each field hold what it shall."""
    edits: list[_Edit] = []
    fresh: list[bytes] = []
    for goal in goals:
        if goal.texts == [item.text for item in found.items(goal.field)]:
            continue
        held = [part for part in found.properties if part.field is goal.field]
        if all(part.listed for part in held) and goal.kept:
            edits += _amend(text, held, goal.kept, goal.added)
            continue
        edits += [_Edit(_before(text, part.start), part.end) for part in held]
        if goal.texts:
            fresh.append(_property(found, goal.field, goal.texts))
    if fresh:
        edits.append(_insertion(found, text, b"".join(fresh)))
    return edits


def _amend(
    text: bytes, held: list[Property], kept: list[Item], added: Sequence[str]
) -> list[_Edit]:
    """Take single keywords out of lists, and put new ones after the last that stays."""
    edits = []
    staying = {item.start for item in kept}
    for part in held:
        stays = [item for item in part.items if item.start in staying]
        gone = [item for item in part.items if item.start not in staying]
        if gone and not stays:
            edits.append(_Edit(_before(text, part.start), part.end))
        else:
            edits += [_Edit(_before(text, item.start), item.end) for item in gone]
    if added:
        last = kept[-1]
        blank = text[_before(text, last.start) : last.start]
        lines = b"".join(blank + _element(last.name, name) for name in added)
        edits.append(_Edit(last.end, last.end, lines))
    return edits


def _before(text: bytes, position: int) -> int:
    """Return where the blanks before a position begin."""
    while position and text[position - 1] in b" \t\r\n":
        position -= 1
    return position


def _element(name: bytes, content: str) -> bytes:
    return b"<%s>%s</%s>" % (name, escape(content).encode(), name)


def _property(found: Scan, field: Field, values: Sequence[str]) -> bytes:
    """Write a whole property, with a prefix of the packet if it has one for the namespace."""
    prefix = found.scope.get(field.namespace)
    declared = b"" if prefix else f' xmlns:{field.prefix}="{field.namespace}"'.encode()
    name = f"{prefix or field.prefix}:{field.name}".encode()
    bag, item = found.rdf + field.container.encode(), found.rdf + b"li"
    items = b"".join(b"\n     " + _element(item, value) for value in values)
    return b"\n   <%s%s>\n    <%s>%s\n    </%s>\n   </%s>" % (
        *(name, declared, bag, items, bag, name),
    )


def _insertion(found: Scan, text: bytes, content: bytes) -> _Edit:
    """Put properties at the end of the first description, or make one."""
    into = found.description
    if into is None:
        into = found.root
        name, about = found.rdf + b"Description", found.rdf + b'about=""'
        content = b"\n  <%s %s>%s\n  </%s>" % (name, about, content, name)
    return _append(into, text, content)


def _append(element: Element, text: bytes, content: bytes) -> _Edit:
    if element.closed:  # <a/> becomes <a>content</a>
        return _Edit(element.body - 2, element.body, b">%s</%s>" % (content, element.name))
    at = max(_before(text, element.close), element.body)
    return _Edit(at, at, content)


def _apply(text: bytes, edits: list[_Edit]) -> bytes:
    """Make all edits, the last place first so that the others stay where they are.

    Of two at one place, what is put in goes first: what is taken out ends there.
    """
    for start, end, new in sorted(edits, key=lambda e: (e.end, e.start), reverse=True):
        text = text[:start] + new + text[end:]
    return text
