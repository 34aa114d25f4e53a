"""Write two public data sets as pictures and a CSV, for `bench/multilabel.py` and `soutu train`.

- flickr8k: a tag is yes where two or more of a picture's five captions name it, unknown where one
  does, no where none does. Tags are the 80 things of RAM's list of tags that are yes in most
  pictures of the training split; plurals count. Official splits.
- groceries: 81 kinds of things in a shop, with the 42 broader kinds that they belong to, and fruit,
  vegetables and packages: three levels, each a label. Official splits.

`SOURCES` holds the repositories, each as OWNER+NAME: git directories (`git clone --mirror
https://github.com/OWNER/NAME SOURCES/OWNER+NAME`). Terms: Flickr8k and its captions are for
research, RAM's tags Apache-2.0, groceries MIT. Nothing of them may be committed.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import subprocess
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

PICTURES = ("RlNZLER+Image-Text-Matching", "56a15d91")
CAPTIONS = ("li-xirong+flickr8kcn", "a19b9aa4")
TAGS = ("xinyu1205+recognize-anything", "7cb804a8")
GROCERIES = ("marcusklasson+GroceryStoreDataset", "fc80ba90")
SPLITS = ("train", "val", "test")

COUNT = 80
LONGEST = 3  # words of a tag that is looked for
NO_THINGS = frozenset({
    "white", "black", "brown", "red", "blue", "yellow", "green", "orange", "pink", "purple",
    "tan", "snowy", "grassy", "rocky", "wet", "up", "out", "back", "five", "standing", "sitting",
    "walking", "riding", "run", "jump", "stand", "play", "sit", "walk", "ride", "catch", "swing",
    "watch", "slide", "race", "pose", "climb", "smile", "drink", "kick", "swim", "take",
    "picture",
})  # fmt: skip
"""Frequent tags that are no things: colours, deeds, and words that are mostly used as verbs."""
PLURALS = {"men": "man", "women": "woman", "children": "child", "people": "person"}
YES, UNKNOWN, NO = "1", "", "0"


def flickr(sources: Path, out: Path) -> str:
    """Write Flickr8k with the tags that its captions name."""
    tags = set(_text(sources, TAGS, "ram/data/ram_tag_list.txt").lower().splitlines())
    named: dict[str, Counter[str]] = defaultdict(Counter)
    for line in _text(sources, CAPTIONS, "data/flickr8kenc.caption.txt").splitlines():
        key, _, caption = line.partition(" ")
        named[key.partition(".jpg")[0]].update(tags_of(caption, tags))
    splits = {
        split: _text(sources, CAPTIONS, f"data/flickr8k{split}.txt").split() for split in SPLITS
    }
    often = Counter(tag for each in splits["train"] for tag, n in named[each].items() if n > 1)
    things = [tag for tag, _ in often.most_common() if tag not in NO_THINGS][:COUNT]
    wanted = {f"data/images/{each}.jpg": each for some in splits.values() for each in some}
    written = {
        wanted[path] for path in _extract(sources, PICTURES, "data/images", set(wanted), out)
    }
    rows = [
        [f"data/images/{each}.jpg", split, *(_said(named[each][tag]) for tag in things)]
        for split, some in splits.items()
        for each in some
        if each in written
    ]
    _write(out / "labels.csv", ["image", "split", *things], rows)
    return f"{len(rows):,} pictures, {len(things)} tags"


def tags_of(caption: str, tags: Set[str]) -> set[str]:
    """Find the tags that a caption names; of overlapping ones the longest: hot dog, not dog."""
    words = re.findall(r"[a-z]+", caption.lower())
    found, at = set(), 0
    while at < len(words):
        length, tag = _tag_at(words[at : at + LONGEST], tags)
        if tag:
            found.add(tag)
        at += length
    return found


def _tag_at(words: Sequence[str], tags: Set[str]) -> tuple[int, str]:
    """Return the longest tag that these words begin with, and how many words to go on by."""
    for length in range(len(words), 0, -1):
        *before, last = words[:length]
        for form in _singular(last):
            if (tag := " ".join([*before, form])) in tags:
                return length, tag
    return 1, ""


def groceries(sources: Path, out: Path) -> str:
    """Write the groceries with all three levels of what they are."""
    table = csv.DictReader(io.StringIO(_text(sources, GROCERIES, "dataset/classes.csv")))
    broader = {row["Class Name (str)"]: row["Coarse Class Name (str)"] for row in table}
    rows, wanted = [], set()
    for split in SPLITS:
        for line in _text(sources, GROCERIES, f"dataset/{split}.txt").splitlines():
            path = line.split(",")[0].strip()
            top, fine = path.split("/")[1], path.split("/")[-2]
            levels = dict.fromkeys([top, broader[fine], fine])
            labels = "|".join(name.replace("-", " ").lower() for name in levels)
            rows.append([f"dataset/{path}", split, labels])
            wanted.add(f"dataset/{path}")
    _extract(sources, GROCERIES, "dataset", wanted, out)
    _write(out / "labels.csv", ["image", "split", "labels"], rows)
    return f"{len(rows):,} pictures"


def _said(captions: int) -> str:
    return YES if captions > 1 else UNKNOWN if captions else NO


def _singular(word: str) -> Iterator[str]:
    yield PLURALS.get(word, word)
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + instead


def _text(sources: Path, source: tuple[str, str], path: str) -> str:
    repository, commit = source
    return _git(sources / repository, "show", f"{commit}:{path}").decode("utf-8")


def _extract(
    sources: Path, source: tuple[str, str], folder: str, wanted: Set[str], out: Path
) -> list[str]:
    """Write the wanted files of a folder; return those that are there."""
    repository, commit = source
    archive = io.BytesIO(_git(sources / repository, "archive", commit, folder))
    with tarfile.open(fileobj=archive) as tar:
        members = [one for one in tar.getmembers() if one.isfile() and one.name in wanted]
        tar.extractall(out, members, filter="data")
    return [one.name for one in members]


def _git(folder: Path, *arguments: str) -> bytes:
    if not folder.is_dir():
        name = folder.name.replace("+", "/")
        raise SystemExit(f"{folder} is missing: git clone --mirror https://github.com/{name} there")
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def _write(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(head)
        writer.writerows(rows)


def main() -> None:
    """Write the sets that the command line names."""
    made = {"flickr8k": flickr, "groceries": groceries}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", type=Path, help="folder of the repositories")
    parser.add_argument("out", type=Path, help="folder for the sets")
    parser.add_argument("--only", choices=made, nargs="*", default=list(made), help="default both")
    chosen = parser.parse_args()
    for name in chosen.only:
        (chosen.out / name).mkdir(parents=True, exist_ok=True)
        written = made[name](chosen.sources, chosen.out / name)
        print(f"{chosen.out / name / 'labels.csv'}: {written}")


if __name__ == "__main__":
    main()
