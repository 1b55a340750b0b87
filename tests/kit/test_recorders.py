"""The eventsourcing library's own recorder tests, passed by our store."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    ProcessRecorder,
    TrackingRecorder,
)

from tests.conftest import FreshDatabaseFactory
from tests.kit.recorder_adapter import Loop, SyncAggregateRecorder, SyncRecorder, library


class OnOurStore:
    """Gives every recorder a log of its own."""

    loop: ClassVar[Loop]
    new_log: ClassVar[Callable[[], str]]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _connect(
        cls, request: pytest.FixtureRequest, fresh_database: FreshDatabaseFactory, new_log: Callable[[], str]
    ) -> Iterator[None]:
        request.cls.loop = Loop(fresh_database("kit").app_dsn)
        request.cls.new_log = staticmethod(new_log)
        yield
        request.cls.loop.close()

    def recorder(self) -> SyncRecorder:
        return SyncRecorder(self.loop, self.new_log())


class TestAggregateRecorder(OnOurStore, library.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return SyncAggregateRecorder(self.loop, self.new_log())


class TestApplicationRecorder(OnOurStore, library.ApplicationRecorderTestCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.recorder()

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnOurStore, library.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.recorder()


class TestProcessRecorder(OnOurStore, library.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.recorder()


class TestNonInterleavingNotificationIDs(OnOurStore, library.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.recorder()
