"""Which account a person of the provider has: by issuer and subject, bound with the one-time link of an invitation.

An account has one way in: the password or the provider, whichever its owner chose with the newest link.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from dashboard.access import accounts
from dashboard.access.tables import ACCOUNTS, IDENTITIES
from dashboard.frame import Conflict
from matcher.errors import code

TAKEN = code(
    "KND-oidc-taken",
    "The person at the provider has another account here already. Sign in with that one, or close it first.",
)


def find(db: Connection, issuer: str, subject: str) -> str | None:
    """The active account of a person of the provider."""
    theirs = (IDENTITIES.c.issuer == issuer) & (IDENTITIES.c.subject == subject)
    query = select(ACCOUNTS.c.id).join(IDENTITIES, IDENTITIES.c.account == ACCOUNTS.c.id)
    return db.execute(query.where(theirs, ACCOUNTS.c.active)).scalar()


def bound(db: Connection) -> frozenset[str]:
    """The accounts that come by the provider."""
    return frozenset(db.execute(select(IDENTITIES.c.account)).scalars())


def bind(db: Connection, account: str, issuer: str, subject: str) -> None:
    """Let the account in by the provider, and by nothing else. Raises Conflict (KND-oidc-taken)."""
    theirs = (IDENTITIES.c.issuer == issuer) & (IDENTITIES.c.subject == subject)
    owner = db.execute(select(IDENTITIES.c.account).where(theirs)).scalar()
    if owner not in (None, account):
        raise Conflict("you have another account here already: sign in with that one", TAKEN)
    db.execute(delete(IDENTITIES).where(IDENTITIES.c.account == account))
    db.execute(insert(IDENTITIES).values(issuer=issuer, subject=subject, account=account))
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(password=None))
    accounts.sign_out_everywhere(db, account)
