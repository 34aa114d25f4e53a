"""One review: which question is next, and what an answer does; no word about keys or screens."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from soutu.cli.display import count
from soutu.errors import InputError

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.library.tagging.base import ReviewOrder
    from soutu.types import Label, Question

Answer: TypeAlias = Literal["yes", "no", "skip"]


@dataclass(frozen=True, kw_only=True)
class _Given:
    question: Question
    answer: Answer
    label: Label | None
    """What the answer left behind; None where it changed nothing."""


class Review:
    """Ask, remember what was answered, and take it back."""

    def __init__(
        self, library: Library, *, tag: str | None, by: ReviewOrder, page: int, who: str | None
    ) -> None:
        self._library = library
        self._tag, self._by, self._page, self._who = tag, by, page, who
        self._waiting: deque[Question] = deque()
        self._given: list[_Given] = []
        self._used_up: set[str] = set()  # tags all of whose questions were skipped or answered

    @property
    def asked(self) -> int:
        """How many questions have an answer, skips among them."""
        return len(self._given)

    def question(self) -> Question | None:
        """Return the question to ask now; None when none is left."""
        if not self._waiting:
            self._waiting.extend(self._more())
        return self._waiting[0] if self._waiting else None

    def _more(self) -> list[Question]:
        """Choose a new page: skipped questions are not asked again."""
        skipped = {_key(given.question) for given in self._given if given.answer == "skip"}
        found = self._chosen(self._tag, skipped)
        if found or not skipped or self._tag is not None:
            return found
        # The library spreads a page over a few tags, and all of those were skipped. A tag by
        # itself gives all of its questions.
        for name in [tag.name for tag in self._library.tags]:
            if name not in self._used_up:
                found = self._chosen(name, skipped)
                if found:
                    return found
                self._used_up.add(name)
        return []

    def _chosen(self, tag: str | None, skipped: Set[tuple[int, str]]) -> list[Question]:
        passed = sum(tag in (None, name) for _, name in skipped)
        chosen = self._library.review(tag=tag, by=self._by, k=self._page + passed)
        return [each for each in chosen if _key(each) not in skipped][: self._page]

    def answer(self, answer: Answer) -> None:
        """Keep the answer to the current question and go on to the next.

        Raises InputError when its picture or tag is gone by now; the question is then over.
        """
        question = self._waiting.popleft()
        label = None
        if answer != "skip":
            yes, no = ((question.tag,), ()) if answer == "yes" else ((), (question.tag,))
            if self._library.labels.set(question.id, yes=yes, no=no, who=self._who):
                label = self._label(question)
        self._given.append(_Given(question=question, answer=answer, label=label))

    def undo(self) -> bool:
        """Take the last answer back, so that its question is asked again; False without any.

        What others said before it is back then. What they said since stays, and so does an
        answer that became part of a later change, such as a merge.
        """
        if not self._given:
            return False
        last = self._given.pop()
        with suppress(InputError):
            if last.label is not None and last.label == self._label(last.question):
                self._library.labels.undo((last.question.id, last.question.tag), who=self._who)
        self._waiting.appendleft(last.question)
        self._used_up.discard(last.question.tag)
        return True

    def _label(self, question: Question) -> Label | None:
        found = self._library.labels.all(picture=question.id, tag=question.tag)
        return found[0] if found else None

    def summary(self) -> str:
        """Write what was answered, as `12 answers: 8 yes, 4 no; 3 skipped`."""
        answers = [given.answer for given in self._given]
        yes, no, skipped = (answers.count(each) for each in ("yes", "no", "skip"))
        parts = [f"{count(yes + no, 'answer')} kept: {yes:,} yes, {no:,} no"]
        parts += [f"{skipped:,} skipped"] if skipped else []
        return ", ".join(parts) if yes or no else "Nothing answered."


def _key(question: Question) -> tuple[int, str]:
    return question.id, question.tag
