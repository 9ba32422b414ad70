"""What comes back about mail that went out: bounces, complaints and unsubscribes, one provider a file.

A provider's file checks that the provider said it (the raw bytes, never the parsed ones) and returns events; nothing
of what cannot be checked is recorded. :mod:`take` records events, each once.
"""
