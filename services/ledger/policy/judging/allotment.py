"""The best way to allot amounts under limits that cross each other: an exact linear programme in whole numbers.

It knows nothing of credits. The same question always has the same answer, whatever the machine; nothing is rounded.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple


class Limit(NamedTuple):
    """The sum of the variables, each times its factor, is at most `most`, which is not below zero."""

    factors: Mapping[int, int]
    most: int


class Allotment(NamedTuple):
    """How much every variable takes, and which limits (by place in the question) leave nothing over."""

    taken: tuple[Fraction, ...]
    tight: frozenset[int]


def allot(variables: int, limits: Sequence[Limit], wishes: Sequence[Mapping[int, int]]) -> Allotment:
    """The variables, none below zero, that fulfil the first wish best, among those the second, and so on.

    A wish is a weighted sum to be made as large as possible; every variable with a positive weight must be limited.
    """
    table = _Table(variables, limits, wishes)
    while (column := table.entering()) is not None:
        table.pivot(table.leaving(column), column)
    return table.answer()


class _Table:
    """The simplex method on whole numbers with one common denominator, one column for each variable outside the basis.

    Bland's rule, the lowest name first, keeps it from going round in circles.
    """

    def __init__(self, variables: int, limits: Sequence[Limit], wishes: Sequence[Mapping[int, int]]) -> None:
        self.variables = variables
        self.rows = [[limit.factors.get(n, 0) for n in range(variables)] + [limit.most] for limit in limits]
        self.wishes = [[wish.get(n, 0) for n in range(variables)] + [0] for wish in wishes]
        self.outside = list(range(variables))
        self.basis = list(range(variables, variables + len(limits)))
        self.denominator = 1

    def entering(self) -> int | None:
        """The column by which the first wish that can still grow does."""
        best: int | None = None
        for column, name in enumerate(self.outside):
            if (best is None or name < self.outside[best]) and self._grows(column):
                best = column
        return best

    def _grows(self, column: int) -> bool:
        gains = (wish[column] for wish in self.wishes)
        return next((gain for gain in gains if gain), 0) > 0

    def leaving(self, column: int) -> int:
        """The row that is used up first as the column grows."""
        best: int | None = None
        for row, values in enumerate(self.rows):
            if values[column] <= 0:
                continue
            if best is not None:
                known = self.rows[best]
                here, there = values[-1] * known[column], known[-1] * values[column]
                if here > there or (here == there and self.basis[row] > self.basis[best]):
                    continue
            best = row
        assert best is not None, "every variable that is wished for is limited"
        return best

    def pivot(self, row: int, column: int) -> None:
        """Let the column's variable take the row's place in the basis."""
        chosen = self.rows[row]
        by, old = chosen[column], self.denominator
        for values in (*self.rows, *self.wishes):
            if values is chosen:
                continue
            factor = values[column]
            for n, there in enumerate(chosen):
                if n != column:
                    values[n] = (values[n] * by - factor * there) // old
            values[column] = -factor
        chosen[column] = old
        self.denominator = by
        self.outside[column], self.basis[row] = self.basis[row], self.outside[column]

    def answer(self) -> Allotment:
        """The amounts, read off the basis; what is outside it takes nothing, and a limit outside it is tight."""
        taken = [Fraction(0)] * self.variables
        over = {name for name, values in zip(self.basis, self.rows, strict=True) if values[-1]}
        for name, values in zip(self.basis, self.rows, strict=True):
            if name < self.variables:
                taken[name] = Fraction(values[-1], self.denominator)
        tight = frozenset(n for n in range(len(self.rows)) if n + self.variables not in over)
        return Allotment(tuple(taken), tight)
