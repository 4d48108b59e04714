"""What can be done about a journal that is wrong: words for whoever has to decide. Nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from journal.diagnosis import Diagnosis

UPGRADE = "KND-journal-upgrade"


class Plan(NamedTuple):
    """What is wrong, what is whole, and what can be done, best first."""

    wrong: str
    whole: str
    possible: tuple[str, ...]


def plan(name: str, found: Diagnosis, *, on_kafka: bool) -> Plan:
    """The plan for the journal called ``name``."""
    return Plan(_wrong(found), _whole(found), _possible(name, found, on_kafka))


def _wrong(found: Diagnosis) -> str:
    trouble = found.halt or (found.first_wrong and found.first_wrong.wrong)
    if trouble is None:
        return "Nothing is wrong."
    if found.halt is None:
        return f"Wrong, before where workers begin, so they do not meet it: {trouble}"
    return f"Wrong, and workers stop at it: {trouble}"


def _whole(found: Diagnosis) -> str:
    read = "" if found.source is None else f", events up to offset {found.source.next_offset - 1}"
    whole = f"Whole: {found.intact} entries with {found.facts} facts{read}."
    if found.first_wrong is None:
        return whole
    return f"{whole} After the wrong one: {found.later} entries, {found.unreadable} of them unreadable."


def _possible(name: str, found: Diagnosis, on_kafka: bool) -> tuple[str, ...]:
    if found.sound:
        return ()
    if found.halt is not None and found.halt.code == UPGRADE:
        return ("Upgrade Kindred: the journal is newer than this version, and not damaged.",)
    if found.halt is None:
        return (
            "Keep a copy, and let the service run: it begins behind what is wrong. `kindred verify` keeps naming it.",
            "A truncation removes it: the next one after a snapshot does, where journals are truncated.",
        )
    keep = "Stop whatever writes to this journal, and keep a copy of it as it is, before anything else."
    return (keep, *(_on_kafka(found) if on_kafka else _in_a_folder(name)), _last(found, on_kafka))


def _on_kafka(found: Diagnosis) -> tuple[str, ...]:
    return (
        "Look whether another replica is whole: make it the leader (kafka-leader-election.sh, or stop the present "
        "leader), and call `kindred journal repair-plan` again.",
        "Restore the topic from a backup that reaches further than what is whole here, under the same name and with "
        "the same positions; then start the workers.",
    )


def _in_a_folder(name: str) -> tuple[str, ...]:
    return (
        f"Restore {name} from a backup, and give it the events that came since: what it knows is passed over.",
        f"If {name} was made by `kindred replay`, make it again from the same files.",
    )


def _last(found: Diagnosis, on_kafka: bool) -> str:
    if not on_kafka:
        return "Without a backup: begin a new folder from the events that platforms still have."
    since = "the first" if found.source is None else f"offset {found.source.next_offset}"
    return (
        f"Without a backup: what was decided after {since} can only be decided again, from the events that the topic "
        "kindred.events still holds. Ask for help before you delete anything."
    )
