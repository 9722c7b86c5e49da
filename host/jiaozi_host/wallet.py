"""Client of a wallet: one typed method for each command (`jiaozi.wire.commands`), over a link.

Commands of the owner and the operator go through an encrypted channel, which is opened when first
needed. Once it is open, all commands but SELECT use it.
"""

from __future__ import annotations

import time

from _jzcbor import dumps
from jiaozi.wire import apdu, commands
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.channel import Channel
from jiaozi.wire.cose import BYTES, TEST
from jiaozi.wire.errors import CLA_UNKNOWN, GESTURE_NEEDED, INS_UNKNOWN, NOT_FOUND, Refused
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi.wire.suites import EDDSA
from jiaozi.wire.terms import GENERAL
from jiaozi.wire.trust import Trust
from jiaozi_host.channel import ChannelIdentity, agree, anonymous
from jiaozi_host.errors import (
    BadAnswer,
    ForeignCard,
    HostError,
    WalletRefused,
    refused_by_wallet,
)
from jiaozi_host.links import Link
from jiaozi_host.wallet_answers import (
    Info,
    Selected,
    decode_answer,
    expect_answer,
    read_info,
    read_selected,
)

GESTURE_SECONDS = 60.0
"""How long a command waits for the owner to press a key."""


class WalletClient:
    """A wallet at the other end of a link.

    trust: authority and operators that verify the wallet's certificate before a channel is opened;
    needed for a channel to any device that is not blank.
    identity: the host's identity in a channel with a wallet of the same operator; None, or another
    operator's wallet, makes the host anonymous.

    Every method raises WalletRefused (WrongPin, PinBlocked) for a status word other than 9000,
    BadAnswer for an answer that is malformed or not authentic, and what the link raises.
    Certificates, requests, payments and outcomes are passed encoded; amounts are in minor units.
    """

    def __init__(
        self, link: Link, trust: Trust | None = None, identity: ChannelIdentity | None = None
    ) -> None:
        self.link = link
        self._trust = trust
        self._identity = identity
        self._selected: Selected | None = None
        self._channel: Channel | None = None

    def identify(self, identity: ChannelIdentity) -> None:
        """Use another identity from the next channel on."""
        self._identity = identity

    def exchange(self, command: bytes) -> bytes:
        """Send a command APDU, through the channel if open; return the response APDU."""
        channel, self._channel = self._channel, None  # an error below closes it
        if channel is None:
            return self.link.exchange(command)
        record = self._plain(commands.RECORD, channel.seal(command))
        try:
            response = channel.open(record)
        except Refused as refusal:
            raise BadAnswer(f"an answer in the channel is not authentic ({refusal})") from refusal
        self._channel = channel
        return response

    def _call(self, ins: int, data: bytes = b"") -> bytes:
        return self._answer(
            self.exchange(apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY))
        )

    def _private(self, ins: int, data: bytes = b"") -> bytes:
        """Send a command that needs the channel; open it first if it is closed."""
        if self._channel is None:
            self.open_channel()
        return self._call(ins, data)

    def _with_gesture(self, ins: int, data: bytes) -> None:
        """Send a command that the owner must allow on the wallet, until that was done."""
        end = time.monotonic() + GESTURE_SECONDS
        while True:
            try:
                self._private(ins, data)
            except WalletRefused as refusal:
                if refusal.status != GESTURE_NEEDED or time.monotonic() > end:
                    raise
            else:
                return
            self.link.await_gesture()

    def _plain(self, ins: int, data: bytes) -> bytes:
        command = apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)
        return self._answer(self.link.exchange(command))

    @staticmethod
    def _answer(response: bytes) -> bytes:
        try:
            data, status = apdu.split_response(response)
        except apdu.ApduError as error:
            raise BadAnswer(f"the wallet's answer is incomplete: {error}") from error
        if status != apdu.SW_OK:
            raise refused_by_wallet(status)
        return bytes(data)

    def open_channel(self) -> None:
        """Verify the selected wallet's certificate and open an encrypted channel with it.

        Raises BadAnswer when the certificate does not verify or the wallet lacks its key,
        HostError when a certificate is shown and no `trust` was given.
        """
        wallet = self._verified(self._selected or self.select())
        identity = self._identity
        if identity is None or not identity.accepted_by(wallet):
            identity = anonymous()
        self._channel = agree(
            identity,
            wallet,
            self._trust.network if self._trust else TEST,
            lambda message: self._plain(commands.AGREE, message),
            lambda message: self._plain(commands.CONFIRM, message),
        )

    def _verified(self, hello: Selected) -> Certificate | None:
        """Return the verified certificate of the selected wallet, None for a blank device."""
        if hello.certificate is None:
            return None
        if self._trust is None:
            raise HostError(
                "the authority's certificate is missing, so the wallet cannot be verified",
                "name the folder that holds it with --home",
            )
        try:
            return self._trust.wallet(hello.certificate)
        except Refused as refusal:
            raise BadAnswer(f"the wallet's certificate does not verify ({refusal})") from refusal

    # Any reader -----------------------------------------------------------------------------------

    def select(self) -> Selected:
        """Select the wallet application; this closes the channel and its PIN verification.

        Raises ForeignCard when the card lacks the application or has one of another version.
        """
        self._channel = self._selected = None
        try:
            data, status = apdu.split_response(self.link.exchange(apdu.select()))
        except apdu.ApduError as error:
            raise ForeignCard("the card does not answer as a Jiaozi wallet does") from error
        if status in (NOT_FOUND, INS_UNKNOWN, CLA_UNKNOWN):
            raise ForeignCard(f"the card is not a Jiaozi wallet (SELECT: {status:04X})")
        if status != apdu.SW_OK:
            raise refused_by_wallet(status)
        self._selected = read_selected(data)
        return self._selected

    def epoch(self) -> bytes:
        """Return the wallet's epoch, encoded and not verified."""
        return self._call(commands.EPOCH)

    def pay(self, payee: bytes, request: bytes) -> tuple[bytes, bytes | None]:
        """Ask for a payment; return it and None.

        A wallet with a pending payment to this payee returns that one first, with its request.
        payee: certificate.
        """
        body = decode_answer(self._call(commands.PAY, dumps([payee, request])))
        if not isinstance(body, list) or len(body) not in (1, 2):
            raise BadAnswer("the wallet's answer to PAY is not a payment")
        expect_answer(body, (BYTES,) * len(body))
        return body[0], body[1] if len(body) == 2 else None

    def payment(self, payer: bytes, payment: bytes, request: bytes | None = None) -> bytes:
        """Deliver a payment to its payee; return the receipt or void.

        payer: certificate; request: given when the wallet may no longer hold it.
        """
        parts = [payer, payment] if request is None else [payer, payment, request]
        return self._call(commands.PAYMENT, dumps(parts))

    def resolve(self, outcome: bytes) -> None:
        """Deliver the receipt or void for a payment the wallet made."""
        self._call(commands.RESOLVE, outcome)

    # Owner ----------------------------------------------------------------------------------------

    def info(self) -> Info:
        """Return the wallet's state; balance, payments and purses only after `verify`."""
        return read_info(self._call(commands.INFO))

    def verify(self, pin: str) -> None:
        """Verify the owner's PIN; wait for the owner's gesture. Raises WrongPin or PinBlocked."""
        self._with_gesture(commands.VERIFY, pin.encode())

    def change(self, old: str, new: str) -> None:
        """Replace the PIN; wait for the owner's gesture."""
        self._with_gesture(commands.CHANGE, dumps([old.encode(), new.encode()]))

    def arm_receive(self, amount: int, role: int = commands.AUTO, purse: int = GENERAL) -> bytes:
        """Arm the next tap to receive `amount` (0: any) into a purse; return the request.

        role: READER, CARD or AUTO of `jiaozi.wire.commands`. Needs the PIN.
        """
        body = [commands.RECEIVE, amount, role, purse]
        return self._private(commands.ARM, dumps(body if purse else body[:3]))

    def arm_pay(self, amount: int, role: int = commands.AUTO, payee: bytes | None = None) -> None:
        """Arm the next tap to pay `amount`, for two minutes. Needs the PIN.

        payee: hash of the only certificate that is paid, None for any.
        """
        body: list[object] = [commands.PAY_OUT, amount, role]
        self._private(commands.ARM, dumps(body if payee is None else [*body, payee]))

    def disarm(self) -> None:
        """Clear the armed operation and cancel open requests. Needs the PIN."""
        self._private(commands.DISARM)

    # Operator: all but the first two need its identity --------------------------------------------

    def create(self) -> bytes:
        """Make the device create its key; return the public key, the same until `install`."""
        public = self._private(commands.CREATE)
        expect_answer([public], (EDDSA.key_length,))
        return public

    def install(self, package: bytes, pin: str) -> None:
        """Install the package of `jiaozi.operator.issue.package` and the first PIN."""
        self._private(commands.INSTALL, dumps([package, pin.encode()]))

    def challenge(self) -> bytes:
        """Return a fresh nonce of the wallet for a settlement."""
        nonce = self._private(commands.CHALLENGE)
        expect_answer([nonce], (NONCE_LENGTH,))
        return nonce

    def update(self, operators: list[bytes], policy: bytes, epoch: bytes) -> None:
        """Install newer operators' certificates, policy and epoch."""
        self._private(commands.UPDATE, dumps([operators, policy, epoch]))

    def statement(self, nonce: bytes) -> bytes:
        """Return the wallet's signed statement for a 16-byte nonce."""
        return self._private(commands.STATEMENT, nonce)

    def entry(self, position: int) -> bytes:
        """Return the encoded journal entry at a position."""
        return self._private(commands.ENTRY, dumps(position))

    def settle(self, settlement: bytes) -> None:
        """Deliver the operator's settlement."""
        self._private(commands.SETTLE, settlement)

    def terms(self, terms: bytes) -> None:
        """Deliver the signed terms of a purse; repeating the same terms changes nothing."""
        self._private(commands.TERMS, terms)

    def unblock(self, pin: str) -> None:
        """Set a new PIN without the old one, and unblock it."""
        self._private(commands.UNBLOCK, pin.encode())

    def freeze(self) -> None:
        """Freeze the wallet for good: it refuses new payments and requests."""
        self._private(commands.FREEZE)

    def successor(self, nonce: bytes) -> bytes:
        """Make the wallet create its next key; return its last statement, which names the key."""
        return self._private(commands.SUCCESSOR, nonce)

    def rotate(self, rotation: bytes) -> None:
        """Deliver the operator's rotation: the wallet changes to its next key and id."""
        self._private(commands.ROTATE, rotation)
