"""What the benchmarks run on: settings that keep everything in one folder, and the example company."""

from pathlib import Path

from consent import clock
from consent.records.append import Origin
from consent.resources import folder
from consent.setup import apply, keys, read
from consent.store import schema

LOG = "bench"


def environment(path: Path, **more: str) -> dict[str, str]:
    """Return an environment whose database, ledger key and mail lie in *path*; *more* overrides."""
    return {
        "CONSENT_ENV": "development",
        "CONSENT_DATABASE_URL": f"sqlite:///{path}/consent.db",
        "CONSENT_BASE_URL": "https://consent.example.com",
        "CONSENT_SECRET_KEYS": "7d3f0c51a9be46824f1c0de29b8a7356c4d5e6f708192a3b4c5d6e7f80912a3b",
        "CONSENT_SMTP_URL": f"file:{path}/mail",
        "CONSENT_LEDGER_KEY": f"{path}/ledger.key",
        "CONSENT_LEDGER_ORIGIN": LOG,
    } | more


def set_up(*scopes: str) -> str:
    """Make the tables and the example company in the current app's database, and return a key with *scopes*."""
    schema.migrate()
    apply.apply(read.read(folder("examples") / "acme.toml"), Origin(LOG, clock.now()))
    return keys.create("bench", scopes, clock.now())
