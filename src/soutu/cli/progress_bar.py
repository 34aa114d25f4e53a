"""The progress bar of a terminal: stage, bar, count, rate and time left."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, ProgressColumn, Task, TaskID
from rich.progress import Progress as RichProgress
from rich.text import Text

from soutu.cli.display import duration
from soutu.cli.progress import STAGES

if TYPE_CHECKING:
    from soutu.cli.interrupts import StopRequest
    from soutu.types import Progress

NARROW = 70
"""Terminals with fewer columns get no bar, so that the figures stay whole."""


class ProgressBar:
    """Draw one bar per stage; a stage that is over leaves nothing behind."""

    def __init__(self, stop: StopRequest, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        columns: list[ProgressColumn] = [_Stage(stop), _Done(), _Rate(), _Left()]
        if console.width >= NARROW:
            columns.insert(1, BarColumn(bar_width=None))
        self._bar = _Bar(*columns, console=console, transient=True, expand=True)
        self._task: TaskID | None = None
        self._stage = ""

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Draw where the work is."""
        if self._task is None or progress.stage != self._stage:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._stage = progress.stage
            self._task = self._bar.add_task(
                progress.stage, total=progress.total, completed=progress.done, failed=0
            )
        self._bar.update(
            self._task, completed=progress.done, total=progress.total, failed=progress.failed
        )


class _Bar(RichProgress):
    """End before the last columns: a `^C` that the terminal echoes there must not wrap."""

    def get_renderables(self) -> Iterable[RenderableType]:
        return map(_Spared, super().get_renderables())


class _Spared:
    """Draw something three columns narrower than there is room."""

    def __init__(self, drawn: RenderableType) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._drawn, options.update(width=options.max_width - 3))


class _Stage(ProgressColumn):
    """What is being done; drawn anew many times a second, so Ctrl-C is answered at once."""

    def __init__(self, stop: StopRequest) -> None:
        super().__init__()
        self._stop = stop

    def render(self, task: Task) -> Text:
        stage = "stopping" if self._stop() else STAGES[task.description]
        failed = task.fields["failed"]
        return Text(f"{stage}, {failed:,} failed" if failed else stage, no_wrap=True)


class _Done(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit, of = _unit(task), ""
        if task.total is not None:
            of = f"/{task.total / unit:,.0f}"
        return Text(f"{task.completed / unit:,.0f}{of}{_suffix(task)}", no_wrap=True)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        rate = speed / _unit(task)
        digits = 1 if rate < 10 else 0
        return Text(f"{rate:,.{digits}f}{_suffix(task)}/s", style="dim", no_wrap=True)


class _Left(ProgressColumn):
    def render(self, task: Task) -> Text:
        left = task.time_remaining
        return Text("" if left is None else f"{duration(left)} left", style="dim", no_wrap=True)


def _unit(task: Task) -> float:
    return 1e6 if task.description == "download" else 1.0


def _suffix(task: Task) -> str:
    return " MB" if task.description == "download" else ""
