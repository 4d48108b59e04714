"""The tables of the dashboard's database: the read model's here, accounts and sessions in ``dashboard.access.tables``."""

from __future__ import annotations

from sqlalchemy import MetaData

METADATA = MetaData()
