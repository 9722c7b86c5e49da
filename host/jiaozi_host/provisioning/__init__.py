"""Making wallets of devices, and money in and out of them: provision, top up, cash out.

Every function takes an open link with a card in its field. Whatever is broken off (a card pulled
away, a cut, Ctrl-C) is resumed by calling it again: what was committed is sent again before
anything new is.
"""

from jiaozi_host.provisioning.provision import Provisioned, provision
from jiaozi_host.provisioning.transfer import Transfer, cash_out, top_up

__all__ = ["Provisioned", "Transfer", "cash_out", "provision", "top_up"]
