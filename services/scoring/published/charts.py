"""The charts of a published page as inline SVG, and its numbers as text. Pure.

Positions are percentages of a chart's own width, so that it fits a telephone and a sheet of paper alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoring.published.results import Figure, Figures, Row

COLOURS = dict(zip(Level, ("#1b7f5c", "#63ad86", "#c9b458", "#d9772b", "#b3261e"), strict=True))
GOOD, BAD, FEW = COLOURS[Level.SATISFIED], COLOURS[Level.VERY_DISSATISFIED], "#d5d9e0"
WITHHELD = "<span class='few'>不公布 withheld</span>"
_EMPTY = "#f0f2f5"
# Where a scale of shares begins: at the highest of these that nothing lies below.
_FLOORS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
_FOOT, _TALL = 140, 130


def share(value: float) -> str:
    """A share in percent; finer where it would look like none or all of it."""
    rough = f"{value:.2%}"
    return f"{value:.4%}" if rough in {"0.00%", "100.00%"} and value not in {0, 1} else rough


def rate(figure: Figure, *, is_mean: bool = False) -> str:
    """The rate of a figure, or that it is withheld, or that there is none."""
    if figure.suppressed:
        return WITHHELD
    if figure.rate is None:
        return "—"
    return f"{figure.rate:.2f}" if is_mean else share(figure.rate)


def counts(figure: Figure) -> str:
    """Numerator and denominator, empty where they are withheld."""
    return "" if figure.numerator is None or figure.denominator is None else f"{figure.numerator:,} / {figure.denominator:,}"


def interval(figure: Figure) -> str:
    """The confidence interval, empty where there is none."""
    return "" if figure.low is None or figure.high is None else f"{share(figure.low)} – {share(figure.high)}"


def floor_of(figures: Iterable[Figure]) -> float:
    """Where the scale begins on which all of these are shown."""
    lowest = min((figure.low for figure in figures if figure.low is not None), default=0.0)
    return max(step for step in _FLOORS if step <= lowest)


def bar(name: str, chart: str, value: str) -> str:
    """A line of a chart: name, drawing, number; all HTML already."""
    return f"<div class='bar'><div class='name'>{name}</div>{chart}<div class='value'>{value}</div></div>"


def axis(floor: float) -> str:
    """The ends of a scale of shares."""
    return f"<div class='bar axis'><div><span>{100 * floor:.3g}%</span><span>100%</span></div></div>"


def whisker(figure: Figure, floor: float) -> str:
    """The interval as a line, the rate as a dot, on a scale from the floor to 1."""
    drawn = "<line x1='0' x2='100%' y1='9' y2='9' stroke='#e4e7ec'/>"
    if figure.rate is not None and figure.low is not None and figure.high is not None:
        low, at, high = (f"{100 * (value - floor) / (1 - floor):.2f}%" for value in (figure.low, figure.rate, figure.high))
        drawn += f"<line x1='{low}' x2='{high}' y1='9' y2='9' stroke='#9cc9b4' stroke-width='6' stroke-linecap='round'/>"
        drawn += f"<circle cx='{at}' cy='9' r='5' fill='#14604a'/>"
    return f"<svg height='18' aria-hidden='true'>{drawn}</svg>"


def length(part: float, colour: str) -> str:
    """A bar as long as its part (0 to 1) of the whole."""
    return f"<svg height='14' aria-hidden='true'>{_rect(0, 100, 14, _EMPTY)}{_rect(0, 100 * part, 14, colour)}</svg>"


def stack(row: Row) -> str:
    """The levels of a row as parts of the whole; one that somebody gave stays visible, however small."""
    drawn, x = _rect(0, 100, 16, _EMPTY), 0.0
    for level, colour in COLOURS.items():
        if row.total and (number := (row.cells or {}).get(level, 0)):
            width = 100 * number / row.total
            seen = max(width, 0.4)
            drawn += _rect(min(x, 100 - seen), seen, 16, colour, f"{level.zh} {number:,}")
            x += width
    return f"<svg height='16' aria-hidden='true'>{drawn}</svg>"


def columns(times: Sequence[Figures], most: int) -> str:
    """The raters' own ratings day by day, or month by month, the bad ones at the foot of each column; `most` is the highest."""
    drawn = "".join(_column(n, len(times), held, most) for n, held in enumerate(times))
    return f"<svg height='164' aria-hidden='true'>{drawn}<line x1='0' x2='100%' y1='{_FOOT}.5' y2='{_FOOT}.5' stroke='#c9ced6'/></svg>"


def _column(n: int, of: int, held: Figures, most: int) -> str:
    x, width, row = 100 * n / of, 78 / of, held.rows["own"]
    name = held.id[8:] if held.kind == "day" else held.id[5:]
    label = f"<text x='{x + width / 2:.2f}%' y='{_FOOT + 17}' text-anchor='middle'>{name}</text>" if of <= 12 or n % 5 == 0 else ""
    if row.total is None:
        return _rect(x, width, 6, FEW, f"{held.id}: 不公布 withheld", _FOOT) + label
    bad = sum((row.cells or {}).get(level, 0) for level in Level if level.is_bad)
    told = f"{held.id}: {row.total:,}，差评 bad {bad:,}"
    low = max(_TALL * bad / most, 1.5) if bad else 0
    return _rect(x, width, _TALL * row.total / most, GOOD, told, _FOOT) + _rect(x, width, low, BAD, told, _FOOT) + label


def _rect(x: float, width: float, height: float, colour: str, told: str = "", foot: float | None = None) -> str:
    y = 0 if foot is None else foot - height
    title = f"<title>{told}</title>" if told else ""
    return f"<rect x='{x:.2f}%' y='{y:.1f}' width='{width:.2f}%' height='{height:.1f}' fill='{colour}'>{title}</rect>"
