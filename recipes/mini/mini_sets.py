"""The pictures of the data sets, decoded once into arrays, with their labels and captions."""

from __future__ import annotations

import json
import re
import sys
import tomllib
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
from soutu.images.decode import decode
from soutu.models.record import write_json
from soutu.types import Preprocess

SETS = Path(__file__).with_name("sets.toml")
_CHUNK = 256
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
    wanted = set(flickr.splits[split])
    with opened(sources, entry["repository"], entry["commit"]) as source:
        pattern = re.compile(entry["pictures"])
        keys = {
            name: match["id"]
            for name in source.names()
            if (match := pattern.fullmatch(name)) and match["id"] in wanted
        }
        held_out = split != "train"
        shares = {"share": 0.0, "tiles": 0.0} if held_out else {}
        return _decoded(source, keys, {**entry, **shares}, f"flickr8k {split}", folder, place)


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
) -> Decoded:
    """Decode pictures into `folder`, or take them from there if an earlier run did."""
    target, listed = folder / f"pictures-{place}.npy", folder / f"keys-{place}.json"
    if not listed.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        side = int(entry["side"])
        shape = (len(keys), side, side, 3)
        pixels = np.lib.format.open_memmap(target, "w+", np.uint8, shape)
        kept: list[str] = []
        for path, picture in _squares(source, sorted(keys), side):
            if picture is None:
                print(f"{name}: {path} cannot be read", file=sys.stderr)
                continue
            pixels[len(kept)] = picture
            kept.append(keys[path])
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
    source: Source, names: Sequence[str], side: int
) -> Iterator[tuple[str, NDArray[np.uint8] | None]]:
    spec = Preprocess(height=side, width=side, resize=side)

    def one(content: bytes) -> NDArray[np.uint8] | None:
        try:
            return np.asarray(decode(content, spec).pixels.transpose(1, 2, 0))
        except ImageError:
            return None

    with ThreadPoolExecutor() as pool:
        for at in range(0, len(names), _CHUNK):
            part = names[at : at + _CHUNK]
            yield from zip(part, pool.map(one, [source.read(name) for name in part]), strict=True)
