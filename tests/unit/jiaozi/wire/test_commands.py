"""Command codes: unique, and none that a contact interface reserves."""

from __future__ import annotations

from jiaozi.wire import commands

# Status values, directions and roles of `commands` lie below the first code.
CODES = {name: code for name, code in vars(commands).items() if name.isupper() and code >= 0x20}
# ETSI TS 102 221 clause 10.1.2, class 80 and the GET RESPONSE and ENVELOPE of ISO/IEC 7816-4.
RESERVED = {0x10, 0x12, 0x14, 0xAA, 0xC0, 0xC2, 0xF2}


def test_each_command_has_a_code_of_its_own() -> None:
    assert len(CODES) == 25
    assert len(set(CODES.values())) == len(CODES)


def test_no_code_is_reserved_on_the_contact_side() -> None:
    for name, code in CODES.items():
        assert code >> 4 not in (0x6, 0x9), f"{name}: no INS at T=0"
        assert code not in RESERVED, name
        assert code % 2 == 0, name
        assert code != 0xA4 or name == "SELECT"
