"""Two operators of one authority, each with a home and a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.operator_counter import OperatorCounter


@pytest.fixture
def east(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path / "east")


@pytest.fixture
def west(tmp_path: Path, east: OperatorCounter) -> OperatorCounter:
    """Another operator of the same authority, which is corrupt."""
    made = OperatorCounter(tmp_path / "west", authority=east.authority)
    east.refresh()
    return made
