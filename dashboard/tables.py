"""The dashboard's tables: the read model here, accounts and sessions in ``dashboard.access.tables``.

The read model follows from the journal and nothing else: a rebuild empties it, but for what people did about alerts,
and reads the journal again. Instants are epoch seconds, people are opaque ids, experiences are codes. What a program is
*now* stands in ``read_person``, ``read_experience`` and ``read_mentor``, one row a person, made from the state that
``matcher`` folds. What happened stands in the other tables, and is only ever added to, but that an erased person's rows
go.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

_ID: Final = 64  # characters that an id has at most (matcher.ids)
_WORD: Final = 40  # characters that a reason has at most (matcher.messages.vocabulary)

PLACES: Final = Table(
    "read_place",
    METADATA,
    Column("home", String(_ID), primary_key=True),  # which journal: the partition's number, or "0" of a data folder
    Column("position", BigInteger, nullable=False),  # the last record whose rows are here, with all before it
    Column("chain", LargeBinary(16), nullable=False),  # digest of the journal up to there: another journal has another
)
"""How far the read model has come, written in the transaction that brought it there."""

PROGRAMS: Final = Table(
    "read_program",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("home", String(_ID), nullable=False),
    Column("n", BigInteger, nullable=False),  # number of the last fact
    Column("at", BigInteger, nullable=False),  # the program's clock
    Column("unknown_to", BigInteger, nullable=False),  # facts up to this number may be missing from the history;
    # 0: none is. Where the journal was truncated, the state is known and how it came about is not.
    Column("unknown_until", BigInteger),  # the program's clock at that fact
)

PEOPLE: Final = Table(
    "read_person",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("person", String(_ID), primary_key=True),
    Column("role", String(16), nullable=False),  # newcomer, mentor, both, neither
    Column("stage", String(16), nullable=False),  # waiting, proposed, held, active, none; gone for who has left
    Column("joined_at", BigInteger, nullable=False),
    Column("seeks_since", BigInteger),
    Column("paused_until", BigInteger, nullable=False),
    Column("match", String(_ID)),  # the open match as a newcomer
    Column("last_seen", BigInteger),
    Index("read_person_stage", "program", "stage"),
)

EXPERIENCES: Final = Table(
    "read_experience",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("person", String(_ID), primary_key=True),
    Column("number", Integer, primary_key=True),  # its place in what the person said
    Column("code", String(16), nullable=False),
    Column("family", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("since", BigInteger),
    Index("read_experience_family", "program", "family", "state"),
)

MENTORS: Final = Table(
    "read_mentor",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("person", String(_ID), primary_key=True),
    Column("capacity", Integer, nullable=False),  # the policy's default where the mentor stated none
    Column("caseload", Integer, nullable=False),
    Column("matches_had", Integer, nullable=False),
    Column("admitted", Boolean, nullable=False),
    Column("declined", Boolean, nullable=False),
    Column("backup", Boolean, nullable=False),
    Column("volunteered_at", BigInteger, nullable=False),
    Column("trained_at", BigInteger),
    Column("supervised_at", BigInteger),
    Column("cleared_until", BigInteger, nullable=False),
    Column("paused_until", BigInteger, nullable=False),
)

FACTS: Final = Table(
    "read_fact",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),  # the program's clock
    Column("time", BigInteger, nullable=False),  # when it happened, which may be days before
    Column("type", String(64), nullable=False),
    Column("subject", String(_ID), nullable=False),  # whom or what it is about
    Column("said", Text, nullable=False),  # JSON: the event's data, or the decision with its reasons
)

NAMED: Final = Table(
    "read_named",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("person", String(_ID), primary_key=True),
    Column("n", BigInteger, primary_key=True),
)
"""Whom each fact names: a person's timeline, and what goes when the person is erased."""

MATCHES: Final = Table(
    "read_match",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("match", String(_ID), primary_key=True),
    Column("newcomer", String(_ID), nullable=False),
    Column("mentor", String(_ID), nullable=False),
    Column("stage", String(16), nullable=False),  # proposed, held, active, closed, withdrawn; past: one of the last two
    Column("fit", Integer),  # millionths; None where the history is unknown
    Column("proposed_at", BigInteger),
    Column("active_at", BigInteger),
    Column("over_at", BigInteger),  # closed or withdrawn
    Column("held_until", BigInteger),
    Column("contact_first", BigInteger),
    Column("contact_last", BigInteger),
    Column("how", String(16)),  # plan, approved, reassigned, recorded
    Column("reason", String(_WORD)),  # of its end
    Column("barred", Boolean),
    Column("decision", String(16)),  # of the last review: approve, hold, reject, reassign; recall, close
    Column("decided_by", String(_ID)),
    Column("decided_at", BigInteger),
    Index("read_match_newcomer", "program", "newcomer"),
    Index("read_match_mentor", "program", "mentor"),
    Index("read_match_stage", "program", "stage"),
)

WAITS: Final = Table(
    "read_wait",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("newcomer", String(_ID), primary_key=True),
    Column("n", BigInteger, primary_key=True),  # the fact with which it began, or was first known to have
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),  # None: still waiting
    Column("match", String(_ID)),  # that ended it; None with an `until`: they left, or seek nobody any more
)

ALERTS: Final = Table(
    "read_alert",
    METADATA,
    Column("program", String(_ID), primary_key=True),
    Column("alert", String(_ID), primary_key=True),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", String(_ID)),
    Column("resolved_at", BigInteger),
    Column("resolved_by", String(_ID)),
    Column("outcome", String(_WORD)),
)
"""What people did about an alert; what alerts stand follows from the state (``dashboard.views.alarms``).

A rebuild keeps it: a journal that was cut short does not say it again, and nobody is called anew about what was done.
"""

LETTERS: Final = Table(
    "read_letter",
    METADATA,
    Column("home", String(_ID), primary_key=True),
    Column("position", BigInteger, primary_key=True),  # of the journal's record
    Column("number", Integer, primary_key=True),  # within the record
    Column("at", BigInteger, nullable=False),
    Column("code", String(64), nullable=False),
    Column("program", String(_ID)),  # None where none could be read
    Column("type", String(64)),  # None where it is not one that Kindred knows
    Index("read_letter_program", "program"),
)
"""Refused inputs, without their content: that stays in the journal."""

STATE: Final = (PEOPLE, EXPERIENCES, MENTORS)
READ_MODEL: Final = (PLACES, PROGRAMS, *STATE, FACTS, NAMED, MATCHES, WAITS, ALERTS, LETTERS)
"""Everything that is written from the journal."""

MADE_ANEW: Final = tuple(table for table in READ_MODEL if table is not ALERTS)
"""Everything that a rebuild empties."""
