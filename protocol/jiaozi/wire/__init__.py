"""What both sides of the wire say: codecs, signed objects, certificates, the channel."""
