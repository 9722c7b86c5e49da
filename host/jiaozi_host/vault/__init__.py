"""The vault: keys, certificates and policies of authority and operator, in a home folder."""

from jiaozi_host.vault.authority import Authority
from jiaozi_host.vault.operator import Operator
from jiaozi_host.vault.published import Published

__all__ = ["Authority", "Operator", "Published"]
