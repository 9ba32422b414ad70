"""The ledger's bytes: pure functions, no database, no clock, no files.

An entry is one line of canonical JSON (:mod:`consent.ledger.entries`); its leaf is SHA-256(0x00 | line), as in
RFC 6962 s. 2.1. The format is described, with an example, in docs/ledger-format.md.
"""
