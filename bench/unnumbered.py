"""The `consent` command with the ledger's step taken out: `python -m bench.unnumbered`. It measures what that costs.

Entries are kept, since they are what the service reads; they do not wait for a number, and nobody numbers or signs.
"""

from unittest import mock

from consent.cli import main
from consent.records import publish, sequence, signing

if __name__ == "__main__":
    with (
        mock.patch.object(sequence, "enqueue", lambda *_: None),
        mock.patch.object(publish, "number_all", lambda _: 0),
        mock.patch.object(signing, "load", lambda *_: None),
    ):
        main()
