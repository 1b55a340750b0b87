"""The judgement of a soak; the load itself is `make soak`."""

import os

import pytest

from tests.benchmarks.soak import Sample, judge, sample_of

MEGABYTE = 1_000_000


def run_of(minutes: int, *, megabytes: float = 0.0, handles: float = 0.0) -> list[Sample]:
    """A minute a sample, with so much more of each every minute."""
    return [
        Sample(each * 60.0, round((100 + megabytes * each) * MEGABYTE), round(20 + handles * each), 10)
        for each in range(minutes)
    ]


@pytest.mark.parametrize(
    ("samples", "flat"),
    [
        (run_of(60), True),
        (run_of(60, megabytes=0.5), True),
        (run_of(60, megabytes=9), False),
        (run_of(60, handles=1), False),
        (run_of(4, megabytes=3), True),
        (run_of(4, megabytes=32), False),
    ],
    ids=["still", "little", "fills", "handles", "short", "short, fills"],
)
def test_a_process_is_flat_when_nothing_of_it_rises(samples: list[Sample], flat: bool) -> None:
    assert judge(samples).is_flat is flat


def test_what_fills_once_is_no_leak() -> None:
    warm = [Sample(each * 60.0, (40 if each < 20 else 120) * MEGABYTE, 20, 10) for each in range(60)]
    assert judge(warm).is_flat


def test_a_process_is_read_from_the_system() -> None:
    sample = sample_of(os.getpid(), 1.0)
    assert sample.memory > MEGABYTE
    assert sample.handles >= sample.connections
