"""Files that are no pictures, or damaged, or too large: always ImageError, with a reason."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import (
    LOSSLESS,
    LOSSY,
    bmp_of_size,
    cat,
    encode,
    gif_of_size,
    jpeg_of_size,
    png_of_size,
)
from PIL import Image

from soutu.errors import ImageError
from soutu.images.decode import MAX_BYTES, decode, open_rgb, read
from soutu.images.fingerprint import digest
from soutu.images.formats import PLUGINS, recognise
from soutu.types import Preprocess

SPEC = Preprocess(height=16, width=16, resize=16)
ALL = LOSSLESS | LOSSY | {"GIF": {}}


# --- reading files ---


def test_read_gives_content_and_stamp(tmp_path: Path) -> None:
    """The blob holds what is in the file, its size, time and digest."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    blob = read(path)
    assert (blob.data, blob.size, blob.mtime_ns) == (b"12345", 5, 1_600_000_000_123_456_789)
    assert blob.digest == digest(b"12345")


def test_digest_is_xxh3() -> None:
    """The published value of the empty input, and 16 bytes that differ with the content."""
    assert digest(b"").hex() == "99aa06d3014798d86001c324468d497f"
    assert len(digest(b"a")) == 16
    assert digest(b"a") != digest(b"b")


def test_missing_file(tmp_path: Path) -> None:
    """A file that vanished since the scan is reported as such."""
    with pytest.raises(ImageError, match="cannot be read: no such file"):
        read(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read(Path("a\0b"))


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without permission the reason says so (simulated: tests may run as root)."""

    def refusing(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    (tmp_path / "a.jpg").write_bytes(b"x")
    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(ImageError, match="cannot be read: permission denied"):
        read(tmp_path / "a.jpg")


def test_folders_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    """Nothing is waited for: a pipe that nobody writes to would block for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path(os.devnull)):
        with pytest.raises(ImageError, match="not a regular file"):
            read(path)
    with pytest.raises(ImageError, match="cannot be read: is a directory"):
        read(tmp_path)


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    """Two gigabytes (of nothing: a sparse file) are refused by their size."""
    path = tmp_path / "huge.tif"
    path.touch()
    os.truncate(path, 2 * MAX_BYTES)
    with pytest.raises(ImageError, match="2,147,483,648 bytes are more than the limit"):
        read(path)


@pytest.mark.parametrize("change", ["longer", "shorter", "touched"])
def test_file_that_changes_while_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Half of the old content and half of the new is neither."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345")
    fstat, calls = os.fstat, []

    def changing(handle: int) -> os.stat_result:
        calls.append(handle)
        if len(calls) == 2:  # after the content was read
            if change == "longer":
                path.write_bytes(b"1234567890")
            elif change == "shorter":
                os.truncate(path, 2)
            else:
                os.utime(path, ns=(1, 1))
        return fstat(handle)

    monkeypatch.setattr(os, "fstat", changing)
    with pytest.raises(ImageError, match="changed while being read"):
        read(path)


# --- content that is no picture ---


def test_empty_file(tmp_path: Path) -> None:
    """Zero bytes get their own reason, by content and by path."""
    (tmp_path / "a.jpg").touch()
    for data in (b"", tmp_path / "a.jpg"):
        with pytest.raises(ImageError, match="the file is empty"):
            decode(data, SPEC)


@pytest.mark.parametrize(
    "data", [b"x", b"hello, world\n" * 100, b"%PDF-1.7\n", b"\0" * 1000, b"RIFF\0\0\0\0WAVEfmt "]
)
def test_other_content(data: bytes) -> None:
    """Text, documents, sound and zeros are no pictures, whatever the file is called."""
    with pytest.raises(ImageError, match="not a picture soutu can read"):
        decode(data, SPEC)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    """A PNG called .jpg is read as a PNG."""
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(cat(), "PNG"))
    assert decode(path, SPEC).info.format == "PNG"


@pytest.mark.parametrize("kind", sorted(ALL))
def test_formats_are_recognised_by_their_first_bytes(kind: str) -> None:
    """Each format that Pillow writes is known, and has a plugin."""
    assert recognise(encode(cat(), kind, **ALL[kind])) == kind
    assert kind in PLUGINS


def test_executable_and_vector_formats_are_not_opened() -> None:
    """PostScript, which Pillow gives to another program to run, is refused."""
    with pytest.raises(ImageError, match="not a picture soutu can read"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", SPEC)


def test_heic_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says what to install."""
    data = encode(cat(), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"HEIC.*pip install 'soutu\[heif\]'"):
        decode(data, SPEC)


# --- damaged pictures ---


@pytest.mark.parametrize("kind", sorted(set(ALL) - {"PPM"}))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_short(kind: str, share: float) -> None:
    """A picture of which the end is missing is refused, not filled with grey."""
    data = encode(cat((300, 200)), kind, **ALL[kind])
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        decode(data[: int(len(data) * share)], SPEC)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_cut_short_near_its_end(progressive: bool) -> None:
    """Also when only the last rows are missing."""
    data = encode(cat((300, 200)), "JPEG", progressive=progressive)
    with pytest.raises(ImageError, match="truncated: the end of the file is missing"):
        decode(data[:-200], SPEC)


def test_open_rgb_gives_the_same_reasons() -> None:
    """Thumbnails meet the same files."""
    with pytest.raises(ImageError, match="the file is empty"):
        open_rgb(b"")
    with pytest.raises(ImageError, match="truncated"):
        open_rgb(encode(cat(), "JPEG")[:-500])
    with pytest.raises(ImageError, match="megapixels"):
        open_rgb(encode(cat(), "JPEG"), max_pixels=100)


def test_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture too large for the machine is one failure, not the end of the run."""

    def greedy(*_: object) -> None:
        raise MemoryError

    data = encode(cat(), "PNG")
    monkeypatch.setattr("PIL.Image.core.new", greedy)
    with pytest.raises(ImageError, match="not enough memory"):
        decode(data, SPEC)


# --- too many pixels ---


@pytest.mark.parametrize(
    ("make", "size", "megapixels"),
    [
        (png_of_size, (50_000, 50_000), "2,500"),
        (jpeg_of_size, (50_000, 50_000), "2,500"),
        (bmp_of_size, (50_000, 50_000), "2,500"),
        (gif_of_size, (50_000, 50_000), "2,500"),
        (png_of_size, (2_000_000_000, 2), "4,000"),
    ],
)
def test_too_many_pixels(
    make: Callable[[int, int], bytes], size: tuple[int, int], megapixels: str
) -> None:
    """The header alone decides; the reason names the size and the limit."""
    width, height = size
    expected = (
        f"{width:,} × {height:,} pixels are {megapixels} megapixels, more than the limit of 200"
    )
    with pytest.raises(ImageError, match=expected):
        decode(make(width, height), SPEC)


def test_limit_can_be_set() -> None:
    """A picture of exactly the limit is read."""
    data = encode(cat((30, 20)), "PNG")
    assert decode(data, SPEC, max_pixels=600).info.width == 30
    with pytest.raises(ImageError, match="more than the limit"):
        decode(data, SPEC, max_pixels=599)


@pytest.mark.parametrize("kind", sorted(ALL))
def test_limit_of_pillow_does_not_show(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow would warn of a decompression bomb, soutu's own limit decides in silence."""
    data = encode(cat((60, 40)), kind, **ALL[kind])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    assert decode(data, SPEC).info.width == 60


def test_error_of_pillow_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some plugins refuse twice Pillow's limit by themselves."""
    data = encode(cat((60, 40)), "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageError, match=r"too many pixels .*2400"):
        decode(data, SPEC)


# --- anything at all ---

SAMPLES = {
    **{kind: encode(cat((40, 30)), kind, **options) for kind, options in ALL.items()},
    "progressive": encode(cat((40, 30)), "JPEG", progressive=True),
    "palette": encode(cat((40, 30)).quantize(16), "PNG", transparency=0),
    "lzw": encode(cat((40, 30)), "TIFF", compression="tiff_lzw"),
    "deflate": encode(cat((40, 30)), "TIFF", compression="tiff_deflate"),
    "jpeg in tiff": encode(cat((40, 30)), "TIFF", compression="jpeg"),
    "alpha": encode(cat((40, 30)).convert("RGBA"), "WEBP"),
    "animation": encode(
        cat((40, 30)), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30))]
    ),
    "tags": encode(cat((40, 30)), "JPEG", exif=Image.Exif().tobytes() + bytes(range(250))),
}


def only_image_error(data: bytes) -> None:
    """Decode and let pass nothing but ImageError; warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with suppress(ImageError):
            assert decode(data, SPEC, max_pixels=100_000).pixels.shape == (3, 16, 16)
        gc.collect(0)  # an unclosed file would warn here


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["", *sorted(SAMPLES)]))
def test_random_bytes_raise_nothing_else(noise: bytes, head: str) -> None:
    """Noise, alone or after the first bytes of a real file, gives pixels or an ImageError."""
    only_image_error(SAMPLES.get(head, b"")[:16] + noise)


@settings(deadline=None, max_examples=600)
@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_mutated_pictures_raise_nothing_else(data: Any, name: str) -> None:
    """Real files with bytes changed, cut out, doubled or inserted do so too."""
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        # Half of all changes go to the head, where sizes and offsets are.
        end = data.draw(st.sampled_from([min(200, len(content)), len(content)]))
        at = data.draw(st.integers(0, max(0, end - 1)))
        change = data.draw(st.sampled_from(["set", "cut", "double", "insert", "truncate"]))
        if change == "set":
            content[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        elif change == "cut":
            del content[at : at + data.draw(st.integers(1, 20))]
        elif change == "double":
            content[at:at] = content[at : at + data.draw(st.integers(1, 50))]
        elif change == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        else:
            del content[max(at, 20) :]
    only_image_error(bytes(content))
