"""What a wallet does: its memory and the rules of a tap, of sync, of rotation."""
