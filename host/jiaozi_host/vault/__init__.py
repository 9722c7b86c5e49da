"""The vault: an authority and an operator, kept in a directory (the "home")."""

from jiaozi_host.vault.authority import Authority
from jiaozi_host.vault.operator import Operator
from jiaozi_host.vault.published import Published

__all__ = ["Authority", "Operator", "Published"]
