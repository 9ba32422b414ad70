"""``consent demo``: everything in one process, with outgoing mail kept in a page."""

import logging
import secrets
from pathlib import Path
from typing import Any

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from consent import clock, config
from consent.cli import work
from consent.cli.session import app_context, origin
from consent.config import Settings
from consent.records import signing
from consent.resources import folder
from consent.setup import apply, keys, read
from consent.store import schema

_SCOPES = ("signups", "decisions", "exports", "records")


class _QuietHandler(WSGIRequestHandler):
    """No access log: links are secrets, and addresses are personal."""

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--data", default="var", show_default=True, type=click.Path(file_okay=False, path_type=Path))
def demo(port: int, data: Path) -> None:
    """Run the service, its worker and a mailbox page in one process, set up with examples/acme.toml."""
    logging.basicConfig(level=logging.WARNING)
    data.mkdir(parents=True, exist_ok=True)
    with app_context(_settings(port, data), migrated=False) as app:
        schema.migrate()
        apply.apply(read.read(folder("examples") / "acme.toml"), origin(app), _vkey(app.config["CONSENT"]))
        key = _key(data / "demo-api-key")
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
        stop = work.start_thread(app)
        click.echo(_welcome(port, key))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped. The data is kept; `make run` goes on where this ended.")
        finally:
            stop.set()
            server.server_close()


def _settings(port: int, data: Path) -> Settings:
    secret = _kept(data / "demo-secret-key", lambda: secrets.token_hex(32))
    return config.read(
        {
            "CONSENT_ENV": "development",
            "CONSENT_DATABASE_URL": f"sqlite:///{data.absolute()}/consent.db",
            "CONSENT_BASE_URL": f"http://127.0.0.1:{port}",
            "CONSENT_SECRET_KEYS": secret,
            "CONSENT_SMTP_URL": f"mailbox:{data.absolute()}/mailbox",
            "CONSENT_LEDGER_ORIGIN": "demo.example/ledger",
            "CONSENT_LEDGER_KEY": str(data.absolute() / "ledger.key"),
        }
    )


def _vkey(settings: Settings) -> str:
    """Return the public key of the demo's ledger, whose private key is made on the first run."""
    found = signing.load(settings.ledger_key, settings.ledger_origin)
    found = found or signing.create(settings.ledger_key, settings.ledger_origin)
    return found.signers[0].verifier.vkey


def _key(path: Path) -> str:
    """Return the demo's API key; a new one if the database does not know the one that was kept."""
    if path.exists() and not _opens(path.read_text("utf-8").strip()):
        path.unlink()
    return _kept(path, lambda: keys.create("demo", _SCOPES, clock.now()))


def _opens(key: str) -> bool:
    try:
        return keys.check(key) is not None
    except keys.Ended:
        return False


def _kept(path: Path, make: Any) -> str:
    """Return the secret in *path*; make it on the first run, readable by its owner alone."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make(), "utf-8")
    return path.read_text("utf-8").strip()


def _welcome(port: int, key: str) -> str:
    url = f"http://127.0.0.1:{port}"
    return f"""
  Consent is running, with the example company of examples/acme.toml.

    Sign up          {url}/s/acme-news
    in French        {url}/s/acme-news?lang=fr
    Read the mail    {url}/dev/mailbox/
    Ask the API      curl -s {url}/api/v1/decisions -H 'Authorization: Bearer {key}' \\
                       --json '{{"email": "anne@example.com", "topic": "acme/newsletter"}}'
    API key          {key}

  Stop with Ctrl-C.
"""
