"""Read-out of a wallet's journal: ask for a statement, read the entries, post them."""

from __future__ import annotations

from jiaozi.wire.statements import Statement
from jiaozi_host.errors import WalletRefused
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.checks import Question
from jiaozi_host.ledger.findings import CHAIN_BROKEN
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.sync.result import Progress, Synced
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient


class Readout:
    """Reads and posts the journal of one wallet, any number of times in a session."""

    def __init__(
        self, client: WalletClient, ledger: Ledger, operator: Operator, progress: Progress
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._published = operator.published
        self._trust = operator.published.trust
        self._progress = progress

    def post(self, wallet: bytes, done: Synced) -> Statement:
        """Post the journal of the wallet with this id; return the statement it was posted up to."""
        question = self._ledger.make_question(wallet)
        raw = self._client.statement(question.nonce)
        statement = self._ledger.read_statement(question, raw, self._trust)
        entries = []
        for position in range(question.position, statement.position):
            self._progress(f"reading entry {position + 1} of {statement.position}")
            entries.append(self._client.entry(position))
        missing = self._published.missing_operators
        posting = self._ledger.post(question, statement, entries, self._trust, missing)
        if any(found.kind == CHAIN_BROKEN for found in posting.findings):
            posting.findings += self._find_fork(question, statement, entries)
        done.entries += posting.entries
        done.add_findings(posting.findings)
        done.balance, done.epoch = statement.balance, statement.epoch
        return statement

    def _find_fork(
        self, question: Question, statement: Statement, entries: list[bytes]
    ) -> list[tables.Finding]:
        """Read back to where the wallet's journal leaves the posted one; store the proof.

        The memory of such a wallet was rolled back. One that has dropped those entries leaves no
        proof; its finding has to be resolved by people.
        """
        branch: list[bytes] = []
        for position in range(question.position - 1, -1, -1):
            try:
                raw = self._client.entry(position)
            except WalletRefused:
                return []
            if raw == self._ledger.entry(question.wallet, position):
                break
            branch.insert(0, raw)
        return self._ledger.prove_fork(question, statement, branch, entries, self._trust)
