"""Policies: the limits of each tier, in a TOML file that the operator edits.

A change of a tier's limits must raise its `version`: wallets refuse a policy with an older version,
and one version stands for one set of limits.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from jiaozi.wire.policies import POLICY_FIELDS
from jiaozi_host.errors import VaultError
from jiaozi_host.money import LARGEST, BadAmount, parse_amount

DEFAULTS = """\
# Limits of this operator's wallets, by tier. Write amounts in quotes, such as "500.00".
# To change a tier: edit it AND raise its version. Wallets get the new limits at their next sync.
#
# balance_cap        largest balance of a wallet
# single             largest payment
# unconfirmed_*      payments without a confirmation on the wallet: largest, number, total
# offline_*          payments to other wallets: number, total
#                    (numbers and totals count from the last sync;
#                    until the next one, a wallet's journal has room for 64 payments)
# hops               times that value may change hands before a sync (at most 15)
# request_lifetime   epochs for which a request can be paid
# epochs_since_sync  epochs after the last sync in which a wallet can pay
# firmware           optional: lowest firmware number that can pay

[tier.1]  # bank account, opened in person
version = 1
balance_cap = "500000.00"
single = "50000.00"
unconfirmed_single = "500.00"
unconfirmed_count = 20
unconfirmed_total = "2000.00"
offline_count = 60
offline_total = "100000.00"
hops = 8
request_lifetime = 1
epochs_since_sync = 30

[tier.2]  # bank account, opened remotely
version = 1
balance_cap = "500000.00"
single = "50000.00"
unconfirmed_single = "500.00"
unconfirmed_count = 20
unconfirmed_total = "2000.00"
offline_count = 60
offline_total = "100000.00"
hops = 8
request_lifetime = 1
epochs_since_sync = 30

[tier.3]  # identity document
version = 1
balance_cap = "20000.00"
single = "5000.00"
unconfirmed_single = "500.00"
unconfirmed_count = 20
unconfirmed_total = "2000.00"
offline_count = 50
offline_total = "10000.00"
hops = 8
request_lifetime = 1
epochs_since_sync = 10

[tier.4]  # phone number only: anonymous
version = 1
balance_cap = "10000.00"
single = "2000.00"
unconfirmed_single = "200.00"
unconfirmed_count = 10
unconfirmed_total = "1000.00"
offline_count = 30
offline_total = "5000.00"
hops = 5
request_lifetime = 1
epochs_since_sync = 5
"""

ACCOUNT_TIER = 0

_AMOUNTS = ("balance_cap", "single", "unconfirmed_single", "unconfirmed_total", "offline_total")
_GIVEN_ELSEWHERE = ("tier", "currency")
_MOST_HOPS = 15


def account_limits(currency: str) -> dict[str, Any]:
    """Return the limits of the operator's account: the largest values a message can hold."""
    limits: dict[str, Any] = dict.fromkeys(POLICY_FIELDS, LARGEST)
    limits.update(version=1, tier=ACCOUNT_TIER, currency=currency)
    limits.update(hops=_MOST_HOPS, request_lifetime=1)
    return limits


def read_limits(path: Path, currency: str) -> dict[int, dict[str, Any]]:
    """Read the TOML file; return for each tier the limits for `jiaozi.operator.issue.make_policy`.

    Raises VaultError, naming the tier and the field.
    """
    try:
        tiers = tomllib.loads(path.read_text(encoding="utf-8"))["tier"]
        return {int(name): _tier(int(name), table, currency) for name, table in tiers.items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError, AttributeError) as error:
        raise VaultError(
            f"cannot read {path}: {error}", "correct the file; its head explains each field"
        ) from error


def _tier(tier: int, table: dict[str, Any], currency: str) -> dict[str, Any]:
    wanted = {*POLICY_FIELDS, "firmware"} - set(_GIVEN_ELSEWHERE)
    table = {"firmware": 0} | table
    if not 1 <= tier <= LARGEST or set(table) != wanted:
        odd = ", ".join(sorted(wanted.symmetric_difference(table))) or "number"
        raise VaultError(
            f"policy of tier {tier}: wrong or missing fields: {odd}",
            "correct operator/policies.toml",
        )
    limits: dict[str, Any] = {"tier": tier, "currency": currency}
    for field, value in table.items():
        limits[field] = _value(tier, field, value)
    if limits["hops"] > _MOST_HOPS:
        raise VaultError(
            f"policy of tier {tier}: hops is above {_MOST_HOPS}", "correct operator/policies.toml"
        )
    return limits


def _value(tier: int, field: str, value: object) -> int:
    if field in _AMOUNTS and isinstance(value, str):
        try:
            return parse_amount(value)
        except BadAmount as error:
            raise VaultError(f"policy of tier {tier}: {field}: {error}", error.remedy) from error
    if field not in _AMOUNTS and type(value) is int and 0 <= value <= LARGEST:
        return value
    kind = 'an amount in quotes, such as "500.00"' if field in _AMOUNTS else "a whole number"
    raise VaultError(f"policy of tier {tier}: {field} is {value!r}", f"write {kind}")
