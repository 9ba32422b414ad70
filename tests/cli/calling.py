"""Commands of ``consent`` in this process, on the database of the ``app`` fixture."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from consent.cli import consent
from consent.store import database
from tests.conftest import SECRET

Run = Callable[..., Result]


def runner(path: Path, *first: str, obj: object = None) -> Run:
    """Return what runs ``consent`` with the words *first* and those given to it, *input*, and further settings by name.

    *obj* is what the commands get as click's object: for ``consent doctor``, the resolver that it asks.
    """
    environment = {
        "CONSENT_ENV": "development",
        "CONSENT_DATABASE_URL": database.db.engine.url.render_as_string(hide_password=False),
        "CONSENT_BASE_URL": "https://consent.example.com",
        "CONSENT_SECRET_KEYS": SECRET,
        "CONSENT_SMTP_URL": f"mailbox:{path}/mail",
        "CONSENT_LEDGER_KEY": f"{path}/ledger.key",
    }
    return lambda *words, input=None, **more: CliRunner().invoke(
        consent, [*first, *words], input=input, env=environment | more, obj=obj
    )
