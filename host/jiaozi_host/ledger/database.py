"""The ledger's database: SQLite settings that make a commit durable and exclusive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from jiaozi_host.ledger import tables

FILE = "ledger.sqlite"
"""Name of the database in a home."""


def open_database(place: Path | str) -> Engine:
    """Open a database and create its missing tables.

    place: a SQLite file, created with mode 0600 if missing, or an SQLAlchemy URL.
    """
    url = place if isinstance(place, str) else f"sqlite:///{place}"
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        _make_sqlite_strict(engine)
    tables.Base.metadata.create_all(engine)
    return engine


def _make_sqlite_strict(engine: Engine) -> None:
    """Set durable commits, foreign keys, and transactions that lock when they begin."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for setting in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
