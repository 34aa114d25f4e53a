"""The words that the bundled model learns: names in English and Chinese, from public lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mini_sources import opened

_CLDR = (
    "cldr-json/cldr-annotations-full/annotations/{}/annotations.json",
    "cldr-json/cldr-annotations-derived-full/annotationsDerived/{}/annotations.json",
)
_NO_NAMES = ("flag:", "skin tone", "keycap")


@dataclass(frozen=True)
class Words:
    """`classes` are the 1,000 ImageNet names, in the order of the picture teacher's answers.

    `pairs` are names in English and Chinese; `tags` English ones to calibrate probabilities on.
    """

    classes: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]


def read_all(sources: Path, entries: Sequence[Mapping[str, Any]]) -> Words:
    """Read the word lists that the table of sets names."""
    by_name = {entry["name"]: entry for entry in entries}
    entry = by_name["imagenet-names"]
    with opened(sources, entry["repository"], entry["commit"]) as source:
        english, chinese = (
            json.loads(source.read(f"clip_benchmark/datasets/{code}_classnames.json"))["imagenet1k"]
            for code in ("en", "cn")
        )
    entry = by_name["ram-tags"]
    with opened(sources, entry["repository"], entry["commit"]) as source:
        tags, translated = (
            [line.strip() for line in source.read(f"ram/data/{name}").decode().splitlines()]
            for name in ("ram_tag_list.txt", "ram_tag_list_chinese.txt")
        )
    pairs = [*zip(english, chinese, strict=True), *zip(tags, translated, strict=True)]
    pairs += _emoji_names(sources, by_name["cldr"])
    kept = sorted({(en.strip(), zh.strip()) for en, zh in pairs if en.strip() and zh.strip()})
    return Words(tuple(english), tuple(kept), tuple(tags))


def _emoji_names(sources: Path, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pair the names that Unicode gives things in both languages; the emoji are not learnt."""
    names: dict[str, dict[str, str]] = {"en": {}, "zh": {}}
    with opened(sources, entry["repository"], entry["commit"]) as source:
        for code, found in names.items():
            for path in _CLDR:
                [table] = json.loads(source.read(path.format(code))).values()
                for character, facts in table["annotations"].items():
                    found[character] = facts.get("tts", [""])[0].split(":")[0]
    return [
        (name, names["zh"].get(character, ""))
        for character, name in names["en"].items()
        if not any(part in name for part in _NO_NAMES)
    ]
