"""Key rotation: a wallet changes to its next key under a new id, and its balance moves there."""

from __future__ import annotations

from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi_host.errors import BadAnswer
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.sync.readout import Readout
from jiaozi_host.sync.result import Synced
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient


def rotate(
    client: WalletClient,
    operator: Operator,
    ledger: Ledger,
    readout: Readout,
    wallet: Certificate,
    done: Synced,
) -> None:
    """Rotate the key of a settled wallet and post the first entry of its new journal.

    Safe to break off. Before the wallet has changed to its next key, nothing has happened, and the
    next rotation uses the same key; after that, the next sync posts the entry.
    """
    trust = operator.published.trust
    question = ledger.make_question(wallet.id)
    raw = client.successor(question.nonce)
    statement = ledger.read_statement(question, raw, trust)
    if statement.successor is None:
        raise BadAnswer("the wallet's last statement does not name its next key")
    posting = ledger.post(question, statement, [], trust)
    done.add_findings(posting.findings)
    if ledger.unsettling(wallet.id, posting.findings):
        done.settled = False
        return
    certificate = _next_certificate(operator, ledger, wallet, statement.successor)
    rotation = operator.rotation(raw, certificate)
    ledger.add_settlement(wallet.id, statement.position, rotation)
    client.rotate(rotation)
    ledger.mark_installed(certificate.id)
    readout.post(certificate.id, done)
    done.rotated, done.wallet = wallet.id, certificate.id
    done.settled = not ledger.unsettling(certificate.id, done.findings)


def _next_certificate(
    operator: Operator, ledger: Ledger, wallet: Certificate, public: bytes
) -> Certificate:
    """Certify the wallet's next key, or return the certificate of a rotation broken off."""
    known = ledger.wallet_of_key(public)
    if known is None:
        certificate = operator.certify(public, wallet.form, wallet.tier, wallet.category)
        ledger.register_successor(wallet.id, certificate)
        return certificate
    if known.predecessor != wallet.id:
        raise BadAnswer("the wallet's next key belongs to another wallet")
    return read(WALLET, known.certificate, operator.network)
