"""The cryptographic floor against its standards' own test vectors; wrong lengths are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import _jzcrypto as crypto

# RFC 8032, 7.1, tests 1 to 3: seed, public key, message, signature.
ED25519 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
            "b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
            "1d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
            "c6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("seed", "public", "message", "signature"), ED25519)
def test_ed25519(seed: str, public: str, message: str, signature: str) -> None:
    key, known = bytes.fromhex(seed), bytes.fromhex(public)
    text, expected = bytes.fromhex(message), bytes.fromhex(signature)
    assert crypto.ed25519_public(key) == known
    assert crypto.ed25519_sign(key, known, text) == expected
    assert crypto.ed25519_verify(known, text, expected) is True
    assert crypto.ed25519_verify(known, text + b"x", expected) is False


def test_a_signature_has_one_encoding() -> None:
    """S + L verifies in the equation but is not a signature (RFC 8032, 5.1.7)."""
    public, signature = bytes.fromhex(ED25519[0][1]), bytes.fromhex(ED25519[0][3])
    other = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    assert not crypto.ed25519_verify(public, b"", signature[:32] + other.to_bytes(32, "little"))


@pytest.mark.parametrize("position", range(0, 64, 7))
def test_a_changed_signature_is_refused(position: int) -> None:
    public, signature = bytes.fromhex(ED25519[0][1]), bytearray.fromhex(ED25519[0][3])
    signature[position] ^= 1
    assert not crypto.ed25519_verify(public, b"", bytes(signature))


@pytest.mark.parametrize("public", [bytes(32), b"\xff" * 32, b"\1" + bytes(31)])
def test_points_that_are_no_keys(public: bytes) -> None:
    assert not crypto.ed25519_verify(public, b"message", bytes.fromhex(ED25519[0][3]))


# RFC 7748, 6.1.
ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOB_PUBLIC = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
SHARED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")


def test_x25519() -> None:
    assert crypto.x25519_public(ALICE) == ALICE_PUBLIC
    assert crypto.x25519_public(BOB) == BOB_PUBLIC
    assert crypto.x25519(ALICE, BOB_PUBLIC) == crypto.x25519(BOB, ALICE_PUBLIC) == SHARED


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31)])
def test_x25519_refuses_a_secret_of_noughts(public: bytes) -> None:
    with pytest.raises(ValueError):
        crypto.x25519(ALICE, public)


def test_hashes() -> None:
    """FIPS 180-4, the examples "abc"."""
    assert crypto.sha256(b"abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert crypto.sha512(b"abc").hex() == (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    )


# RFC 4231, 4.2, 4.3 and 4.7: key, data, code; and HKDF's empty salt (RFC 5869, 2.2).
HMAC_SHA256 = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (b"", b"", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
]


@pytest.mark.parametrize(("key", "data", "code"), HMAC_SHA256)
def test_hmac(key: bytes, data: bytes, code: str) -> None:
    assert crypto.hmac_sha256(key, data).hex() == code
    assert crypto.hmac_sha256(memoryview(key), bytearray(data)).hex() == code


# RFC 8439, 2.8.2.
AEAD_KEY = bytes(range(0x80, 0xA0))
AEAD_NONCE = bytes.fromhex("070000004041424344454647")
AEAD_AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
AEAD_TEXT = (
    b"Ladies and Gentlemen of the class of '99: "
    b"If I could offer you only one tip for the future, sunscreen would be it."
)


def test_aead() -> None:
    sealed = crypto.aead_seal(AEAD_KEY, AEAD_NONCE, AEAD_AAD, AEAD_TEXT)
    assert sealed[:16].hex() == "d31a8d34648e60db7b86afbc53ef7ec2"
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    assert len(sealed) == len(AEAD_TEXT) + 16
    assert crypto.aead_open(AEAD_KEY, AEAD_NONCE, AEAD_AAD, sealed) == AEAD_TEXT


@pytest.mark.parametrize("cut", [0, 15, 16, 40])
def test_a_forgery_is_not_opened(cut: int) -> None:
    sealed = crypto.aead_seal(AEAD_KEY, AEAD_NONCE, AEAD_AAD, AEAD_TEXT)
    with pytest.raises(ValueError):
        crypto.aead_open(AEAD_KEY, AEAD_NONCE, AEAD_AAD, sealed[:cut])
    with pytest.raises(ValueError):
        crypto.aead_open(AEAD_KEY, AEAD_NONCE, AEAD_AAD + b"x", sealed)
    changed = bytearray(sealed)
    changed[cut] ^= 1
    with pytest.raises(ValueError):
        crypto.aead_open(AEAD_KEY, AEAD_NONCE, AEAD_AAD, bytes(changed))


SHORT, KEY, LONG = bytes(31), bytes(range(32)), bytes(33)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (crypto.ed25519_public, (SHORT,)),
        (crypto.ed25519_public, (LONG,)),
        (crypto.ed25519_sign, (SHORT, KEY, b"")),
        (crypto.ed25519_sign, (KEY, LONG, b"")),
        (crypto.ed25519_verify, (SHORT, b"", bytes(64))),
        (crypto.ed25519_verify, (KEY, b"", bytes(63))),
        (crypto.x25519_public, (LONG,)),
        (crypto.x25519, (SHORT, KEY)),
        (crypto.x25519, (KEY, LONG)),
        (crypto.aead_seal, (SHORT, bytes(12), b"", b"")),
        (crypto.aead_seal, (KEY, bytes(11), b"", b"")),
        (crypto.aead_open, (LONG, bytes(12), b"", bytes(16))),
        (crypto.aead_open, (KEY, bytes(13), b"", bytes(16))),
    ],
)
def test_wrong_lengths(function: Callable[..., object], arguments: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError):
        function(*arguments)


def test_any_buffer_will_do() -> None:
    seed, public, signature = (bytes.fromhex(ED25519[1][i]) for i in (0, 1, 3))
    message = memoryview(b"\x72")
    assert crypto.ed25519_public(bytearray(seed)) == public
    assert crypto.ed25519_sign(memoryview(seed), bytearray(public), message) == signature
    assert crypto.ed25519_verify(memoryview(public), message, bytearray(signature))
    assert crypto.x25519(bytearray(ALICE), memoryview(BOB_PUBLIC)) == SHARED
    assert crypto.sha256(memoryview(b"abc")) == crypto.sha256(b"abc")
    sealed = crypto.aead_seal(
        bytearray(AEAD_KEY), memoryview(AEAD_NONCE), bytearray(), bytearray(3)
    )
    assert crypto.aead_open(AEAD_KEY, bytearray(AEAD_NONCE), b"", memoryview(sealed)) == bytes(3)


def test_equal_and_random() -> None:
    assert crypto.equal(b"same", bytearray(b"same"))
    assert not crypto.equal(b"same", b"sam")
    assert not crypto.equal(b"same", b"some")
    assert len(crypto.random(16)) == 16
    assert crypto.random(16) != crypto.random(16)
    assert crypto.random(0) == b""
