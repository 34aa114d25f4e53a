"""Write the test split of Flickr8k as pictures and captions.csv, for soutu eval retrieval.

Nothing of it is ever learnt from, and nothing of it may be committed.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path

from mini_sets import read_flickr, read_sets
from mini_sources import opened

from soutu.errors import SoutuError


def write_split(sources: Path, out: Path, split: str = "test") -> int:
    """Write a split's pictures and their captions in both languages; return how many pictures."""
    entry = read_sets()["captions"]
    flickr = read_flickr(sources, entry)
    wanted = set(flickr.splits[split])
    out.mkdir(parents=True, exist_ok=True)
    pattern = re.compile(entry["pictures"])
    found = []
    with opened(sources, entry["repository"], entry["commit"]) as source:
        for name in source.names():
            match = pattern.fullmatch(name)
            if match and match["id"] in wanted:
                (out / f"{match['id']}.jpg").write_bytes(source.read(name))
                found.append(match["id"])
    with (out / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "caption", "language"])
        for language, captions in flickr.captions.items():
            for picture in found:
                for caption in captions.get(picture, ()):
                    writer.writerow([f"{picture}.jpg", caption, language])
    return len(found)


def main() -> None:
    """Read the command line and write the split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        print(f"{write_split(given.sources, given.out):,} pictures in {given.out}")
    except SoutuError as error:
        sys.exit(f"flickr_test: {error}")


if __name__ == "__main__":
    main()
