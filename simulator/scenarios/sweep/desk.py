"""Flows at the operator's desk: how each is prepared and played (see flows.py)."""

from __future__ import annotations

from jiaozi.wire.commands import READER
from jiaozi_host.errors import WrongPin
from jiaozi_host.wallet import WalletClient
from scenarios.sweep.rig import PIN
from scenarios.sweep.scene import PAYEE, PAYER, Scene

IN, OUT, BOUND = 40_00, 30_00, 50_00
GROCER, PURSE = 5411, 7
NEW_PIN, WRONG_PIN = "98765", "0000"


def play_top_up(scene: Scene) -> None:
    """Value comes in, once, however often the command is repeated."""
    scene.insist(lambda: scene.rig.top_up(PAYER, IN))


def arm_purse(scene: Scene) -> None:
    """Terms of a purse that the wallet does not know yet."""
    scene.rig.operator.make_terms(PURSE, [GROCER], 9, BOUND)


def play_purse_top_up(scene: Scene) -> None:
    """A purse gets its terms and its money."""
    scene.insist(lambda: scene.rig.top_up(PAYER, BOUND, PURSE))


def play_cash_out(scene: Scene) -> None:
    """Value goes back, once."""
    scene.insist(lambda: scene.rig.cash_out(PAYER, OUT))


def arm_update(scene: Scene) -> None:
    """A newer epoch, and a policy of a higher version."""
    rig = scene.rig
    policies = rig.operator.folder / "policies.toml"
    text = policies.read_text(encoding="utf-8")
    policies.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    rig.authority.advance()
    rig.operator.refresh()


def play_update(scene: Scene) -> None:
    """The wallet takes both."""
    scene.insist(lambda: scene.rig.update(PAYER))


def arm_pin_change(scene: Scene) -> None:
    """A try is lost before, so that one gained would show."""

    def try_wrong(client: WalletClient) -> None:
        try:
            client.verify(WRONG_PIN)
        except WrongPin:
            return

    with scene.rig.at_desk(PAYER) as link:
        try_wrong(scene.rig.client(link))


def play_pin_change(scene: Scene) -> None:
    """The owner replaces the PIN; who is told that it is wrong tries the new one."""

    def change() -> None:
        with scene.rig.at_desk(PAYER) as link:
            client = scene.rig.client(link)
            try:
                client.change(PIN, NEW_PIN)
            except WrongPin:
                client.verify(NEW_PIN)

    scene.insist(change)


def arm_sync(scene: Scene) -> None:
    """A payment that the ledger knows nothing of."""
    scene.rig.receive(PAYEE, IN, READER)
    scene.tap()
    scene.apart()


def play_sync(scene: Scene) -> None:
    """The journal is posted, counters start anew."""
    scene.insist(lambda: scene.rig.sync(PAYER))


def play_rotation(scene: Scene) -> None:
    """The wallet gets another key and id, once."""
    rig = scene.rig

    def rotate() -> None:
        me = scene.book(PAYER).me.id
        rotated = rig.ledger.wallet(me).predecessor is not None
        rig.sync(PAYER, None if rotated else 0)

    scene.insist(rotate)


def play_provision(scene: Scene) -> None:
    """A blank device, which has never had power, becomes a wallet."""
    if not scene.bench.seats[PAYEE].core.powered:
        scene.rig.boot(PAYEE)
    scene.insist(lambda: scene.rig.provision(PAYEE))
