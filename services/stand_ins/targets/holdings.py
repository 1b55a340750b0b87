"""The holdings of one stand-in system: records by subject, accounts by number, and a journal that survives a kill.

An answer is given after its line is on disk, so what was answered is held for ever; it may be held without an answer.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.divisions import contains
from contracts.targets import (
    Answer,
    HeldRecord,
    HistoricRecord,
    PersonTotal,
    PlaceTotal,
    TargetRecord,
    content_of,
    hash_of,
    line_of,
    place_total,
)


@dataclass(frozen=True)
class Held:
    """A subject as it stands: what was last said about it, and whether that was its end."""

    subject: str
    revision: int
    reference: str
    ended: bool
    content: dict[str, str | None]

    @property
    def year(self) -> int:
        """The year it counts for."""
        return int(self.content["year"] or 0)

    def of(self, field: str) -> str:
        """A canonical value that every record has."""
        return self.content[field] or ""


class Holdings:
    """The records of one system. `arrivals` are the keys in the order in which they were taken."""

    def __init__(self, kind: type[TargetRecord], journal: Path | None = None) -> None:
        self.kind = kind
        self.arrivals: list[str] = []
        self.history: list[HistoricRecord] = []
        self.known_only = False
        """Whether only numbers are taken that already have an account; else the first record opens one."""
        self._held: dict[str, Held] = {}
        self._keys: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._journal = None if journal is None else self._opened(journal)

    def take(self, records: Sequence[TargetRecord], refused: Iterable[str] = ()) -> list[Answer]:
        """Decide a batch in order, write what was accepted, then answer. `refused` subjects are not taken."""
        unwanted = frozenset(refused)
        answers, lines = [], []
        for record in records:
            answer = self._decide(record, unwanted)
            if answer.outcome == "accepted" and record.key not in self._keys:
                lines.append(self._keep(record, answer.reference or ""))
            answers.append(answer)
        self._write(lines)
        return answers

    def opens(self, id_type: str, id_number: str, name: str) -> None:
        """Somebody has an account under this name, or has it changed."""
        self._names[id_type, id_number] = name
        self._write([{"account": [id_type, id_number, name]}])

    def totals(self, place: str, year: int) -> list[PlaceTotal]:
        """What is held of a year at every place in or below one, by code."""
        by_place: dict[str, list[Held]] = defaultdict(list)
        for held in self._live(year):
            by_place[held.of("place")].append(held)
        return [place_total(at, self._people(by_place[at])) for at in sorted(by_place) if contains(place, at)]

    def people(self, place: str, year: int) -> list[PersonTotal]:
        """What is held of each person of a place's year, by reference."""
        return self._people([held for held in self._live(year) if held.of("place") == place])

    def records(self, place: str, year: int, person_ref: str) -> list[HeldRecord]:
        """What is held of one person's year at a place, by subject."""
        found = [
            held
            for held in self._live(year)
            if held.of("person_ref") == person_ref and held.of("place") == place
        ]
        return [
            HeldRecord(
                subject=held.subject, revision=held.revision, reference=held.reference, content=held.content
            )
            for held in sorted(found, key=lambda held: held.subject)
        ]

    def put(self, held: Held) -> None:
        """Hold something nobody delivered, or hold it otherwise: a difference for `reconcile` to find."""
        self._held[held.subject] = held

    def lose(self, subject: str) -> None:
        """Hold nothing of a subject any more, without a trace: the keys of its records are forgotten too."""
        self._held.pop(subject, None)
        self._keys = {key: kept for key, kept in self._keys.items() if key.rpartition(".")[0] != subject}

    def held(self, subject: str) -> Held | None:
        """A subject as it stands, ended or not."""
        return self._held.get(subject)

    @property
    def live(self) -> list[Held]:
        """Everything held that has not ended."""
        return [held for held in self._held.values() if not held.ended]

    def _live(self, year: int) -> list[Held]:
        return [held for held in self.live if held.year == year]

    def _people(self, held: Iterable[Held]) -> list[PersonTotal]:
        lines: dict[str, list[str]] = defaultdict(list)
        for each in held:
            lines[each.of("person_ref")].append(line_of(self.kind, each.content))
        return [
            PersonTotal(person_ref=person, records=len(lines[person]), hash=hash_of(lines[person]))
            for person in sorted(lines)
        ]

    def _decide(self, record: TargetRecord, refused: frozenset[str]) -> Answer:
        before = self._keys.get(record.key)
        if before is not None:
            return Answer(key=record.key, outcome="accepted", reference=before)
        if record.subject in refused:
            return Answer(key=record.key, outcome="refused", reason="not_acceptable")
        if record.identity is not None:
            number = (record.identity.id_type, record.identity.id_number)
            name = self._names.get(number)
            if name is None and self.known_only:
                return Answer(key=record.key, outcome="unmatched", reason="no_account")
            if name is not None and name != record.identity.name:
                return Answer(key=record.key, outcome="unmatched", reason="name_differs")
            self._names[number] = record.identity.name
        return Answer(key=record.key, outcome="accepted", reference=f"R{len(self._keys) + 1:08d}")

    def _keep(self, record: TargetRecord, reference: str) -> dict[str, Any]:
        line = {
            "key": record.key,
            "subject": record.subject,
            "revision": record.revision,
            "action": record.action,
            "reference": reference,
            "content": content_of(self.kind, dict(record)),
        }
        if record.identity is not None:
            line["account"] = [record.identity.id_type, record.identity.id_number, record.identity.name]
        self._apply(line)
        return line

    def _apply(self, line: dict[str, Any]) -> None:
        if "account" in line:
            id_type, id_number, name = line["account"]
            self._names[id_type, id_number] = name
        if "key" not in line:
            return
        self._keys[line["key"]] = line["reference"]
        self.arrivals.append(line["key"])
        held = self._held.get(line["subject"])
        if held is None or held.revision < line["revision"]:
            ended = line["action"] == "end"
            content = line["content"] if held is None or not ended else held.content
            self._held[line["subject"]] = Held(
                line["subject"], line["revision"], line["reference"], ended, content
            )

    def _opened(self, journal: Path) -> Any:
        """The journal read up to its last whole line, and open to go on."""
        journal.touch()
        whole = 0
        for raw in journal.read_bytes().splitlines(keepends=True):
            if not raw.endswith(b"\n"):
                break
            self._apply(json.loads(raw))
            whole += len(raw)
        file = journal.open("r+b")
        file.truncate(whole)
        file.seek(whole)
        return file

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        if self._journal is None or not lines:
            return
        self._journal.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self._journal.flush()
        os.fsync(self._journal.fileno())
