"""Write tags into picture files themselves, without touching a pixel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from soutu.errors import ImageError, StorageError
from soutu.images import jpeg, png, xmp
from soutu.images.decode import MAX_PIXELS, read
from soutu.images.formats import open_picture, recognise
from soutu.images.guard import reasons
from soutu.images.iptc import edit_resources
from soutu.images.keywords import TagPath, check
from soutu.images.replacement import keep_original, replace_file

BACKUP_SUFFIX = "_original"
"""What ExifTool appends as well: `photo.jpg_original`."""


def embed_in_place(
    picture: Path, tags: Sequence[TagPath], remove: Collection[str] = (), *, backup: bool = True
) -> bool:
    """Write tags into a JPEG or PNG and return whether it changed.

    XMP keeps everything else in it, as in `write_sidecar`. A JPEG that has an IPTC block gets the
    same keywords there. All bytes of the image stay; that its pixels do is seen by decoding both
    before the new file takes the place of the old one, whose mode it gets. `backup` keeps the
    old one as `photo.jpg_original`, unless a backup is there already.
    Raises ImageError, naming the file, for other formats, for a file that is damaged or changes
    meanwhile, and for more than a JPEG can hold; InputError for a tag that XMP cannot hold;
    StorageError when the disk refuses. The original is then as it was.
    """
    check(tags)
    try:
        blob = read(picture)
        new = _edited(blob.data, tags, set(remove))
        if new == blob.data:
            return False
        _compare(blob.data, new)
    except ImageError as error:
        raise ImageError(f"{picture}: {error}") from error
    kept = picture.with_name(picture.name + BACKUP_SUFFIX)
    made = False

    def secure() -> None:
        nonlocal made
        _unchanged(picture, (blob.size, blob.mtime_ns))
        made = backup and keep_original(picture, kept)

    try:
        replace_file(picture, new, before=secure)
    except StorageError:
        if made:  # the picture is still in place: it needs no second name
            with suppress(OSError):
                kept.unlink()
        raise
    return True


def _edited(data: bytes, tags: Sequence[TagPath], remove: Collection[str]) -> bytes:
    names = [path[-1].strip() for path in tags]

    def packet(old: bytes | None) -> bytes:
        if old is None:
            return xmp.edit(xmp.EMPTY, tags) if tags else b""
        return xmp.edit(old, tags, remove)

    kind = recognise(data)
    if kind == "JPEG":
        return jpeg.edit_jpeg(data, packet, lambda old: edit_resources(old, names, remove))
    if kind == "PNG":
        return png.edit_png(data, packet)
    msg = f"tags cannot be written into {kind or 'this kind of file'}. Write a sidecar instead"
    raise ImageError(msg)


def _compare(old: bytes, new: bytes) -> None:
    """Raise ImageError unless both files decode to the same pixels."""
    if _pixels(old) != _pixels(new):
        msg = "its pixels would change. Write a sidecar instead"
        raise ImageError(msg)


def _pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    with reasons():
        image = open_picture(data)
        if image.width * image.height > MAX_PIXELS:
            msg = f"{image.width:,} × {image.height:,} pixels are more than {MAX_PIXELS:,}"
            raise ImageError(msg)
        return image.mode, image.size, image.tobytes()


def _unchanged(picture: Path, stamp: tuple[int, int]) -> None:
    found = picture.stat()
    if (found.st_size, found.st_mtime_ns) != stamp:
        msg = f"{picture}: changed while tags were written. Try again"
        raise ImageError(msg)
