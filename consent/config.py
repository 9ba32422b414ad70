"""Settings, read from the environment once, checked, and refused in one line that says what to set."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

_SMTP_SCHEMES = {"smtp", "smtps", "smtp+starttls", "file", "mailbox"}
_HOST_AND_PATH = r"://([a-z0-9-]+\.)*[a-z0-9-]+(:\d{1,5})?(/[A-Za-z0-9._~-]+)*/?"
_LOG_FORMATS = {"production": "json", "development": "text"}
_IMAP_PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
_NO_IMAP = (
    "CONSENT_FEEDBACK_IMAP must be imaps://user:password@host/INBOX or imap+starttls://…, in ASCII; write '@' as %40, "
    "':' as %3A and '/' as %2F in user and password."
)
_WEAK = {"changeme", "secret", "password", "development", "insecure"}


class BadSettings(Exception):
    """A setting is missing, weak or unreadable. The message names it and says what to set."""


@dataclass(frozen=True)
class Feedback:
    """What bounces and complaints are checked with, by provider; a provider without a secret is refused."""

    ses_topics: tuple[str, ...] = ()
    ses_certificates: Path | None = None
    sendgrid_key: str | None = field(default=None, repr=False)
    mailgun_key: str | None = field(default=None, repr=False)
    postmark_auth: str | None = field(default=None, repr=False)
    standard_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Imap:
    """A mailbox that bounces and complaints are fetched from. *scheme* says how it is kept secret on the way."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides. Names and defaults: docs/operating.md."""

    environment: str
    database_url: str = field(repr=False)
    base_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    smtp_url: str = field(repr=False)
    ledger_origin: str
    ledger_key: Path = Path("var/ledger.key")
    replica_url: str | None = field(default=None, repr=False)
    trusted_proxies: int = 0
    clock_offset: int = 0
    metrics_token: str | None = field(default=None, repr=False)
    log_json: bool = False
    access_log: bool = True
    server_timing: bool = False
    feedback: Feedback = Feedback()
    dkim_keys: Path | None = None
    mail_templates: Path | None = None
    feedback_maildir: Path | None = None
    feedback_imap: Imap | None = None

    @property
    def development(self) -> bool:
        """Whether this is a rehearsal: http links, the mailbox page and a shifted clock are then allowed."""
        return self.environment == "development"

    @property
    def mailbox(self) -> Path | None:
        """The folder of the demo's mailbox page, or None if mail goes elsewhere."""
        return Path(self.smtp_url.removeprefix("mailbox:")) if self.smtp_url.startswith("mailbox:") else None


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of *environ* (by default the process's own).

    In development a ``.env`` file in the current folder fills what is not set.
    Raises BadSettings: production refuses missing or weak keys, an http base URL and the demo mailbox.
    """
    given = dict(os.environ if environ is None else environ)
    environment = given.get("CONSENT_ENV", "production")
    if environment not in ("production", "development"):
        raise BadSettings("CONSENT_ENV must be production or development.")
    if environment == "development":
        given = {k: v for k, v in dotenv_values(".env").items() if v is not None} | given
    settings = Settings(
        environment=environment,
        database_url=_database_url(given.get("CONSENT_DATABASE_URL") or "sqlite:///var/consent.db"),
        base_url=_base_url(given.get("CONSENT_BASE_URL", ""), environment),
        secret_keys=_secret_keys(given.get("CONSENT_SECRET_KEYS", ""), environment),
        smtp_url=_smtp_url(given.get("CONSENT_SMTP_URL", ""), environment),
        ledger_origin=_origin(given),
        ledger_key=Path(given.get("CONSENT_LEDGER_KEY") or "var/ledger.key").absolute(),
        replica_url=_replica_url(given),
        trusted_proxies=_whole(given, "CONSENT_TRUSTED_PROXIES", lowest=0),
        clock_offset=_whole(given, "CONSENT_CLOCK_OFFSET"),
        metrics_token=_metrics_token(given.get("CONSENT_METRICS_TOKEN", "")),
        log_json=_one_of(given, "CONSENT_LOG_FORMAT", ("text", "json"), _LOG_FORMATS[environment]) == "json",
        access_log=_one_of(given, "CONSENT_ACCESS_LOG", ("on", "off"), "on") == "on",
        server_timing=_one_of(given, "CONSENT_SERVER_TIMING", ("on", "off"), "off") == "on",
        feedback=_feedback(given),
        dkim_keys=_folder(given, "CONSENT_DKIM_KEYS"),
        mail_templates=_folder(given, "CONSENT_MAIL_TEMPLATES"),
        feedback_maildir=_folder(given, "CONSENT_FEEDBACK_MAILDIR"),
        feedback_imap=_imap(given.get("CONSENT_FEEDBACK_IMAP", "")),
    )
    if not settings.development:
        _refuse_rehearsal(settings)
    return settings


def _folder(given: Mapping[str, str], name: str) -> Path | None:
    path = Path(given[name]).absolute() if given.get(name) else None
    if path and not path.is_dir():
        raise BadSettings(f"{name} must name a folder; there is none at {path}.")
    return path


def _feedback(given: Mapping[str, str]) -> Feedback:
    """Return what feedback is checked with. Raises BadSettings for a secret that cannot be one."""
    auth = given.get("CONSENT_FEEDBACK_POSTMARK_AUTH") or None
    if auth and not all(auth.partition(":")):
        raise BadSettings("CONSENT_FEEDBACK_POSTMARK_AUTH must be user:password, as in the URL that Postmark calls.")
    certificates = given.get("CONSENT_FEEDBACK_SES_CERTS")
    return Feedback(
        ses_topics=tuple(filter(None, re.split(r"[,\s]+", given.get("CONSENT_FEEDBACK_SES_TOPICS", "")))),
        ses_certificates=Path(certificates).absolute() if certificates else None,
        sendgrid_key=given.get("CONSENT_FEEDBACK_SENDGRID_KEY") or None,
        mailgun_key=given.get("CONSENT_FEEDBACK_MAILGUN_KEY") or None,
        postmark_auth=auth,
        standard_secret=given.get("CONSENT_FEEDBACK_STANDARD_SECRET") or None,
    )


def _imap(text: str) -> Imap | None:
    """Return the mailbox that *text* names, if any. Raises BadSettings; what it says does not hold the password."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port or _IMAP_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise BadSettings(_NO_IMAP) from None
    user, password, folder = (unquote(one or "") for one in (parts.username, parts.password, parts.path[1:] or "INBOX"))
    if not (parts.hostname and user and password and re.fullmatch(r"[ -~]+", user + password + folder)):
        raise BadSettings(_NO_IMAP)
    if parts.scheme == "imap" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadSettings("CONSENT_FEEDBACK_IMAP would send the password in clear: write imaps:// or imap+starttls://.")
    return Imap(parts.scheme, parts.hostname, port, user, password, folder)


def _refuse_rehearsal(settings: Settings) -> None:
    """Raise BadSettings for what has no place in production."""
    if settings.clock_offset:
        raise BadSettings("CONSENT_CLOCK_OFFSET is for rehearsals: unset it, or set CONSENT_ENV=development.")
    if settings.server_timing:
        raise BadSettings("CONSENT_SERVER_TIMING shows strangers how long we work: unset it in production.")


def _database_url(text: str) -> str:
    """Return the URL with a relative SQLite path made absolute: Flask would look in another folder."""
    scheme, _, path = text.partition(":///")
    if scheme.split("+")[0] == "sqlite":
        if path in ("", ":memory:"):
            raise BadSettings("CONSENT_DATABASE_URL must name a file: memory is lost at the end. Set sqlite:///PATH.")
        return f"{scheme}:///{Path(path).absolute()}"
    if not text.startswith(("postgresql://", "postgresql+psycopg://")):
        raise BadSettings("CONSENT_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    return text.replace("postgresql://", "postgresql+psycopg://", 1)


def _replica_url(given: Mapping[str, str]) -> str | None:
    text = given.get("CONSENT_REPLICA_URL")
    if not text:
        return None
    if given.get("CONSENT_DATABASE_URL", "sqlite").startswith("sqlite"):
        raise BadSettings("CONSENT_REPLICA_URL is for PostgreSQL; a SQLite file has no replica. Unset it.")
    if not text.startswith(("postgresql://", "postgresql+psycopg://")):
        raise BadSettings("CONSENT_REPLICA_URL must begin with postgresql+psycopg://, as CONSENT_DATABASE_URL does.")
    return text.replace("postgresql://", "postgresql+psycopg://", 1)


def _base_url(text: str, environment: str) -> str:
    if environment == "development":
        text = text or "http://127.0.0.1:8000"
    schemes = "https" if environment == "production" else "https?"
    if not re.fullmatch(schemes + _HOST_AND_PATH, text) or not _port_exists(text):
        raise BadSettings("CONSENT_BASE_URL must be the public https:// address that links in mail begin with.")
    return text.rstrip("/")


def _port_exists(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _secret_keys(text: str, environment: str) -> tuple[str, ...]:
    keys = tuple(key for key in (part.strip() for part in text.split(",")) if key)
    if not keys and environment == "development":
        return (secrets.token_hex(32),)  # links die with the process; `consent demo` keeps its own
    if not keys:
        raise BadSettings(
            "CONSENT_SECRET_KEYS is not set. Make one with `openssl rand -hex 32`, and keep it: it signs every link."
        )
    for key in keys:
        if len(key.encode()) < 32 or len(set(key)) < 8 or any(word in key.lower() for word in _WEAK):
            raise BadSettings(
                "CONSENT_SECRET_KEYS holds a weak key. Each needs 32 random bytes: `openssl rand -hex 32`."
            )
    return keys


def _smtp_url(text: str, environment: str) -> str:
    if not text and environment == "development":
        return "mailbox:var/mailbox"
    scheme, _, rest = text.partition(":")
    if not rest or scheme not in _SMTP_SCHEMES:
        raise BadSettings(
            "CONSENT_SMTP_URL must say where mail goes: smtp+starttls://user:password@host:587, smtps://… or file:DIR."
        )
    if text.startswith("mailbox:") and environment == "production":
        raise BadSettings(
            "CONSENT_SMTP_URL=mailbox: is the demo's page; in production set smtp+starttls://… or file:DIR."
        )
    if text.startswith("smtp"):
        _check_host(text)
    return text


def _check_host(text: str) -> None:
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host or not _port_exists(text):
        raise BadSettings("CONSENT_SMTP_URL has no host or an impossible port: smtp+starttls://user:password@host:587.")


def _origin(given: Mapping[str, str]) -> str:
    host = urlsplit(given.get("CONSENT_BASE_URL", "")).hostname or "localhost"
    origin = given.get("CONSENT_LEDGER_ORIGIN") or f"{host}/ledger"
    if any(c.isspace() or c == "+" for c in origin):
        raise BadSettings("CONSENT_LEDGER_ORIGIN must hold no space and no '+', like consent.example.com/ledger/2026.")
    return origin


def _metrics_token(text: str) -> str | None:
    if text and not re.fullmatch(r"[!-~]{16,}", text):
        raise BadSettings("CONSENT_METRICS_TOKEN needs 16 characters or more, without spaces: `openssl rand -hex 16`.")
    return text or None


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, str], default: str) -> str:
    text = given.get(name) or default
    if text not in choices:
        raise BadSettings(f"{name} must be {choices[0]} or {choices[1]}.")
    return text


def _whole(given: Mapping[str, str], name: str, lowest: int | None = None) -> int:
    try:
        number = int(given.get(name) or 0)
    except ValueError:
        raise BadSettings(f"{name} must be a whole number.") from None
    if lowest is not None and number < lowest:
        raise BadSettings(f"{name} must be {lowest} or more.")
    return number
