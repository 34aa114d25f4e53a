"""Write tags into picture files themselves, without touching a pixel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from soutu.errors import ImageError, StorageError
from soutu.images import jpeg, png, xmp
from soutu.images.decode import MAX_PIXELS, Blob, read
from soutu.images.fingerprint import digest
from soutu.images.formats import open_picture, recognise
from soutu.images.guard import reasons
from soutu.images.iptc import edit_resources
from soutu.images.keywords import Own, TagPath, check, key
from soutu.images.keywords_read import keywords_outside_xmp
from soutu.images.replacement import Rewrite, Stamp, keep_original

BACKUP_SUFFIX = "_original"
"""What ExifTool appends as well: `photo.jpg_original`."""

_ALL_OWN = Own(may_go=lambda _: True)


def embed_in_place(
    picture: Path,
    tags: Sequence[TagPath],
    remove: Collection[str] = (),
    *,
    own: Own | None = None,
    backup: bool = True,
) -> bool:
    """Write tags into a JPEG or PNG and return whether it changed.

    XMP keeps everything else in it, as in `write_sidecar`. A JPEG that has an IPTC block gets the
    same keywords there. All bytes of the image stay; that its pixels do is seen by decoding both
    before the new file takes the place of the old one, whose mode, owner and attributes it gets.
    `backup` keeps the old one as `photo.jpg_original`, or `photo.jpg_original_2` and so on, unless
    a backup there has all of it but for keywords that soutu added since.
    Raises ImageError, naming the file, for other formats, for a file that is damaged or changes
    meanwhile, and for more than a JPEG can hold; InputError for a tag that XMP cannot hold;
    StorageError when the disk refuses. The original is then as it was.
    """
    plan = plan_embedding(picture, tags, remove, own=own)
    if plan.changes:
        plan.write(backup=backup)
    return plan.changes


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a picture file holds, and what it shall hold."""

    picture: Path
    old: Blob
    new: bytes

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.new != self.old.data

    def write(self, *, backup: bool = True) -> Stamp:
        """Write it; see `embed_in_place`."""
        try:
            _compare(self.old.data, self.new)
        except ImageError as error:
            raise ImageError(f"{self.picture}: {error}") from error
        made: Path | None = None

        def secure() -> None:
            nonlocal made
            if backup:
                made = self._keep_original()

        stamp = Stamp(self.old.size, self.old.mtime_ns)
        try:
            return Rewrite(self.picture, self.old.data, stamp, self.new).write(secure=secure)
        except StorageError:
            if made:  # the picture is still in place: it needs no second name
                with suppress(OSError):
                    made.unlink()
            raise

    def _keep_original(self) -> Path | None:
        kept = self.picture.with_name(self.picture.name + BACKUP_SUFFIX)
        bare = _bare(self.old.data)

        def same(backup: Path) -> bool:
            try:
                data = read(backup).data
            except ImageError:
                return False
            return data == self.old.data or _bare(data) == bare

        return keep_original(self.picture, kept, same=same)


def plan_embedding(
    picture: Path,
    tags: Sequence[TagPath],
    remove: Collection[str] = (),
    *,
    own: Own | None = None,
) -> Embedding:
    """Return what `embed_in_place` would write. Raises what it does, but for StorageError."""
    check(tags)
    try:
        blob = read(picture)
        return Embedding(picture, blob, _edited(blob.data, tags, set(remove), own))
    except ImageError as error:
        raise ImageError(f"{picture}: {error}") from error


def _edited(
    data: bytes, tags: Sequence[TagPath], remove: Collection[str], own: Own | None = None
) -> bytes:
    kind = recognise(data)
    if kind not in ("JPEG", "PNG"):
        msg = f"tags cannot be written into {kind or 'this kind of file'}. Write a sidecar instead"
        raise ImageError(msg)
    names, gone = [path[-1].strip() for path in tags], set(remove)

    def packet(old: bytes | None) -> bytes:
        if old is None and not tags:
            return b""
        start = xmp.EMPTY if old is None else old
        before = xmp.keywords_of(start)
        found = own and replace(own, said=_said_elsewhere(data, before.ours))
        new = xmp.edit(start, tags, remove, own=found)
        if new != start:
            left = {key(name) for name in xmp.keywords_of(new).names}
            gone.update(name for name in before.names if key(name) not in left)
        return new if new == old or new != xmp.EMPTY else b""

    if kind == "JPEG":
        return jpeg.edit_jpeg(data, packet, lambda old: edit_resources(old, names, gone))
    return png.edit_png(data, packet)


def _said_elsewhere(data: bytes, ours: frozenset[str]) -> frozenset[str]:
    """Return the keys of keywords beside XMP that soutu did not write."""
    with reasons():
        outside = keywords_outside_xmp(open_picture(data))
    return frozenset(map(key, outside.names)) - ours


def _bare(data: bytes) -> bytes:
    """Return a picture file without the keywords that soutu added; as it is where that fails."""
    try:
        return _edited(data, (), (), _ALL_OWN)
    except ImageError:
        return data


def _compare(old: bytes, new: bytes) -> None:
    """Raise ImageError unless both files decode to the same pixels."""
    if _pixels(old) != _pixels(new):
        msg = "its pixels would change. Write a sidecar instead"
        raise ImageError(msg)


def _pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    """Return the mode, the size and a digest of the pixels: one picture at a time in memory."""
    with reasons():
        image = open_picture(data)
        if image.width * image.height > MAX_PIXELS:
            msg = f"{image.width:,} × {image.height:,} pixels are more than {MAX_PIXELS:,}"
            raise ImageError(msg)
        return image.mode, image.size, digest(image.tobytes())
