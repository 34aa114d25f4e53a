"""The pictures of the data sets, decoded once into arrays, with their labels and captions."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mini_sources import Source, opened
from numpy.typing import NDArray

from soutu.errors import ImageError
from soutu.images.decode import decode, decode_parts
from soutu.models.record import write_json
from soutu.types import Box, Preprocess

SETS = Path(__file__).with_name("sets.toml")
_CHUNK = 256
_CROP = (0.6, 0.95)
"""The sides of a crop, of the picture's: most of what a caption says is still in it."""
_FLICKR_TEXTS = {"en": "flickr8kenc.caption.txt", "zh": "flickr8kzhc.caption.txt"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """A set's pictures uint8 [n, side, side, 3], and the key of each: a label, or a caption id."""

    name: str
    pictures: NDArray[np.uint8]
    keys: tuple[str, ...]
    share: float
    tiles: float


@dataclass(frozen=True)
class Flickr:
    """The splits of Flickr8k, and its captions by language and picture id."""

    splits: Mapping[str, Sequence[str]]
    captions: Mapping[str, Mapping[str, Sequence[str]]]


def read_sets(path: Path = SETS) -> dict[str, Any]:
    """Read the table of data sets."""
    return tomllib.loads(path.read_text("utf-8"))


def read_flickr(sources: Path, entry: Mapping[str, Any]) -> Flickr:
    """Read the splits and captions of Flickr8k and Flickr8k-CN."""
    captions: dict[str, dict[str, list[str]]] = {}
    with opened(sources, entry["texts"], entry["texts_commit"]) as source:
        for language, file in _FLICKR_TEXTS.items():
            found: dict[str, list[str]] = defaultdict(list)
            for line in source.read(f"data/{file}").decode("utf-8").splitlines():
                key, _, text = line.strip().partition(" ")
                if text:
                    found[key.split(".jpg")[0]].append(text.strip())
            captions[language] = found
        splits = {
            split: source.read(f"data/flickr8k{split}.txt").decode().split()
            for split in ("train", "val", "test")
        }
    return Flickr(splits, captions)


def labelled_set(sources: Path, entry: Mapping[str, Any], folder: Path, place: int) -> Decoded:
    """Decode a set whose paths hold a label; keys are names in plain words."""
    with opened(sources, entry["repository"], entry["commit"]) as source:
        pattern = re.compile(entry["pictures"])
        chosen = [(name, match["label"]) for name in source.names()
                  if (match := pattern.fullmatch(name))]  # fmt: skip
        names = _names(source, entry)
        keys = {name: plain_label(label, entry, names) for name, label in chosen}
        return _decoded(source, keys, entry, entry["name"], folder, place)


def flickr_set(
    sources: Path, entry: Mapping[str, Any], flickr: Flickr, split: str, folder: Path, place: int
) -> Decoded:
    """Decode the pictures of one split of Flickr8k; keys are their ids."""
    with opened(sources, entry["repository"], entry["commit"]) as source:
        keys = _ids(source, entry, flickr, split)
        held_out = split != "train"
        shares = {"share": 0.0, "tiles": 0.0} if held_out else {}
        return _decoded(source, keys, {**entry, **shares}, f"flickr8k {split}", folder, place)


def flickr_crops(
    sources: Path, entry: Mapping[str, Any], flickr: Flickr, folder: Path, place: int
) -> Decoded:
    """Decode `crops` parts of each picture that is learnt from; keys are the pictures' ids."""
    with opened(sources, entry["repository"], entry["commit"]) as source:
        keys = _ids(source, entry, flickr, "train")
        shares = {"share": entry["crops_share"], "tiles": entry["crops_tiles"]}
        return _decoded(
            source, keys, {**entry, **shares}, "flickr8k train crops", folder, place,
            parts=int(entry["crops"]),
        )  # fmt: skip


def _ids(source: Source, entry: Mapping[str, Any], flickr: Flickr, split: str) -> dict[str, str]:
    wanted = set(flickr.splits[split])
    pattern = re.compile(entry["pictures"])
    return {
        name: match["id"]
        for name in source.names()
        if (match := pattern.fullmatch(name)) and match["id"] in wanted
    }


def plain_label(label: str, entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Write a set's label as people would."""
    if label in names:
        return names[label]
    for pattern, name in entry.get("kinds", {}).items():
        if re.search(pattern, label):
            return str(name)
    return re.sub(r"[-_]", " ", label).lower()


def _names(source: Source, entry: Mapping[str, Any]) -> dict[str, str]:
    names = dict(entry.get("names", {}))
    if "names_file" in entry:
        for line in source.read(entry["names_file"]).decode("utf-8").splitlines():
            key, _, listed = line.partition("\t")
            names[key] = listed.split(",")[0].strip().lower()
    return names


def _decoded(
    source: Source,
    keys: Mapping[str, str],
    entry: Mapping[str, Any],
    name: str,
    folder: Path,
    place: int,
    *,
    parts: int = 0,
) -> Decoded:
    """Decode pictures, or parts of each, into `folder`, if no earlier run did."""
    target, listed = folder / f"pictures-{place}.npy", folder / f"keys-{place}.json"
    if not listed.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        side = int(entry["side"])
        shape = (len(keys) * max(parts, 1), side, side, 3)
        pixels = np.lib.format.open_memmap(target, "w+", np.uint8, shape)
        kept: list[str] = []
        for path, pictures in _squares(source, sorted(keys), side, parts):
            if pictures is None:
                print(f"{name}: {path} cannot be read", file=sys.stderr)
                continue
            pixels[len(kept) : len(kept) + len(pictures)] = pictures
            kept += [keys[path]] * len(pictures)
        pixels.flush()
        # Rows of unreadable pictures are left over at the end of the file.
        write_json(listed, {"name": name, "keys": kept})
    kept = json.loads(listed.read_text("utf-8"))["keys"]
    pictures = np.load(target, mmap_mode="r")[: len(kept)]
    return Decoded(
        name=name,
        pictures=pictures,
        keys=tuple(kept),
        share=float(entry["share"]),
        tiles=float(entry["tiles"]),
    )


def _squares(
    source: Source, names: Sequence[str], side: int, parts: int
) -> Iterator[tuple[str, NDArray[np.uint8] | None]]:
    """Decode each picture to [1, side, side, 3], or to [parts, ...] parts of it."""
    spec = Preprocess(height=side, width=side, resize=side)

    def one(name: str, content: bytes) -> NDArray[np.uint8] | None:
        try:
            if parts:
                found = decode_parts(content, spec, _boxes(name, parts))
            else:
                found = decode(content, spec).pixels[None]
        except ImageError:
            return None
        return np.asarray(found.transpose(0, 2, 3, 1))

    with ThreadPoolExecutor() as pool:
        for at in range(0, len(names), _CHUNK):
            part = names[at : at + _CHUNK]
            contents = [source.read(name) for name in part]
            yield from zip(part, pool.map(one, part, contents), strict=True)


def _boxes(name: str, count: int) -> list[Box]:
    """Draw parts of a picture: the same for the same path."""
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    boxes = []
    for _ in range(count):
        wide, high = chance.uniform(*_CROP, size=2)
        left, top = chance.uniform(0, 1 - wide), chance.uniform(0, 1 - high)
        boxes.append(Box(left, top, left + wide, top + high))
    return boxes
