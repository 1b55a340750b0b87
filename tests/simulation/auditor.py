"""An auditor with a dictionary: predicts every answer of the ledger for three places, and keeps their balances.

It shares no rule with the ledger. What it knows of a place is written down by hand from the notices: Liaoning 2025 (S1-03,
S1-09, S1-16, S1-22), Jincheng 2024 under Shanxi (S2A-02, S2A-06, S2B-07, S2B-14), and Dalian, of which none speaks, so
that the nation's rule judges it provisionally (B-20).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

LIAONING, SHANXI, DALIAN = "210000", "140000", "210200"
SHENYANG, JINCHENG = "210100", "140500"
LOG_OF = {LIAONING: LIAONING, SHENYANG: LIAONING, SHANXI: SHANXI, JINCHENG: SHANXI, DALIAN: DALIAN}
BEIJING_TIME = timezone(timedelta(hours=8))
TOLERANCE = timedelta(minutes=5)
COMPARED = ("year", "category", "credits", "mode", "course", "completed_at")


def day(text: str) -> datetime:
    """The first moment of a day in Beijing."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING_TIME)


@dataclass(frozen=True)
class Place:
    """What a notice says of one year."""

    year: int
    windows: dict[str, tuple[datetime, datetime]]
    minima: dict[str, Decimal]
    listed_online: bool
    online_waits_for_total: bool
    filed_first: bool = True
    when_short: str = "deficient"

    @property
    def over_on(self) -> datetime:
        """When the last window has closed."""
        return max(end for _, end in self.windows.values())


RULES = {
    SHENYANG: Place(
        2025,
        {
            "online": (day("2025-03-01"), day("2026-01-01")),
            "face_to_face": (day("2025-01-01"), day("2026-01-01")),
        },
        {"total": Decimal(90), "professional": Decimal(60), "public": Decimal(30)},
        listed_online=True,
        online_waits_for_total=False,
    ),
    JINCHENG: Place(
        2024,
        dict.fromkeys(("online", "face_to_face"), (day("2024-01-01"), day("2025-04-01"))),
        {"total": Decimal(90), "professional": Decimal(60)},
        listed_online=False,
        online_waits_for_total=True,
    ),
    DALIAN: Place(
        2025,
        dict.fromkeys(("online", "face_to_face"), (day("2025-01-01"), day("2026-01-01"))),
        {"total": Decimal(90), "professional": Decimal(60)},
        listed_online=False,
        online_waits_for_total=False,
        filed_first=False,
        when_short="undecided",
    ),
}


@dataclass(frozen=True)
class Firm:
    """A provider: whether Liaoning lists it, for which modes an authority accredits it, from when one does not."""

    listed: bool
    accredited: dict[str, tuple[str, ...]]
    barred: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Expected:
    """What the answer to one record must say."""

    outcome: str
    reason: str | None = None
    problem: str | None = None
    first: str | None = None
    differs: list[str] | None = None
    released: set[str] = field(default_factory=set)


@dataclass
class Entry:
    """One completion in an account."""

    provider: str
    record: dict[str, Any]
    state: str

    @property
    def credits(self) -> Decimal:
        return Decimal(self.record["credits"])


@dataclass
class Stored:
    """What an identity was first used for."""

    record: dict[str, Any]
    log: str
    outcome: str


Account = list[Entry]


class Auditor:
    """Balances in dictionaries: people by ID number, accounts by person and year, rooms by log and person."""

    def __init__(self, firms: dict[str, Firm]) -> None:
        self.firms = firms
        self.people: dict[str, tuple[str, str]] = {}
        self.accounts: dict[tuple[str, int], Account] = defaultdict(list)
        self.rooms: dict[tuple[str, str], list[tuple[str, dict[str, Any], datetime]]] = defaultdict(list)
        self.stored: dict[tuple[str, str, str], Stored] = {}
        self.exempt: set[tuple[str, int]] = set()

    def collected(self, id_number: str, name: str, place: str) -> None:
        """The registry brings somebody; what waited for them is judged as of the moment it was reported (B-25)."""
        self.people[id_number] = (name, place)
        room = self.rooms[LOG_OF[place], id_number]
        for waiting in list(room):
            provider, record, reported_at = waiting
            if record["person"]["name"] == name:
                room.remove(waiting)
                self._judge(provider, record, place, reported_at)

    def posted(self, provider: str, record: dict[str, Any], now: datetime) -> Expected:
        """One well-formed completion."""
        log = self._log(provider, record)
        if log is None:
            return Expected("rejected", problem="authority-unclear")
        identity = (log, provider, record["id"])
        if identity in self.stored:
            return self._repeated(self.stored[identity], record)
        firm = self.firms[provider]
        if log not in firm.accredited and not (firm.listed and log == "210000"):
            return Expected("rejected", problem="provider-unknown-here")
        id_number, name = record["person"]["id_number"], record["person"]["name"]
        known_name, place = self.people.get(id_number, (None, None))
        if place is None or LOG_OF[place] != log:
            expected = Expected("held", reason="not_collected" if place is None else "profile_elsewhere")
        elif known_name != name:
            expected = Expected("held", reason="name_differs")
        else:
            expected = self._judge(provider, record, place, now)
            if expected.outcome in ("registered", "held"):
                self.stored[identity] = Stored(record, log, expected.outcome)
            return expected
        self.rooms[log, id_number].append((provider, record, now))
        self.stored[identity] = Stored(record, log, "held")
        return expected

    def withdrawn(self, provider: str, record: dict[str, Any]) -> int:
        """The status of taking a record back."""
        log = self._log(provider, record)
        stored = self.stored.get((log or "", provider, record["id"]))
        if stored is None:
            return 404
        room = self.rooms[stored.log, stored.record["person"]["id_number"]]
        for item in room:
            if item[:2] == (provider, stored.record):
                room.remove(item)
                return 200
        entry = self._entry(provider, stored.record)
        if entry is None or entry.state in ("withdrawn", "revoked"):
            return 409
        account = self.accounts[self._key(stored.record)]
        if entry.state == "waiting":
            account.remove(entry)
        entry.state = "withdrawn"
        return 200

    def revoked(self, id_number: str, year: int, provider: str, record_id: str) -> int:
        """The status of revoking a credit that was earned."""
        for entry in self.accounts[id_number, year]:
            if (entry.provider, entry.record["id"]) == (provider, record_id) and entry.state != "waiting":
                if entry.state != "registered":
                    return 409
                entry.state = "revoked"
                return 200
        return 404

    def exempted(self, id_number: str, year: int) -> int:
        """The status of freeing somebody of a year."""
        if (id_number, year) in self.exempt:
            return 409
        self.exempt.add((id_number, year))
        return 201

    def compliance(self, id_number: str, year: int, on: str) -> dict[str, Any]:
        """Status and sums of a year as of the end of a day."""
        until = day(on) + timedelta(days=1)
        sums = {"total": Decimal(0), "professional": Decimal(0), "public": Decimal(0)}
        for entry in self.accounts[id_number, year]:
            if entry.state == "registered" and moment(entry.record) < until:
                sums["total"] += entry.credits
                sums[entry.record["category"]] += entry.credits
        return {"status": self._status(id_number, year, sums, day(on))} | {
            name: f"{value:.2f}" for name, value in sums.items()
        }

    def lines(self, id_number: str) -> dict[tuple[str, str], tuple[str, str]]:
        """The credits of a transcript: state and amount by provider and record."""
        return {
            (entry.provider, entry.record["id"]): (entry.state, f"{entry.credits:.2f}")
            for (person, _), account in self.accounts.items()
            for entry in account
            if person == id_number and entry.state != "waiting"
        }

    def registered(self, places: set[str]) -> tuple[int, Decimal]:
        """Records and credits that stand in the places."""
        standing = [
            entry.credits
            for (person, _), account in self.accounts.items()
            for entry in account
            if entry.state == "registered" and self.people[person][1] in places
        ]
        return len(standing), sum(standing, Decimal(0))

    def _log(self, provider: str, record: dict[str, Any]) -> str | None:
        if "authority" in record:
            return LOG_OF[record["authority"]]
        accredited = list(self.firms[provider].accredited)
        return LOG_OF[accredited[0]] if len(accredited) == 1 else None

    def _repeated(self, stored: Stored, record: dict[str, Any]) -> Expected:
        first, again = stored.record, record
        differs = [f"/{name}" for name in COMPARED if meaning(first, name) != meaning(again, name)]
        if first["person"]["id_number"] != again["person"]["id_number"]:
            differs.append("/person/id_number")
        if not differs and first["person"]["name"] != again["person"]["name"]:
            differs.append("/person/name")
        if differs:
            return Expected("conflict", problem="record-conflict", first=stored.outcome, differs=differs)
        return Expected("duplicate", first=stored.outcome)

    def _judge(self, provider: str, record: dict[str, Any], place: str, reported_at: datetime) -> Expected:
        refused = self._refusal(provider, record, place, reported_at)
        if refused is not None:
            return Expected("rejected", problem=refused)
        account = self.accounts[self._key(record)]
        entry = Entry(provider, record, "registered")
        account.append(entry)
        if not RULES[place].online_waits_for_total:
            return Expected("registered")
        if record["mode"] == "online":
            entry.state = "waiting"
        total = sum((item.credits for item in account if item.state in ("registered", "waiting")), Decimal(0))
        released: set[str] = set()
        if total >= RULES[place].minima["total"]:
            released = {item.record["id"] for item in account if item.state == "waiting"} - {record["id"]}
            for item in account:
                item.state = "registered" if item.state == "waiting" else item.state
        if entry.state == "waiting":
            return Expected("held", reason="below_total")
        return Expected("registered", released=released)

    def _refusal(
        self, provider: str, record: dict[str, Any], place: str, reported_at: datetime
    ) -> str | None:
        firm, rule, mode, at = self.firms[provider], RULES.get(place), record["mode"], moment(record)
        if not 2000 <= record["year"] <= reported_at.astimezone(BEIJING_TIME).year + 1:
            return "year-out-of-range"
        if rule is None or record["year"] != rule.year:
            return "no-policy"
        if Decimal(record["credits"]) <= 0:
            return "credits-not-positive"
        if Decimal(record["credits"]) > 360:
            return "credits-above-limit"
        if at > reported_at + TOLERANCE:
            return "completed-in-future"
        begins, ends = rule.windows[mode]
        if at < begins:
            return "not-yet-open"
        if at >= ends:
            return "window-closed"
        if rule.listed_online and mode == "online":
            if not firm.listed:
                return "provider-not-listed"
        elif mode not in firm.accredited.get(LOG_OF[place], ()):
            return "provider-not-accredited"
        if at >= firm.barred.get(LOG_OF[place], datetime.max.replace(tzinfo=UTC)):
            return "provider-disqualified"
        # S1-14, S2B-13: what is taught face to face comes by the roster of a filed training.
        return "filing-needed" if mode == "face_to_face" and rule.filed_first else None

    def _status(self, id_number: str, year: int, sums: dict[str, Decimal], on: datetime) -> str:
        rule = RULES.get(self.people[id_number][1])
        if rule is None or rule.year != year:
            return "no_policy"
        if (id_number, year) in self.exempt:
            return "exempt"
        if all(sums[name] >= minimum for name, minimum in rule.minima.items()):
            return "compliant"
        return rule.when_short if on >= rule.over_on else "in_progress"

    def _entry(self, provider: str, record: dict[str, Any]) -> Entry | None:
        for entry in self.accounts[self._key(record)]:
            if entry.provider == provider and entry.record["id"] == record["id"]:
                return entry
        return None

    @staticmethod
    def _key(record: dict[str, Any]) -> tuple[str, int]:
        return record["person"]["id_number"], record["year"]


def moment(record: dict[str, Any]) -> datetime:
    """When the course was completed."""
    return datetime.fromisoformat(record["completed_at"])


def meaning(record: dict[str, Any], name: str) -> Any:
    """A field as it is meant, however it is written."""
    if name == "completed_at":
        return moment(record)
    return Decimal(record[name]) if name == "credits" else record[name]
