"""Given a history, when a decision, then events or a refusal: a test of an aggregate is one sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from services.transfer.cases.case import Case

IN_EVERY_EVENT = frozenset({"originator_id", "originator_version", "originator_topic", "timestamp"})


class Then:
    """What a decision led to."""

    def __init__(self, act: Callable[[], Case]) -> None:
        self._act = act

    def then(self, topic: str, **attributes: Any) -> Case:
        """Exactly one event, with exactly these attributes besides those of every event."""
        transfer = self._act()
        (event,) = transfer.pending_events
        told = {name: value for name, value in vars(event).items() if name not in IN_EVERY_EVENT}
        assert (event.TOPIC, told) == (f"transfer.{topic}", attributes)
        return transfer

    def then_raises(self, error: type[Exception], **extensions: Any) -> None:
        """The refusal, and nothing decided."""
        with pytest.raises(error) as raised:
            self._act()
        for name, value in extensions.items():
            assert raised.value.extensions[name] == value  # type: ignore[attr-defined]


class Given:
    """A transfer with a history behind it."""

    def __init__(self, transfer: Case) -> None:
        transfer.collect_events()
        self._transfer = transfer

    def when(self, decide: Callable[[Case], None]) -> Then:
        """A decision on it."""

        def act() -> Case:
            try:
                decide(self._transfer)
            except Exception:
                assert not self._transfer.pending_events
                raise
            return self._transfer

        return Then(act)


def given(transfer: Case) -> Given:
    """A transfer as its history left it."""
    return Given(transfer)


def when(make: Callable[[], Case]) -> Then:
    """A decision with nothing before it."""
    return Then(make)
