"""One review: which question is next, and what an answer does; no word about keys or screens."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from soutu.cli.display import count

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.library.tagging.base import ReviewOrder
    from soutu.types import Question

Answer: TypeAlias = Literal["yes", "no", "skip"]


@dataclass(frozen=True, kw_only=True)
class _Given:
    question: Question
    answer: Answer
    change: int | None
    """The number that the answer has in the history; None for a skip."""


class Review:
    """Ask, remember what was answered, and take it back."""

    def __init__(
        self, library: Library, *, tag: str | None, by: ReviewOrder, page: int, who: str | None
    ) -> None:
        self._library = library
        self._tag, self._by, self._page, self._who = tag, by, page, who
        self._waiting: deque[Question] = deque()
        self._given: list[_Given] = []

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
        skipped = {
            (given.question.id, given.question.tag)
            for given in self._given
            if given.answer == "skip"
        }
        chosen = self._library.review(tag=self._tag, by=self._by, k=self._page + len(skipped))
        return [each for each in chosen if (each.id, each.tag) not in skipped][: self._page]

    def answer(self, answer: Answer) -> None:
        """Keep the answer to the current question and go on to the next.

        Raises InputError when its picture or tag is gone by now; the question is then over.
        """
        question = self._waiting.popleft()
        change = None
        if answer != "skip":
            yes, no = ((question.tag,), ()) if answer == "yes" else ((), (question.tag,))
            self._library.labels.set(question.id, yes=yes, no=no, who=self._who)
            change = self._last_change()
        self._given.append(_Given(question=question, answer=answer, change=change))

    def undo(self) -> bool:
        """Take the last answer back, so that its question is asked again; False without any."""
        if not self._given:
            return False
        last = self._given.pop()
        if last.answer != "skip":
            # Undone in the history, unless something else was changed there since.
            if last.change is not None and last.change == self._last_change():
                self._library.labels.undo(who=self._who)
            else:
                self._library.labels.set(
                    last.question.id, clear=(last.question.tag,), who=self._who
                )
        self._waiting.appendleft(last.question)
        return True

    def _last_change(self) -> int | None:
        changes = self._library.tags.history(limit=len(self._given) + 20)
        return next((change.number for change in changes if not change.undone), None)

    def summary(self) -> str:
        """Write what was answered, as `12 answers: 8 yes, 4 no; 3 skipped`."""
        answers = [given.answer for given in self._given]
        yes, no, skipped = (answers.count(each) for each in ("yes", "no", "skip"))
        parts = [f"{count(yes + no, 'answer')} kept: {yes:,} yes, {no:,} no"]
        parts += [f"{skipped:,} skipped"] if skipped else []
        return ", ".join(parts) if yes or no else "Nothing answered."
