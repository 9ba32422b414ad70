"""The ledger's bytes: pure functions, no database, no clock, no files.

An entry is one line of canonical JSON (:mod:`consent.ledger.entries`); its leaf is SHA-256(0x00 | line), as in
RFC 6962 s. 2.1. The leaves make a tree (:mod:`consent.ledger.merkle`), whose hashes are kept and published in tiles
(:mod:`consent.ledger.tiles`). The format of an entry is described, with an example, in docs/ledger-format.md.
"""
