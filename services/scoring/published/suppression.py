"""Which cells of a published result are withheld, so that nobody learns what the few raters of a small place said. Pure.

A figure stands on a number of ratings, services or cases: a row of ratings (own, assisted, imported, default, follow-ups and so on) on how
many there are, an indicator on its denominator. Each kind of figure is looked at by itself, over the whole tree of nodes:

1. A figure on 1 to `min_n - 1` is withheld. 0 is shown: it is nobody's.
2. What is withheld must not follow from its total and its siblings. Of the children of a total that is shown, those withheld (with what
   the total has beyond its children) are at least two, come to at least `min_n`, and to more than one each. As long as they do not, the
   next smallest child is withheld too; if no child is left, the total is.
3. What lies below a withheld total is withheld.
4. An indicator over ratings is withheld where one of the rows that it is made of is; so are the shares of services that were rated, or not.

Inside a row that is shown the levels are shown, however few: that one of three hundred was very dissatisfied is what is published. Of a
row that is withheld no level is shown. In the same way overruns are shown wherever the finished services are.

It does not keep from guessing someone who knows who was there. It does not hide that all ratings of a group are of one level. And it does
not bear on what two results say together: a revision beside the one before it, or a quarter beside its months, tells what came between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoring.figures.indicators import GIVEN, INDICATORS, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policy.rules import Policy
    from scoring.figures.indicators import Rate

    Sizes = Mapping[str, int]
    # The children of each total, table by table: those of one table are parts of its figures, and no two of them overlap.
    Tables = Mapping[str, Sequence[Sequence[str]]]

_PART_OF = {"explained_overrun_rate": "within_limit_rate"}


class Closed:
    """Of each kind of figure the nodes at which it is withheld: by row, by indicator, and for what is counted over all given ratings."""

    def __init__(
        self, tables: Tables, root: str, totals: Mapping[str, Sizes], rates: Mapping[str, Mapping[str, Rate]], policy: Policy
    ) -> None:
        """`totals` are the sizes of each row, `rates` the indicators, of each node."""
        self.root, self._tables, self._policy = root, tables, policy
        self.rows = {row: self._closed({node: held[row] for node, held in totals.items()}) for row in totals[root]}
        self.given = self._closed({node: sum(held[row] for row in GIVEN) for node, held in totals.items()})
        self.indicators = {name: self._closed_for(name, rates) for name in INDICATORS}

    def _closed_for(self, indicator: str, rates: Mapping[str, Mapping[str, Rate]]) -> frozenset[str]:
        standing_on = _PART_OF.get(indicator, indicator)
        sizes = {node: held[standing_on].denominator for node, held in rates.items()}
        return self._closed(sizes, frozenset().union(*(self.rows[row] for row in rows_of(indicator, self._policy))))

    def _closed(self, sizes: Sizes, forced: frozenset[str] = frozenset()) -> frozenset[str]:
        return withheld(self._tables, self.root, sizes, self._policy.min_n, forced)


def withheld(tables: Tables, root: str, sizes: Sizes, min_n: int, forced: frozenset[str] = frozenset()) -> frozenset[str]:
    """The nodes at which a figure of these sizes is withheld, by the rules above and where it is `forced`; never one of size 0."""
    closed = {node for node, size in sizes.items() if 0 < size < min_n or (size and node in forced)}
    totals = [root]
    for total in totals:  # grows while it is walked, from the top down
        for children in tables.get(total, ()):
            totals += children
            if total in closed:
                closed.update(node for node in children if sizes[node])
            elif not _cover(total, [node for node in children if sizes[node]], sizes, min_n, closed):
                return withheld(tables, root, sizes, min_n, forced | {total})
    return frozenset(closed)


def _cover(total: str, children: list[str], sizes: Sizes, min_n: int, closed: set[str]) -> bool:
    """Closes further children until none follows from their total; False if there are not enough of them."""
    beyond = abs(sizes[total] - sum(sizes[node] for node in children))
    hidden = [sizes[node] for node in children if node in closed]
    if not hidden and not 0 < beyond < min_n:
        return True
    hidden += [beyond] if beyond else []
    shown = sorted((node for node in children if node not in closed), key=lambda node: (sizes[node], node))
    while len(hidden) < 2 or sum(hidden) < max(min_n, len(hidden) + 1):
        if not shown:
            return False
        closed.add(shown[0])
        hidden.append(sizes[shown.pop(0)])
    return True
