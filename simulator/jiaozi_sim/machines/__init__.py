"""Engines that run a wallet's firmware image, behind one interface (`base.Machine`)."""
