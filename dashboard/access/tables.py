"""Accounts, their grants, sessions, failed sign-ins, and the record of what was done. No rebuild touches them.

Of tokens only the SHA-256 is kept: whoever reads the database cannot sign in with what they find. An account has no
person's facts but the name that its owner chose, and the member id that it may be bound to.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Connection, ForeignKey, Index, Integer, String, Table, Text, event

from dashboard.tables import METADATA

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in an INTEGER

ACCOUNTS: Final = Table(
    "account",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("login", String(200), nullable=False, unique=True),  # the name in lower case
    Column("password", Text),  # argon2id with its parameters; none for those that come by a provider
    Column("member", String(64)),
    Column("bound_at", BigInteger),  # epoch seconds since when it is bound to that member
    Column("active", Boolean, nullable=False),
    Column("hotkeys", Boolean, nullable=False, default=False),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),  # epoch seconds of the last request, to the minute
)

GRANTS: Final = Table(
    "account_grant",
    METADATA,
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("program", String(64), primary_key=True),  # * for all
    Column("role", String(16), primary_key=True),
)

SESSIONS: Final = Table(
    "session",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("account", ForeignKey("account.id"), nullable=False, index=True),
    Column("started_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("seen_before", BigInteger),
    Column("program", String(64)),  # the program switch; none shows all
    Column("notice", Text),  # one sentence to show on the next page
)

INVITES: Final = Table(
    "account_invite",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("account", String(32)),  # whose password it sets; none for the first account of all
    Column("ends_at", BigInteger, nullable=False),
)

IDENTITIES: Final = Table(
    "account_identity",
    METADATA,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),  # as the provider calls the person; never shown
    Column("account", ForeignKey("account.id"), nullable=False, unique=True),
)

DEPARTURES: Final = Table(
    "sign_in_departure",
    METADATA,
    Column("hash", String(64), primary_key=True),  # of the state
    Column("address", String(64), nullable=False, index=True),  # a hash
    Column("sealed", Text, nullable=False),  # readable for the browser that left alone
    Column("left_at", BigInteger, nullable=False),
)

ATTEMPTS: Final = Table(
    "sign_in_attempt",
    METADATA,
    Column("key", String(64), nullable=False),  # a hash: neither the name nor the address can be read from it
    Column("at", BigInteger, nullable=False),
    Index("sign_in_attempt_key_at", "key", "at"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("n", _BIG, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("account", String(32)),
    Column("what", String(32), nullable=False),
    Column("where_", String(200), nullable=False),  # the path with its braces, never an id
    Column("program", String(64)),
    Column("about", String(64)),
    Index("audit_about", "about"),
    Index("audit_account", "account", "at"),
)

TOMBSTONE: Final = "erased"
"""What stands in ``about`` once a person was erased."""

_SQLITE_KEEP: Final = f"""
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
WHEN NOT (NEW.about = '{TOMBSTONE}' AND NEW.n IS OLD.n AND NEW.at IS OLD.at AND NEW.account IS OLD.account
  AND NEW.what IS OLD.what AND NEW.where_ IS OLD.where_ AND NEW.program IS OLD.program)
BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END
"""
_SQLITE_STAY: Final = """
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END
"""
_POSTGRES_FUNCTION: Final = f"""
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.about = '{TOMBSTONE}' AND (NEW.n, NEW.at, NEW.account, NEW.what, NEW.where_, NEW.program)
    IS NOT DISTINCT FROM (OLD.n, OLD.at, OLD.account, OLD.what, OLD.where_, OLD.program) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the audit is only appended to';
END $$
"""
_POSTGRES_KEEP: Final = """
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()
"""

GUARDS: Final = {"sqlite": (_SQLITE_KEEP, _SQLITE_STAY), "postgresql": (_POSTGRES_FUNCTION, _POSTGRES_KEEP)}
"""Statements that make the audit append-only, by dialect; a migration executes them, and ``create_all`` does."""


@event.listens_for(AUDIT, "after_create")
def _guard(_table: Table, connection: Connection, **_: object) -> None:
    for statement in GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
