"""The dashboard's tables: the read model here, accounts and sessions in ``dashboard.access.tables``."""

from __future__ import annotations

from sqlalchemy import MetaData

METADATA = MetaData()
