"""The server under load: searches in words by many clients, over loopback.

    python bench/serve.py [--n 100000] [--clients 16] [--seconds 20] [--minutes 0] [--json FILE]

A library of pictures whose vectors are those of mini for painted pictures, moved a little each,
behind a real `soutu serve` in a process of its own. The clients keep one connection each, ask for
pages of 50 hits, and send the next question when an answer is whole. Their work is on the same
cores and counts.

- new: every question is one that nobody asked before. repeated: 200 questions, again and again.
- floor: the same client asking for /healthz, to see what HTTP itself takes here.
- with --minutes, new and repeated questions are mixed for so long, and the memory of the server
  is noted every ten seconds.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import harness
from soutu.catalog.catalog import ImageRow
from soutu.library.folder import FolderLibrary
from soutu.library.record import payload_of, words_of
from soutu.library.spaces import CURRENT, row_for
from soutu.models.store import ModelStore
from soutu.types import ImageInfo

_STEP = 5_000
_BASE = 1_000  # painted pictures, of which the others are variations
_SPREAD = 0.04  # of the noise that moves a vector, per dimension
_ADJECTIVES = ("red", "blue", "green", "old", "new", "small", "big", "dark", "wet", "striped")
_NOUNS = ("cat", "dog", "car", "house", "boat", "tree", "bird", "fish", "bread", "chair", "horse")
_PLACES = ("sofa", "street", "beach", "hill", "forest", "table", "snow", "grass", "roof", "lake")


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=1)
    parser.add_argument("--n", type=int, default=100_000, help="pictures (default 100000)")
    parser.add_argument("--clients", type=int, default=16, help="clients (default 16)")
    parser.add_argument("--seconds", type=float, default=20, help="of each part (default 20)")
    parser.add_argument("--minutes", type=float, default=0, help="of mixed load (default none)")
    parser.add_argument("--library", type=Path, help="a library to keep and use again")
    options = parser.parse_args()
    facts = harness.machine("fastapi", "uvicorn", "qdrant-edge-py")
    with tempfile.TemporaryDirectory(prefix="soutu-bench-") as name:
        place = options.library or Path(name) / "library"
        if not (place / "catalog.db").is_file():
            fill(place, options.n)
        with Served(place) as served:
            rows = asyncio.run(measure(served, options.clients, options.seconds))
            memory = asyncio.run(soak(served, options.clients, options.minutes * 60))
    shown = [
        (row.name, f"{row.rate:,.0f}", f"{row.at(50):.1f}", f"{row.at(99):.1f}") for row in rows
    ]
    tables = [harness.table(["what", "requests/s", "p50 ms", "p99 ms"], shown)]
    if memory:
        tables.append(f"server memory, MB, every 10 s: {', '.join(f'{m:.0f}' for m in memory)}")
    asked = {"n": options.n, "clients": options.clients, "rows": shown, "memory": memory}
    harness.report(facts, tables, asked, options.json)


def fill(place: Path, n: int) -> None:
    """Make a library of n pictures that are only known, not there."""
    store = ModelStore(place.parent / "models")
    encoder = store.load("mini", threads=1)
    rng = np.random.default_rng(0)
    spec = encoder.facts.preprocess
    coarse = rng.integers(0, 256, (_BASE, 3, 4, 4), dtype=np.uint8)
    painted = coarse.repeat(-(-spec.height // 4), axis=2).repeat(-(-spec.width // 4), axis=3)
    base = encoder.encode_images(np.ascontiguousarray(painted[:, :, : spec.height, : spec.width]))
    with FolderLibrary(place, store=store, create=True) as library:
        row = row_for(encoder.facts, "mini")
        library._catalog.put_space(row)
        library._catalog.set_setting(CURRENT, row.name)
        space = library._current.space()
        assert space is not None
        for at in range(0, n, _STEP):
            count = min(_STEP, n - at)
            noise = rng.standard_normal((count, base.shape[1])).astype(np.float32) * _SPREAD
            vectors = base[rng.integers(_BASE, size=count)] + noise
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            rows = [image(at + i) for i in range(count)]
            ids = np.array([each.id for each in rows])
            words = [words_of(each) for each in rows]
            space.index.upsert(ids, vectors, [payload_of(each) for each in rows], words)
            library._catalog.put(rows)
        space.index.optimize()
        space.calibration(encoder)


def image(number: int) -> ImageRow:
    """Make up a picture."""
    return ImageRow(
        id=number + 1,
        path=Path(f"/pictures/{number // 1000:04d}/{number:07d}.jpg"),
        size=number + 1,
        mtime_ns=number * 10**9,
        digest=number.to_bytes(16, "big"),
        info=ImageInfo(width=640, height=360 + number % 500, format="JPEG"),
    )


class Served:
    """A server of its own for a library."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.port = 0

    def __enter__(self) -> Served:
        command = [sys.executable, "-m", "soutu", "serve", "--port", "0", "--library"]
        self._process = subprocess.Popen(
            [*command, str(self._place)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def memory(self) -> float:
        """Return the private memory of the server in MB; mapped files do not count."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


@dataclass
class Row:
    """What one kind of request took."""

    name: str
    times: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def at(self, percent: float) -> float:
        """Return a percentile in milliseconds."""
        return float(np.percentile(self.times, percent)) * 1e3


async def measure(served: Served, clients: int, seconds: float) -> list[Row]:
    """Ask for each kind of request for some seconds."""
    fresh = questions()
    some = list(itertools.islice(questions("again"), 200))
    rows = []
    for name, asked in (
        ("floor", itertools.repeat(_request("GET", "/healthz"))),
        ("new", (search(text) for text in fresh)),
        ("repeated", itertools.cycle([search(text) for text in some])),
    ):
        await load(served, asked, clients, 2.0)  # warm: connections, caches
        rows.append(await load(served, asked, clients, seconds, name))
    return rows


async def soak(served: Served, clients: int, seconds: float) -> list[float]:
    """Mix new and repeated questions; return the server's memory every ten seconds."""
    fresh, some = questions("soak"), itertools.cycle(list(itertools.islice(questions("s"), 200)))
    memory = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        mixed = (search(next(fresh if i % 2 else some)) for i in itertools.count())
        await load(served, mixed, clients, 10.0)
        memory.append(served.memory())
    return memory


def questions(start: str = "") -> Iterator[str]:
    """Make up questions, none of them twice."""
    for number in itertools.count():
        for parts in itertools.product(_ADJECTIVES, _NOUNS, _PLACES):
            yield f"{start} {parts[0]} {parts[1]} on the {parts[2]} {number}".strip()


def search(text: str) -> bytes:
    """Write a search as a request."""
    return _request("POST", "/api/search", json.dumps({"terms": [{"text": text}], "k": 50}))


def _request(method: str, path: str, body: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


async def load(
    served: Served, asked: Iterator[bytes], clients: int, seconds: float, name: str = ""
) -> Row:
    """Let clients ask one question after the other; every answer must be whole and 200."""
    row = Row(name)
    end = time.perf_counter() + seconds
    began = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        while time.perf_counter() < end:
            start = time.perf_counter()
            writer.write(next(asked))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode("latin-1"))
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            row.times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    row.seconds = time.perf_counter() - began
    return row


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
