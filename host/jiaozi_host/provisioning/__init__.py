"""Provisioning of devices, top-up and cash-out.

Every function takes an open link with a card in the field. One that is broken off (card removed,
power cut, Ctrl-C) is resumed by calling it again: it first resends what was committed.
"""

from jiaozi_host.provisioning.provision import Provisioned, provision
from jiaozi_host.provisioning.transfer import Transfer, cash_out, top_up

__all__ = ["Provisioned", "Transfer", "cash_out", "provision", "top_up"]
