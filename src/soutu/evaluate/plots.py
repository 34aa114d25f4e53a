"""Plots as small SVG drawings, with nothing but strings.

They carry their own colours for light and dark, so that they read well in a page and alone, and are
drawn 360 units wide, so that their text is still text on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soutu.metrics.resampling import Interval

WIDTH = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 10, 34
_BAR = 17  # height of a row
_NAME = 128  # room for a row's name
_LETTERS = 21
_SERIES = 6  # colours

_STYLE = """<style>
.sp{font:11px system-ui,sans-serif;--ink:#1f2328;--dim:#656d76;--line:#d0d7de;--s0:#0969da;
--s1:#bc4c00;--s2:#1a7f37;--s3:#8250df;--s4:#bf3989;--s5:#7d6608}
@media (prefers-color-scheme:dark){.sp{--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--s0:#58a6ff;
--s1:#f0883e;--s2:#3fb950;--s3:#bc8cff;--s4:#f778ba;--s5:#d4b106}}
.sp text{fill:var(--ink)}.sp .d{fill:var(--dim)}.sp .g{stroke:var(--line);fill:none}
</style>"""


def reliability(
    centres: Sequence[float], rates: Sequence[float], counts: Sequence[int], *, name: str
) -> str:
    """Draw how often what was said with a probability came true, one dot a bin.

    `centres` are mean probabilities, `rates` shares that came true; bins without a count are left
    out. A dot's area grows with its count. A perfect model's dots lie on the diagonal.
    """
    area = _Area(height=260)
    most = max([1, *counts])
    drawn = [area.frame("said", "came true"), area.line([(0.0, 0.0), (1.0, 1.0)], "g", dash=True)]
    for x, y, count in zip(centres, rates, counts, strict=True):
        if count:
            radius = 2.5 + 7.5 * math.sqrt(count / most)
            tip = f"said {x:.2f}, came true {y:.2f}, {count:,} times"
            drawn.append(
                f'<circle cx="{area.x(x):.1f}" cy="{area.y(y):.1f}" r="{radius:.1f}" '
                f'fill="var(--s0)" fill-opacity=".65"><title>{tip}</title></circle>'
            )
    return _svg(area.height, drawn, name)


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]], *, name: str, x: str, y: str
) -> str:
    """Draw lines through points over a logarithmic x from 1 on, y from 0 to 1."""
    largest = max([10.0, *(point[0] for points in series.values() for point in points)])
    decades = math.ceil(math.log10(largest) - 1e-9)
    legend = 14 * len(series) if len(series) > 1 else 0
    area = _Area(height=250 + legend, above=legend)
    ticks = [(power / decades, f"{10**power:,}") for power in range(decades + 1)]
    drawn = [area.frame(x, y, ticks)]
    for number, (label, points) in enumerate(series.items()):
        path = [(math.log10(max(1.0, px)) / decades, py) for px, py in points]
        colour = f"var(--s{number % _SERIES})"
        drawn.append(area.line(path, colour))
        if legend:
            at = 12 + 14 * number
            drawn.append(
                f'<path d="M{_LEFT} {at - 4}h16" stroke="{colour}" stroke-width="2.5"/>'
                f'<text x="{_LEFT + 22}" y="{at}">{_short(label, 50)}</text>'
            )
    return _svg(area.height, drawn, name)


def bars(rows: Sequence[tuple[str, Interval]], *, name: str) -> str:
    """Draw a bar from 0 to 1 for each row, with a whisker for its interval."""
    height = _BAR * len(rows) + 24
    scale = WIDTH - _NAME - _RIGHT - 34
    drawn = []
    for number, (label, value) in enumerate(rows):
        if not math.isfinite(value.estimate):
            continue
        top = number * _BAR + 4
        middle = top + _BAR / 2 - 2
        length = scale * min(max(value.estimate, 0.0), 1.0)
        drawn.append(
            f"{_row_name(label, middle)}"
            f'<rect x="{_NAME}" y="{top}" width="{length:.1f}" height="{_BAR - 5}" rx="2" '
            f'fill="var(--s0)" fill-opacity=".75"/>'
            f"{_whisker(_NAME + scale * _inside(value.low), _NAME + scale * _inside(value.high), middle)}"
            f'<text class="d" x="{WIDTH - _RIGHT}" y="{middle + 4}" text-anchor="end">'
            f"{100 * value.estimate:.1f}</text>"
        )
    drawn.append(_axis(_NAME, scale, height, [(0.0, "0"), (0.5, "50"), (1.0, "100")]))
    return _svg(height, drawn, name)


def differences(rows: Sequence[tuple[str, Interval]], *, name: str) -> str:
    """Draw intervals of differences around a line at zero (a forest plot), in points of 100."""
    finite = [
        abs(edge)
        for _, value in rows
        for edge in (value.low, value.high, value.estimate)
        if math.isfinite(edge)
    ]
    reach = max([0.01, *finite]) * 1.1
    height = _BAR * len(rows) + 24
    scale = WIDTH - _NAME - _RIGHT - 40
    zero = _NAME + scale / 2
    drawn = [f'<path class="g" d="M{zero} 0V{height - 20}"/>']
    for number, (label, value) in enumerate(rows):
        if not math.isfinite(value.estimate):
            continue
        middle = number * _BAR + _BAR / 2 + 2

        def at(edge: float) -> float:
            return zero + scale / 2 * (edge / reach if math.isfinite(edge) else 0.0)

        colour = "var(--dim)"
        if value.low > 0 or value.high < 0:
            colour = "var(--s2)" if value.estimate > 0 else "var(--s1)"
        drawn.append(
            f"{_row_name(label, middle)}{_whisker(at(value.low), at(value.high), middle)}"
            f'<circle cx="{at(value.estimate):.1f}" cy="{middle}" r="4" fill="{colour}"/>'
            f'<text class="d" x="{WIDTH - _RIGHT}" y="{middle + 4}" text-anchor="end">'
            f"{100 * value.estimate:+.1f}</text>"
        )
    edge = f"{100 * reach:.1f}" if reach < 0.1 else f"{100 * reach:.0f}"
    drawn.append(_axis(_NAME, scale, height, [(0.0, f"−{edge}"), (0.5, "0"), (1.0, f"+{edge}")]))
    return _svg(height, drawn, name)


class _Area:
    """A square of data, 0..1 both ways, inside a drawing."""

    def __init__(self, *, height: int, above: int = 0) -> None:
        self.height = height
        self._top = _TOP + above
        self._bottom = height - _BOTTOM

    def x(self, share: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * _inside(share)

    def y(self, share: float) -> float:
        return self._bottom - (self._bottom - self._top) * _inside(share)

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, *, dash: bool = False
    ) -> str:
        path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        if dash:
            return f'<path class="g" d="M{path}" stroke-dasharray="4 3"/>'
        return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'

    def frame(self, x: str, y: str, ticks: Sequence[tuple[float, str]] | None = None) -> str:
        quarters = [(step / 4, f"{step / 4:g}") for step in range(5)]
        drawn = []
        for share, label in quarters:
            at = self.y(share)
            drawn.append(
                f'<path class="g" d="M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}"/>'
                f'<text class="d" x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{label}</text>'
            )
        for share, label in ticks or quarters:
            anchor = "end" if share > 0.95 else "middle"
            drawn.append(
                f'<text class="d" x="{self.x(share):.1f}" y="{self._bottom + 14}" '
                f'text-anchor="{anchor}">{label}</text>'
            )
        middle = (self._top + self._bottom) / 2
        drawn.append(
            f'<text x="{(WIDTH + _LEFT) / 2}" y="{self.height - 5}" text-anchor="middle">'
            f"{escape(x)}</text>"
            f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(y)}</text>"
        )
        return "".join(drawn)


def _svg(height: float, drawn: Sequence[str], name: str) -> str:
    title = escape(name)
    return (
        f'<svg class="sp" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'role="img" aria-label="{title}">{_STYLE}<title>{title}</title>{"".join(drawn)}</svg>'
    )


def _axis(left: float, width: float, height: float, ticks: Sequence[tuple[float, str]]) -> str:
    return "".join(
        f'<text class="d" x="{left + width * share:.1f}" y="{height - 6}" text-anchor="middle">'
        f"{label}</text>"
        for share, label in ticks
    )


def _row_name(label: str, middle: float) -> str:
    return (
        f'<text x="{_NAME - 6}" y="{middle + 4}" text-anchor="end">{_short(label, _LETTERS)}'
        f"<title>{_safe(label)}</title></text>"
    )


def _whisker(low: float, high: float, middle: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return (
        f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 3}v6M{high:.1f} '
        f'{middle - 3}v6" stroke="var(--ink)" fill="none"/>'
    )


def _inside(share: float) -> float:
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0


def _short(label: str, letters: int) -> str:
    return _safe(label if len(label) <= letters else f"{label[: letters - 1]}…")


def _safe(text: str) -> str:
    return escape("".join(char if char.isprintable() else "�" for char in text))
