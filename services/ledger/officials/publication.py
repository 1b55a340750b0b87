"""Publication of notices: a notice becomes an event of its place's authority, once for each content."""

from contracts.divisions import authority_of, contains
from services.kit.command import WritePath
from services.ledger.policy import Notice, notice_hash
from services.ledger.store.notices import find_notice, write_notice
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.notice import publish, stream_of
from services.ledger.streams.problems import OutsidePlaceError


class PolicyPublisher:
    """The command that publishes a notice."""

    def __init__(self, path: WritePath[LedgerUnit], policies: PublishedPolicies) -> None:
        self._policies = policies
        self._path = path

    async def publish_policy(
        self, notice: Notice, *, within: str | None = None, unless_published: bool = False
    ) -> bool:
        """Publish a notice to the log of its place's authority; False when exactly this content is in force.

        With `unless_published` a notice that was ever published is left as it is: what a bureau corrected is not undone.

        Raises OutsidePlaceError when `within`, the caller's place, does not contain the notice's place.
        """
        if within is not None and not contains(within, notice.place):
            raise OutsidePlaceError
        log = authority_of(notice.place)
        stream_id = stream_of(notice)
        digest = notice_hash(notice)

        async def act(unit: LedgerUnit) -> bool:
            version, published_hash = await find_notice(unit.conn, log, stream_id)
            if published_hash is not None and (unless_published or published_hash == digest):
                return False
            event = publish(notice)
            unit.append(stream_id, version + 1, event)
            await write_notice(unit.conn, log, stream_id, version + 1, event)
            return True

        published = await self._path.store(log, act)
        await self._policies.refresh()
        return published
