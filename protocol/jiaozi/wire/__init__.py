"""The wire format: codecs, signed objects, certificates, the encrypted channel."""
