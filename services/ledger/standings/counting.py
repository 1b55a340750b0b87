"""What standings add up to: the changes of counts that follow from rows before and after."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from services.ledger.standings.standing import Standing

CountKey = tuple[int, str, str]
"""Year, place and status."""
MetKey = tuple[int, str, date]
"""Year, place and the day on which it was met."""
_ZERO = Decimal(0)


class Tally:
    """Differences of counts, gathered row by row: persons, made up, late and credits; and those who met the year by day."""

    def __init__(self) -> None:
        self._counts: dict[CountKey, tuple[int, int, int, Decimal]] = defaultdict(lambda: (0, 0, 0, _ZERO))
        self._met: dict[MetKey, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def add(self, rows: Iterable[Standing], sign: int = 1) -> None:
        """Count rows in, or out with a sign of -1."""
        for row in rows:
            key = (row.year, row.place, row.status)
            persons, made_up, late, credits = self._counts[key]
            self._counts[key] = (
                persons + sign,
                made_up + sign * row.made_up,
                late + sign * row.late,
                credits + sign * row.total,
            )
            if row.met_on is not None:
                day = (row.year, row.place, row.met_on)
                self._met[day] = (self._met[day][0] + sign, self._met[day][1] + sign * row.made_up)

    def counts(self) -> list[tuple[CountKey, tuple[int, int, int, Decimal]]]:
        """What changed, in order of key, so that nobody waits for anybody in a circle."""
        return sorted(item for item in self._counts.items() if any(item[1]))

    def met(self) -> list[tuple[MetKey, tuple[int, int]]]:
        """Likewise, of those who met the year by day."""
        return sorted(item for item in self._met.items() if any(item[1]))
