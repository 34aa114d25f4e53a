"""Encode the texts of many threads in one run of the model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soutu.errors import SoutuError

if TYPE_CHECKING:
    from soutu.models.base import Encoder, EncoderFacts
    from soutu.types import Pixels, Vectors

MAX_BATCH = 64
"""Texts of one run; more gain nothing on a CPU and make the first caller wait for the last."""


@dataclass(eq=False)
class _Request:
    texts: Sequence[str]
    vectors: Vectors | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.vectors is not None or self.error is not None


class BatchingEncoder:
    """Wrap an encoder so that texts asked for at the same time are encoded together.

    Nobody waits for company: the first caller starts at once, and those who come while the model
    is busy share its next run. Safe to call from many threads.
    """

    def __init__(self, encoder: Encoder, *, max_batch: int = MAX_BATCH) -> None:
        self._encoder, self._max_batch = encoder, max_batch
        self._turn = threading.Condition()
        self._waiting: list[_Request] = []
        self._running = False

    @property
    def facts(self) -> EncoderFacts:
        """What the space of this encoder is."""
        return self._encoder.facts

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Encode uint8 pictures [n, 3, height, width] into unit vectors [n, dim]."""
        return self._encoder.encode_images(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts into unit vectors [n, dim]."""
        mine = _Request(texts)
        with self._turn:
            self._waiting.append(mine)
            while not mine.done:
                if self._running:
                    self._turn.wait()
                    continue
                batch, self._running = self._take(), True
                self._turn.release()
                try:
                    self._run(batch)
                finally:
                    self._turn.acquire()
                    self._running = False
                    self._turn.notify_all()
        if mine.error is not None:
            raise mine.error
        assert mine.vectors is not None
        return mine.vectors

    def close(self) -> None:
        """Release the model's memory."""
        self._encoder.close()

    def _take(self) -> list[_Request]:
        """Take the requests of the next run: as many as fit, at least one."""
        batch = [self._waiting.pop(0)]
        size = len(batch[0].texts)
        while self._waiting and size + len(self._waiting[0].texts) <= self._max_batch:
            size += len(self._waiting[0].texts)
            batch.append(self._waiting.pop(0))
        return batch

    def _run(self, batch: list[_Request]) -> None:
        try:
            vectors = self._encoder.encode_texts([text for each in batch for text in each.texts])
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for each in batch:  # only the request at fault may fail
                self._run([each])
            return
        except BaseException:  # Ctrl-C is for its own thread; the others must not wait for ever
            for each in batch:
                each.error = SoutuError("encoding was interrupted. Ask again")
            raise
        start = 0
        for each in batch:
            each.vectors = vectors[start : start + len(each.texts)]
            start += len(each.texts)
