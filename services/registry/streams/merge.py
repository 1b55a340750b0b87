"""Merge of two profiles of one person (a permit, later a residence permit): what forbids it, and what it gives."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from contracts.divisions import authority_of
from contracts.identifiers import birth_month_of
from services.kit.errors import Problem
from services.registry.streams.actor import Actor
from services.registry.streams.collection import COLLECTED, DEPARTED, ERASED, MERGED
from services.registry.streams.person import Person
from services.registry.streams.problems import DocumentTakenError

MERGE = "merge"
"""The item of a change that says which other profile is the person's, and the cause of what follows from it."""
REASONS = ("another_document", "collected_twice", "other")


class PersonMergedError(Problem):
    """The profile is part of another one of the same person now: `merged_into` is to be asked."""

    code: ClassVar[str] = "person-merged"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员信息已并入另一份信息"
    title_en: ClassVar[str] = "This profile is part of another one of the same person now"


class MergeRefusedError(Problem):
    """The two profiles cannot become one now; `reason` says why, and what comes first."""

    code: ClassVar[str] = "merge-refused"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "两份信息不能合并"
    title_en: ClassVar[str] = "The two profiles cannot be merged"


class _Words(NamedTuple):
    zh: str
    en: str


WORDS: Mapping[str, _Words] = {
    "same_profile": _Words("两者是同一份信息。", "The two are one profile."),
    "not_collected": _Words(
        "信息尚未采集完成，请先完成审核。", "It is not collected yet: its review comes first."
    ),
    "erased": _Words("个人信息已删除。", "The person's data was erased."),
    "merged": _Words("该信息已并入另一份信息。", "It is part of another profile already."),
    "departed": _Words("该人员已调出。", "The person has left for another authority."),
    "moving": _Words(
        "该人员正在调转，请待调转办结。", "The person is being transferred: the transfer is finished first."
    ),
    "another_authority": _Words(
        "两份信息分属两地财政部门，请先办理调转。",
        "The two are kept by different authorities: a transfer comes first.",
    ),
    "change_pending": _Words(
        "另一份信息有未办结的变更，请先办结或撤回。",
        "A change of the other profile is under way: it is decided or withdrawn first.",
    ),
}
_STATES = {ERASED: "erased", MERGED: "merged", DEPARTED: "departed"}


def refused(reason: str, **named: Any) -> MergeRefusedError:
    """The refusal of a merge for a reason."""
    return MergeRefusedError(*WORDS[reason], pointer="/items/merge", reason=reason, **named)


def must_be_mergeable(kept: Person, other: Person) -> None:
    """Two profiles of people who are here and nowhere on the way. Raises MergeRefusedError."""
    reason = next(_reasons(kept, other), None)
    if reason is not None:
        raise refused(reason)


def _reasons(kept: Person, other: Person) -> Iterator[str]:
    if kept.id == other.id:
        yield "same_profile"
    for each in (other, kept):
        if each.state != COLLECTED:
            yield _STATES.get(each.state, "not_collected")
        if each.expected.keys() - each.transfers:
            yield "moving"
    if authority_of(kept.profile.place) != authority_of(other.profile.place):
        yield "another_authority"


def joined(kept: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, object]:
    """The items of two profiles as they are on record, as the one profile has them: all qualifications, jobs, groups and
    education of both, the earlier start of accounting work, and the month of birth of the other where neither the kept
    profile nor its document tells one. Everything else stays as the kept profile has it.
    """
    found: dict[str, object] = {
        "qualifications": _union(kept["qualifications"], other["qualifications"], ("level", "obtained_on")),
        "jobs": _union(kept["jobs"], other["jobs"]),
        "groups": _union(kept["groups"], other["groups"]),
        "education": _union(kept["education"], other["education"], ("school", "level", "graduated_on")),
    }
    since = [each["working_since"] for each in (kept, other) if each["working_since"] is not None]
    found["working_since"] = min(since, default=None)
    document = kept["id_document"]
    told = birth_month_of(document["id_type"], document["id_number"]) or kept["birth_month"]
    found["birth_month"] = told or other["birth_month"]
    return {item: value for item, value in found.items() if value != kept[item]}


def _union(one: list[Any], other: list[Any], key: tuple[str, ...] = ()) -> list[Any]:
    """The entries of both, each once; an entry of the first stands for those of the second with the same key."""

    def key_of(entry: Any) -> object:
        return tuple(entry.get(name) for name in key) if key else entry

    known = {key_of(entry) for entry in one}
    return [*one, *(entry for entry in other if key_of(entry) not in known)]


def taken_by(holder: Person, by: Actor | None) -> DocumentTakenError:
    """The refusal of a document that another profile has: it points to the merge, and names the profile to whom it is kept
    by."""
    known = {"person_id": str(holder.id)} if by is not None and by.covers(holder.profile.place) else {}
    return DocumentTakenError(
        "如两份信息属于同一人，请由主管财政部门申请合并。",
        "If both profiles are the same person, the authority of the place may merge them.",
        pointer="/items/id_document",
        **known,
    )
