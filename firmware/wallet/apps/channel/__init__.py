"""Commands that open the encrypted channel; the dispatcher handles its records."""
