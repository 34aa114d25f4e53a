"""Answers to searches in the form they are sent, and how many are worked on at a time."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from anyio import CapacityLimiter

_KEPT_BYTES = 32 * 1024 * 1024


class Searches:
    """Keep what was answered until the library changes. Use it from the event loop alone.

    A question that comes again costs no thread, no parsing and no writing. New ones are worked
    on by few threads: Python runs one at a time, and each more only makes all of them, and the
    loop that takes requests, wait longer for their turn.
    """

    def __init__(self) -> None:
        self.gate = CapacityLimiter(max(2, os.cpu_count() or 2))
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._stamp: int | None = None

    async def answer(
        self, question: bytes, stamp: int, work: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """Return the answer to a question, which is worked out unless it is known.

        `stamp` is the library's state, as `Library.changes` tells it.
        """
        if stamp != self._stamp:
            self._answers.clear()
            self._bytes, self._stamp = 0, stamp
        known = self._answers.get(question)
        if known is not None:
            self._answers.move_to_end(question)
            return known
        found = await work()
        if stamp == self._stamp and question not in self._answers:
            self._answers[question] = found
            self._bytes += len(question) + len(found)
            while self._bytes > _KEPT_BYTES:
                old, answer = self._answers.popitem(last=False)
                self._bytes -= len(old) + len(answer)
        return found
