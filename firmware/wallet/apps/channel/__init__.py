"""Commands that open the encrypted channel; the dispatcher opens its records."""
