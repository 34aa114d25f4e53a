"""Try soutu on real photographs: index, search in two languages, tag, and check the answers.

Run it with `make demo`. It exits with 1, saying which, when a search gives the wrong photo.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from photos import collect

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "demo-library"
SOUTU = Path(sys.executable).with_name("soutu")

EXPECTED: dict[str, set[str]] = {
    "a cat": {"chelsea.png"},
    "猫": {"chelsea.png"},
    "咖啡": {"coffee.png"},
    "a rocket launch": {"rocket.jpg"},
    "摩托车": {"motorcycle_left.png", "motorcycle_right.png"},
    "brick wall": {"brick.png"},
    "text on a page": {"page.png", "text.png"},
    "a zebra": set(),
}
"""Which photo may come first for which words; none: nothing there matches."""


def main() -> None:
    """Run the demo."""
    photos = FOLDER / "photos"
    say(f"{len(collect(photos))} real photos are in {relative(photos)}/.")
    soutu("index", str(photos))
    wrong = [fault for words, names in EXPECTED.items() if (fault := check(words, names))]
    if wrong:
        sys.exit("\n".join(["", "The demo failed:", *wrong]))
    say(f"\nAll {len(EXPECTED)} searches gave what they should.")
    wrong = tag_photos(photos)
    if wrong:
        sys.exit("\n".join(["", "The demo failed:", *wrong]))
    say_how_to_go_on()


def tag_photos(photos: Path) -> list[str]:
    """Tag the photos with a vocabulary, teach a tag, and return what is wrong with the answers."""
    cat, moon = photos / "chelsea.png", photos / "moon.png"
    soutu("tags", "import", "everyday")
    soutu("tags", "counts", "--where", "format = 'JPEG'")
    soutu("tag", str(photos / "motorcycle_left.png"), str(photos / "rocket.jpg"))
    soutu("label", str(cat), "--yes", "cat")
    soutu("label", str(moon), "--no", "cat")
    soutu("tags", "show", "cat")
    asked = {"摩托车": {"motorcycle_left.png", "motorcycle_right.png"}, "cat": {"chelsea.png"}}
    return [fault for tag, names in asked.items() if (fault := check_tag(tag, names))]


def check_tag(tag: str, names: set[str]) -> str | None:
    """Browse by a tag, show the pictures, and return what is wrong with them."""
    soutu("search", "--tag", tag, "-k", "3")
    found = soutu("search", "--tag", tag, "-k", str(len(names)), "--format", "paths", show=False)
    hits = {Path(path).name for path in found.splitlines()}
    if hits == names:
        return None
    return f"  the tag {tag!r}: {' and '.join(sorted(names))} should be found, not {sorted(hits)}"


def check(words: str, names: set[str]) -> str | None:
    """Search, show the best hits, and return what is wrong with them."""
    soutu("search", words, "-k", "3")
    found = soutu("search", words, "-k", "3", "--format", "json", show=False)
    hits = [Path(hit["path"]).name for hit in json.loads(found)]
    if not names:
        return f"  {words!r}: nothing should match, but {hits[0]} did" if hits else None
    if not hits or hits[0] not in names:
        first = hits[0] if hits else "nothing"
        return f"  {words!r}: {' or '.join(sorted(names))} should come first, not {first}"
    return None


def soutu(*args: str, show: bool = True) -> str:
    """Run a soutu command on the demo's library, shown as it would be typed."""
    if show:
        say(f"\n$ soutu {shlex.join(args).replace(str(ROOT) + os.sep, '')}")
    done = subprocess.run(  # noqa: S603 - our own program
        [SOUTU, *args],
        env={**os.environ, "SOUTU_LIBRARY": str(FOLDER / "library")},
        cwd=ROOT,
        check=False,
        text=True,
        stdout=None if show else subprocess.PIPE,
    )
    if done.returncode:
        sys.exit(f"The demo failed: soutu {shlex.join(args)} ended with {done.returncode}.")
    return done.stdout or ""


def say_how_to_go_on() -> None:
    """Print the commands for one's own pictures."""
    program = relative(SOUTU)
    say(f"""
Now with your own pictures (they are read, never changed):

  {program} index ~/Pictures
  {program} search a dog on the beach

To type just soutu, first run:  source {relative(SOUTU.parent / "activate")}
The demo keeps its own library apart, in {relative(FOLDER)}/; make clean removes it.""")


def relative(path: Path) -> str:
    """Write a path as it is typed from the checkout's root."""
    return shlex.quote(os.path.relpath(path, ROOT))


def say(text: str) -> None:
    """Print at once, in order with what the commands print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
