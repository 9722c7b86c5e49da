"""EDHOC against the published traces of RFC 9529: transcript, key schedule and messages.

Section 2 (method 0, suite 0) is run whole, both sides, with AES-CCM beside the suite; of section 3
(static Diffie-Hellman, P-256) what the methods share: transcript hashes and the key schedule.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from _jzcbor import dumps, loads
from _jzcrypto import sha256, x25519
from jiaozi.wire import edhoc
from jiaozi.wire.cose import SigningKey
from jiaozi.wire.errors import BAD_SIGNATURE, CHANNEL_BROKEN, MALFORMED, Refused

TRACES = json.loads((Path(__file__).parent / "edhoc_traces.json").read_text())


class Trace:
    """One trace; its values by their names in the RFC."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values = TRACES[name]

    def __getattr__(self, name: str) -> bytes:
        return bytes.fromhex(self._values[name])


SIGNED = Trace("signatures")
STATIC = Trace("static_dh")
BOTH = pytest.mark.parametrize("trace", [SIGNED, STATIC], ids=lambda trace: trace.name)


def ccm_seal(key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    """AES-CCM-16-64-128 (RFC 9053, 4.2): 13-byte nonce, 8-byte tag."""
    return AESCCM(key, 8).encrypt(nonce, text, aad)


def ccm_open(key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    try:
        return AESCCM(key, 8).decrypt(nonce, text, aad)
    except InvalidTag:
        raise ValueError("forged") from None


SUITE_0 = edhoc.Suite(0, 16, 13, ccm_seal, ccm_open)
RESPONDER_KEY = SigningKey(SIGNED.SK_R)
INITIATOR_KEY = SigningKey(SIGNED.SK_I)
RESPONDER = edhoc.Credential(SIGNED.ID_CRED_R, SIGNED.CRED_R, RESPONDER_KEY.public)
INITIATOR = edhoc.Credential(SIGNED.ID_CRED_I, SIGNED.CRED_I, INITIATOR_KEY.public)


def believe(named: Any) -> edhoc.Credential:
    """The two certificates of the trace are known by their hash (x5t)."""
    for known in (INITIATOR, RESPONDER):
        if dumps(named) == known.id_cred:
            return known
    raise Refused(BAD_SIGNATURE)


def begin() -> edhoc.Initiator:
    return edhoc.Initiator(SUITE_0, SIGNED.X, loads(SIGNED.C_I))


def answer(message_1: bytes) -> edhoc.Responder:
    connection = loads(SIGNED.C_R)
    return edhoc.Responder(SUITE_0, SIGNED.Y, connection, message_1, RESPONDER, RESPONDER_KEY)


def test_the_messages() -> None:
    initiator = begin()
    assert initiator.message_1 == SIGNED.message_1
    responder = answer(SIGNED.message_1)
    assert responder.message_2 == SIGNED.message_2
    message_3 = initiator.finish(SIGNED.message_2, believe, INITIATOR, INITIATOR_KEY)
    assert message_3 == SIGNED.message_3
    responder.finish(SIGNED.message_3, believe)
    for side in (initiator, responder):
        assert side.export(0, b"", 16) == SIGNED.OSCORE_Master_Secret
        assert side.export(1, b"", 8) == SIGNED.OSCORE_Master_Salt


def test_the_secret_shared() -> None:
    assert x25519(SIGNED.X, SIGNED.G_Y) == x25519(SIGNED.Y, SIGNED.G_X) == SIGNED.G_XY


@BOTH
def test_the_transcript(trace: Trace) -> None:
    assert edhoc.transcript_2(trace.G_Y, trace.message_1) == trace.TH_2
    assert edhoc.transcript_next(trace.TH_2, trace.PLAINTEXT_2, trace.CRED_R) == trace.TH_3
    assert edhoc.transcript_next(trace.TH_3, trace.PLAINTEXT_3, trace.CRED_I) == trace.TH_4


@BOTH
def test_the_key_schedule(trace: Trace) -> None:
    assert edhoc.extract(trace.TH_2, trace.G_XY) == trace.PRK_2e
    stream = edhoc.kdf(trace.PRK_2e, 0, trace.TH_2, len(trace.PLAINTEXT_2))
    assert stream == trace.KEYSTREAM_2
    assert trace.G_Y + bytes(a ^ b for a, b in zip(stream, trace.PLAINTEXT_2, strict=True)) == (
        loads(trace.message_2)
    )
    for label, key, context, made in (
        (2, trace.PRK_3e2m, trace.context_2, trace.MAC_2),
        (3, trace.PRK_3e2m, trace.TH_3, trace.K_3),
        (4, trace.PRK_3e2m, trace.TH_3, trace.IV_3),
        (6, trace.PRK_4e3m, trace.context_3, trace.MAC_3),
        (7, trace.PRK_4e3m, trace.TH_4, trace.PRK_out),
        (10, trace.PRK_out, b"", trace.PRK_exporter),
        (0, trace.PRK_exporter, b"", trace.OSCORE_Master_Secret),
        (1, trace.PRK_exporter, b"", trace.OSCORE_Master_Salt),
    ):
        assert edhoc.kdf(key, label, context, len(made)) == made, label


@BOTH
def test_the_third_message(trace: Trace) -> None:
    assert dumps(["Encrypt0", b"", trace.TH_3]) == trace.A_3
    sealed = ccm_seal(trace.K_3, trace.IV_3, trace.A_3, trace.PLAINTEXT_3)
    assert dumps(sealed) == trace.message_3
    assert ccm_open(trace.K_3, trace.IV_3, trace.A_3, sealed) == trace.PLAINTEXT_3


def test_static_keys_go_into_the_schedule() -> None:
    """What method 0 does without (RFC 9528, 4.1.1), by the same two functions."""
    salt = edhoc.kdf(STATIC.PRK_2e, 1, STATIC.TH_2, 32)
    assert salt == STATIC.SALT_3e2m
    assert edhoc.extract(salt, STATIC.G_RX) == STATIC.PRK_3e2m
    salt = edhoc.kdf(STATIC.PRK_3e2m, 5, STATIC.TH_3, 32)
    assert salt == STATIC.SALT_4e3m
    assert edhoc.extract(salt, STATIC.G_IY) == STATIC.PRK_4e3m


def test_hkdf_over_several_blocks() -> None:
    """RFC 5869, A.2: 82 bytes, which is three blocks."""
    secret, salt, info = (bytes(range(first, first + 80)) for first in (0x00, 0x60, 0xB0))
    made = edhoc.expand(edhoc.extract(salt, secret), info, 82)
    assert made.hex() == (
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e"
        "590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
    )
    with pytest.raises(ValueError):
        edhoc.expand(secret, b"", 255 * 32 + 1)


# Refusals ----------------------------------------------------------------------------------------


def refusal(call: Any, *arguments: Any) -> int:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.sw


def flips(message: bytes) -> list[bytes]:
    """The message with each of its bytes changed, cut short by one, and with one more."""
    changed = [bytearray(message) for _ in message]
    for position, copy in enumerate(changed):
        copy[position] ^= 1 << position % 8
    return [*map(bytes, changed), message[:-1], message + b"\0", b""]


def test_every_changed_byte_of_message_1_is_noticed() -> None:
    """Where the responder cannot tell, its own message no longer fits what was sent."""
    for message_1 in flips(SIGNED.message_1):
        with pytest.raises(Refused):
            begin().finish(answer(message_1).message_2, believe, INITIATOR, INITIATOR_KEY)


def test_every_changed_byte_of_message_2_is_noticed() -> None:
    for message_2 in flips(SIGNED.message_2):
        finish = begin().finish
        assert refusal(finish, message_2, believe, INITIATOR, INITIATOR_KEY) in (
            MALFORMED,
            CHANNEL_BROKEN,
            BAD_SIGNATURE,
        )


def test_every_changed_byte_of_message_3_is_noticed() -> None:
    for message_3 in flips(SIGNED.message_3):
        responder = answer(SIGNED.message_1)
        found = refusal(responder.finish, message_3, believe)
        assert found in (MALFORMED, CHANNEL_BROKEN)
        assert refusal(responder.export, 0, b"", 16) == CHANNEL_BROKEN


@pytest.mark.parametrize(
    ("message_1", "status"),
    [
        (edhoc.sequence(3, 0, SIGNED.G_X, -14), CHANNEL_BROKEN),
        (edhoc.sequence(0, 4, SIGNED.G_X, -14), CHANNEL_BROKEN),
        (edhoc.sequence(0, [4, 0], SIGNED.G_X, -14), MALFORMED),
        (edhoc.sequence(0, 0, SIGNED.G_X, 24), MALFORMED),
        (edhoc.sequence(0, 0, SIGNED.G_X, "C"), MALFORMED),
        (edhoc.sequence(0, 0, SIGNED.G_X, -14, 0), MALFORMED),
        (edhoc.sequence(0, 0, SIGNED.G_X[1:], -14), MALFORMED),
        (edhoc.sequence(0, 0, bytes(32), -14), CHANNEL_BROKEN),
        (b"\0" + SIGNED.message_1, MALFORMED),
    ],
)
def test_first_messages_that_are_refused(message_1: bytes, status: int) -> None:
    assert refusal(answer, message_1) == status


def test_a_signature_in_anothers_name_is_refused() -> None:
    """Each side's own credential, signed with the other's key."""
    initiator = begin()
    message_2 = edhoc.Responder(
        SUITE_0, SIGNED.Y, 5, initiator.message_1, RESPONDER, INITIATOR_KEY
    ).message_2
    assert refusal(initiator.finish, message_2, believe, INITIATOR, INITIATOR_KEY) == BAD_SIGNATURE
    responder = answer(SIGNED.message_1)
    message_3 = begin().finish(SIGNED.message_2, believe, INITIATOR, RESPONDER_KEY)
    assert refusal(responder.finish, message_3, believe) == BAD_SIGNATURE


def test_nothing_is_exported_before_the_end() -> None:
    assert refusal(begin().export, 0, b"", 16) == CHANNEL_BROKEN
    assert refusal(answer(SIGNED.message_1).export, 0, b"", 16) == CHANNEL_BROKEN


def test_the_wallets_suite_is_the_fourth() -> None:
    secret, other = sha256(b"one"), sha256(b"other")
    initiator = edhoc.Initiator(edhoc.SUITE_4, secret, 0)
    responder = edhoc.Responder(
        edhoc.SUITE_4, other, 1, initiator.message_1, RESPONDER, RESPONDER_KEY
    )
    message_3 = initiator.finish(responder.message_2, believe, INITIATOR, INITIATOR_KEY)
    responder.finish(message_3, believe)
    keys = initiator.export(32768, b"", 32), initiator.export(32769, b"", 32)
    assert keys == (responder.export(32768, b"", 32), responder.export(32769, b"", 32))
    assert keys[0] != keys[1]
    assert initiator.message_1[:2] == b"\0\4"
