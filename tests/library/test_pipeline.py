"""Files become vectors: each exactly once, on all cores, whatever is wrong with some of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from painting import ColourEncoder, paint

from soutu.errors import ModelError
from soutu.images import decode as decoding
from soutu.images.source import FileEntry
from soutu.library import pipeline
from soutu.library.pipeline import Batch, encode_files
from soutu.types import Pixels, Vectors


class Encoder(ColourEncoder):
    """The colour encoder, which notes its batches and obeys `before` a batch."""

    def __init__(self, before: Callable[[Pixels], None] = lambda _: None) -> None:
        super().__init__()
        self.batches: list[int] = []
        self._before = before

    def encode_images(self, pixels: Pixels) -> Vectors:
        self.batches.append(len(pixels))
        self._before(pixels)
        return super().encode_images(pixels)


def entry_of(path: Path) -> FileEntry:
    found = path.stat()
    return FileEntry(path=path, root=path.parent, size=found.st_size, mtime_ns=found.st_mtime_ns)


def colour_of(number: int) -> tuple[int, int, int]:
    return number * 37 % 256, number * 101 % 256, number * 59 % 256


@pytest.fixture
def files(tmp_path: Path) -> list[FileEntry]:
    """Fifty pictures, each of its own colour."""
    paths = [paint(tmp_path / f"{n:02d}.png", colour_of(n), seed=n) for n in range(50)]
    return [entry_of(path) for path in paths]


def outcome(batches: Iterable[Batch]) -> Counter[str]:
    """Count how often each file came out, over all batches and places."""
    seen: Counter[str] = Counter()
    for batch in batches:
        seen.update(item.entry.path.name for item in batch.encoded)
        seen.update(entry.path.name for entry, _ in batch.copies)
        seen.update(entry.path.name for entry, _ in batch.failures)
    return seen


def threads_left() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("soutu-encode")]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 16, 1000])
def test_each_file_comes_out_once_with_its_own_vector(
    files: list[FileEntry], workers: int, batch_size: int
) -> None:
    """Whatever the number of workers and the batch size, vectors belong to their files."""
    encoder = ColourEncoder()
    batches = list(encode_files(files, encoder, workers=workers, batch_size=batch_size))
    assert outcome(batches) == Counter({f.path.name: 1 for f in files})
    for batch in batches:
        assert 0 < len(batch.encoded) <= batch_size
        assert batch.vectors.shape == (len(batch.encoded), 8)
        assert batch.vectors.dtype == np.float32
        for item, vector in zip(batch.encoded, batch.vectors, strict=True):
            blob = decoding.read(item.entry.path)
            alone = decoding.decode(blob.data, encoder.facts.preprocess)
            assert item.digest == blob.digest
            assert item.info == alone.info
            np.testing.assert_allclose(vector, encoder.encode_images(alone.pixels[None])[0])


def test_no_files_give_no_batches() -> None:
    """Nothing to do is no error, and starts no encoder."""
    encoder = Encoder()
    assert list(encode_files([], encoder)) == []
    assert encoder.batches == []


def test_bad_files_are_failures_with_reasons(files: list[FileEntry], tmp_path: Path) -> None:
    """Text, an empty file, half a picture and a vanished file cost only themselves."""
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "half.png").write_bytes(files[0].path.read_bytes()[:44])
    bad = [entry_of(tmp_path / name) for name in ("text.png", "empty.png", "half.png")]
    gone = FileEntry(path=tmp_path / "gone.png", root=tmp_path, size=1, mtime_ns=1)
    deeper = FileEntry(path=files[0].path / "x.png", root=tmp_path, size=1, mtime_ns=1)
    batches = list(encode_files([*bad, gone, *files, deeper], ColourEncoder()))
    reasons = {e.path.name: reason for batch in batches for e, reason in batch.failures}
    assert sorted(reasons) == ["empty.png", "gone.png", "half.png", "text.png", "x.png"]
    assert all(reasons.values())
    assert reasons["gone.png"] == reasons["x.png"] == "vanished during the run"
    assert sum(len(batch.encoded) for batch in batches) == len(files)


def test_only_bad_files_give_batches_without_vectors(tmp_path: Path) -> None:
    """A batch without any picture still has vectors of the right shape."""
    (tmp_path / "text.png").write_text("no picture")
    [batch] = encode_files([entry_of(tmp_path / "text.png")], ColourEncoder())
    assert batch.encoded == ()
    assert batch.vectors.shape == (0, 8)


def test_known_content_is_neither_decoded_nor_encoded(
    files: list[FileEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files whose digest is known come out as copies, with that digest."""
    digests = {decoding.read(f.path).digest: f for f in files[:20]}
    decoded: list[int] = []

    def decode(*arguments: object) -> object:
        decoded.append(1)
        return decoding.decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "decode", decode)
    encoder = ColourEncoder()
    batches = list(encode_files(files, encoder, known=digests.__contains__))
    copies = {digest: entry for batch in batches for entry, digest in batch.copies}
    assert copies == digests
    assert outcome(batches) == Counter({f.path.name: 1 for f in files})
    assert (len(decoded), encoder.calls) == (30, 30)


def test_entries_carry_the_stamp_of_what_was_read(tmp_path: Path) -> None:
    """A file that changed after the scan comes out with its new size and time."""
    path = paint(tmp_path / "a.png", "red")
    old = FileEntry(path=path, root=tmp_path, size=3, mtime_ns=5)
    [batch] = encode_files([old], ColourEncoder())
    assert batch.encoded[0].entry == entry_of(path)
    [batch] = encode_files([old], ColourEncoder(), known=lambda _: True)
    assert batch.copies[0][0] == entry_of(path)
    path.write_text("no picture any more")
    [batch] = encode_files([old], ColourEncoder())
    assert batch.failures[0][0] == entry_of(path)


def test_a_picture_that_the_encoder_refuses_fails_alone(files: list[FileEntry]) -> None:
    """A batch that the encoder fails on is tried again one by one."""

    def refuse_black(pixels: Pixels) -> None:
        if (pixels[:, :, 4, 4] == 0).all(axis=1).any():  # colour_of(0) is black
            raise ModelError("gave values that are no numbers")

    batches = list(encode_files(files, Encoder(refuse_black)))
    failures = [(e.path.name, reason) for batch in batches for e, reason in batch.failures]
    assert failures == [("00.png", "cannot be encoded: gave values that are no numbers")]
    assert outcome(batches) == Counter({f.path.name: 1 for f in files})


def test_too_little_memory_for_a_batch_is_retried_one_by_one(files: list[FileEntry]) -> None:
    """Pictures that do not fit into memory together are encoded alone."""

    def four_are_too_many(pixels: Pixels) -> None:
        if len(pixels) > 1:
            raise MemoryError

    batches = list(encode_files(files, Encoder(four_are_too_many)))
    assert sum(len(batch.encoded) for batch in batches) == len(files)


def test_a_broken_model_ends_the_run(files: list[FileEntry]) -> None:
    """When the encoder fails on noise too, the model is at fault and no file is blamed."""

    def broken(pixels: Pixels) -> None:
        raise ModelError("the graph cannot run")

    blamed: list[object] = []
    with pytest.raises(ModelError, match="the graph cannot run"):
        blamed.extend(f for batch in encode_files(files, Encoder(broken)) for f in batch.failures)
    assert blamed == []
    assert threads_left() == []


def test_all_pictures_of_a_chunk_may_be_refused(tmp_path: Path) -> None:
    """As long as the encoder takes noise, files that it refuses are failures like any other."""
    paths = [paint(tmp_path / f"{n}.png", (9, 9, 9), seed=n) for n in range(4)]

    def refuse_even(pixels: Pixels) -> None:
        if pixels.std() < 30:
            raise ModelError("cannot encode it")

    [batch] = encode_files([entry_of(p) for p in paths], Encoder(refuse_even))
    assert len(batch.failures) == 4


def test_a_bug_ends_the_run_after_what_is_done(files: list[FileEntry]) -> None:
    """An unforeseen error is raised as it is, after the files finished before it."""
    bound = threading.Event()

    def buggy(pixels: Pixels) -> None:
        if (pixels[:, :, 4, 4] == np.array(colour_of(49))).all(axis=1).any():
            bound.wait(20)
            raise KeyError("a bug")

    batches: list[Batch] = []

    def collected() -> Iterator[Batch]:
        for batch in encode_files(files, Encoder(buggy), workers=2, batch_size=4):
            yield batch
            if len(outcome(batches)) >= 40:
                bound.set()

    with pytest.raises(KeyError, match="a bug"):
        batches.extend(collected())
    assert len(outcome(batches)) >= 40
    assert threads_left() == []


def test_an_error_of_the_entries_is_raised_after_what_is_done(files: list[FileEntry]) -> None:
    """When the list of files breaks off, those that it gave are still encoded."""

    def breaking() -> Iterator[FileEntry]:
        yield from files[:33]
        raise LookupError("the list broke off")

    batches: list[Batch] = []
    with pytest.raises(LookupError, match="the list broke off"):
        batches.extend(encode_files(breaking(), ColourEncoder()))
    assert outcome(batches) == Counter({f.path.name: 1 for f in files[:33]})


def test_a_stop_keeps_what_is_finished(files: list[FileEntry]) -> None:
    """`should_stop` ends the run within moments; finished files come out, threads are gone."""
    stop = threading.Event()
    encoder = Encoder(lambda _: time.sleep(0.02))
    batches = []
    for batch in encode_files(
        files * 20, encoder, workers=2, batch_size=4, should_stop=stop.is_set
    ):
        batches.append(batch)
        if len(batches) == 3:
            stop.set()
            stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 5
    assert 12 <= sum(len(batch.encoded) for batch in batches) < 200
    assert threads_left() == []


def test_a_stop_is_seen_while_the_encoder_is_busy(files: list[FileEntry]) -> None:
    """A slow batch does not keep queued chunks from being dropped."""
    encoder = Encoder(lambda _: time.sleep(0.3))
    list(encode_files(files, encoder, workers=1, should_stop=lambda: len(encoder.batches) > 0))
    assert len(encoder.batches) == 1


def test_stopped_before_it_began(files: list[FileEntry]) -> None:
    """Nothing is read when the stop is there already."""
    encoder = Encoder()
    assert list(encode_files(files, encoder, should_stop=lambda: True)) == []
    assert encoder.batches == []


def test_closing_the_generator_ends_the_workers(files: list[FileEntry]) -> None:
    """A caller that goes away early leaves no thread behind."""
    with closing(encode_files(files * 20, ColourEncoder(), batch_size=4)) as batches:
        next(batches)
    assert threads_left() == []


def test_slow_files_are_given_out_before_the_batch_is_full(
    files: list[FileEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is written after a while, so that little is lost and progress is seen."""
    monkeypatch.setattr(pipeline, "_PATIENCE", 0.02)
    encoder = Encoder(lambda _: time.sleep(0.05))
    batches = list(encode_files(files, encoder, workers=1, batch_size=1000))
    assert len(batches) > 5


def test_memory_is_bounded_by_the_workers(
    files: list[FileEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are drawn as needed, and few decoded pictures exist at any time."""
    lock = threading.Lock()
    alive, drawn, finished, most, ahead = 0, 0, 0, 0, 0

    def decode(*arguments: object) -> object:
        nonlocal alive, most
        picture = decoding.decode(*arguments)  # type: ignore[arg-type]
        with lock:
            alive += 1
            most = max(most, alive)
        return picture

    def encoded(pixels: Pixels) -> None:
        nonlocal alive
        with lock:
            alive -= len(pixels)

    def entries() -> Iterator[FileEntry]:
        nonlocal drawn, ahead
        for entry in files * 10:
            drawn += 1
            ahead = max(ahead, drawn - finished)
            yield entry

    monkeypatch.setattr(pipeline, "decode", decode)
    for batch in encode_files(entries(), Encoder(encoded), workers=2, batch_size=8):
        time.sleep(0.005)  # a caller slower than the workers
        finished += len(batch.encoded)
    assert finished == drawn == len(files) * 10
    assert most <= 2 * pipeline.CHUNK
    assert ahead < 150


def test_huge_files_are_decoded_one_at_a_time(
    files: list[FileEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two large scans never stand in memory together, however many workers there are."""
    monkeypatch.setattr(pipeline, "LARGE", 1)
    inside, most = 0, 0

    def decode(*arguments: object) -> object:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1
        return decoding.decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "decode", decode)
    assert len(outcome(encode_files(files, ColourEncoder(), workers=4))) == len(files)
    assert most == 1


INTERRUPTED = """
import sys, time
from pathlib import Path
from painting import ColourEncoder
from soutu.images.source import scan
from soutu.library.pipeline import encode_files

class Slow(ColourEncoder):
    def encode_images(self, pixels):
        print("busy\\n", end="", flush=True)
        time.sleep(0.2)
        return super().encode_images(pixels)

try:
    list(encode_files(list(scan([sys.argv[1]])) * 100, Slow()))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_process_at_once(files: list[FileEntry]) -> None:
    """An interrupt in the caller's thread stops the workers; the process ends by itself."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(files[0].root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "busy\n"
    child.send_signal(signal.SIGINT)
    told, errors = child.communicate(timeout=20)
    assert (told.splitlines()[-1], errors, child.returncode) == ("interrupted", "", 0)
