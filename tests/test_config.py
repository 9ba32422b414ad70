"""Settings: what production refuses, what development fills in, and what is never printed."""

from pathlib import Path

import pytest

from consent import config

KEY = "0123456789abcdef" * 4
OLD_KEY = "fedcba9876543210" * 4
PASSWORD = "correct-horse-battery"
GOOD = {
    "CONSENT_BASE_URL": "https://consent.example.com",
    "CONSENT_SECRET_KEYS": KEY,
    "CONSENT_SMTP_URL": f"smtp+starttls://user:{PASSWORD}@mail.example.com:587",
}
BAD = [  # the variable that the refusal names, and the text that is refused in production (None: not set)
    ("CONSENT_ENV", "staging"),
    ("CONSENT_ENV", "Production"),
    ("CONSENT_ENV", ""),
    ("CONSENT_BASE_URL", None),
    ("CONSENT_BASE_URL", ""),
    ("CONSENT_BASE_URL", "http://consent.example.com"),
    ("CONSENT_BASE_URL", "consent.example.com"),
    ("CONSENT_BASE_URL", "https://"),
    ("CONSENT_BASE_URL", "https:///path"),
    ("CONSENT_BASE_URL", "https://[half"),
    ("CONSENT_BASE_URL", "https://consent.example.com/?a=1"),
    ("CONSENT_BASE_URL", "https://consent.example.com/#top"),
    ("CONSENT_BASE_URL", "ftp://consent.example.com"),
    ("CONSENT_SECRET_KEYS", None),
    ("CONSENT_SECRET_KEYS", ""),
    ("CONSENT_SECRET_KEYS", " , ,"),
    ("CONSENT_SECRET_KEYS", KEY[:31]),
    ("CONSENT_SECRET_KEYS", "a" * 64),
    ("CONSENT_SECRET_KEYS", "abcdefg" * 9),
    ("CONSENT_SECRET_KEYS", "changeme-changeme-changeme-changeme-0123"),
    ("CONSENT_SECRET_KEYS", "My-Secret-0123456789-abcdefghijklmnop"),
    ("CONSENT_SECRET_KEYS", f"{KEY},short"),
    ("CONSENT_SMTP_URL", None),
    ("CONSENT_SMTP_URL", ""),
    ("CONSENT_SMTP_URL", "mail.example.com:25"),
    ("CONSENT_SMTP_URL", "https://mail.example.com"),
    ("CONSENT_SMTP_URL", "mailbox:var/mailbox"),
    ("CONSENT_SMTP_URL", "smtp://"),
    ("CONSENT_SMTP_URL", "smtp://:25"),
    ("CONSENT_SMTP_URL", "smtps://mail.example.com:0"),
    ("CONSENT_SMTP_URL", "smtps://mail.example.com:65536"),
    ("CONSENT_SMTP_URL", "smtps://mail.example.com:smtp"),
    ("CONSENT_SMTP_URL", "smtps://[half"),
    ("CONSENT_DATABASE_URL", "sqlite://"),
    ("CONSENT_DATABASE_URL", "sqlite:///"),
    ("CONSENT_DATABASE_URL", "sqlite:///:memory:"),
    ("CONSENT_DATABASE_URL", "mysql://db.example.com/consent"),
    ("CONSENT_DATABASE_URL", "var/consent.db"),
    ("CONSENT_LEDGER_ORIGIN", "consent example"),
    ("CONSENT_LEDGER_ORIGIN", "consent+example"),
    ("CONSENT_LEDGER_ORIGIN", "consent\texample"),
    ("CONSENT_TRUSTED_PROXIES", "one"),
    ("CONSENT_TRUSTED_PROXIES", "1.5"),
    ("CONSENT_TRUSTED_PROXIES", "-1"),
    ("CONSENT_CLOCK_OFFSET", "tomorrow"),
    ("CONSENT_CLOCK_OFFSET", "60"),
]


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path, monkeypatch):
    """Stand in a folder without a .env file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def development(**more: str) -> config.Settings:
    return config.read({"CONSENT_ENV": "development"} | more)


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_setting_is_refused_in_one_line_that_names_it(name, text):
    given = {k: v for k, v in (GOOD | {name: text}).items() if v is not None}
    with pytest.raises(config.BadSettings) as refused:
        config.read(given)
    assert str(refused.value).startswith(name)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("name", "text"), [row for row in BAD if row[1]])
def test_a_refusal_never_repeats_what_was_set(name, text):
    with pytest.raises(config.BadSettings) as refused:
        config.read(GOOD | {name: text})
    assert not any(secret in str(refused.value) for secret in (KEY, PASSWORD))


def test_production_is_the_default():
    assert not config.read(GOOD).development


def test_production_needs_three_settings_only():
    settings = config.read(GOOD)
    assert settings.base_url == "https://consent.example.com"
    assert settings.secret_keys == (KEY,)
    assert settings.smtp_url == GOOD["CONSENT_SMTP_URL"]
    assert (settings.ledger_origin, settings.mailbox) == ("consent.example.com/ledger", None)
    assert (settings.trusted_proxies, settings.clock_offset) == (0, 0)


def test_the_default_database_is_a_file_under_the_current_folder(an_empty_folder):
    assert config.read(GOOD).database_url == f"sqlite:///{an_empty_folder / 'var' / 'consent.db'}"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("sqlite:////srv/consent.db", "sqlite:////srv/consent.db"),
        ("sqlite+pysqlite:////srv/consent.db", "sqlite+pysqlite:////srv/consent.db"),
        ("postgresql://db.example.com/consent", "postgresql+psycopg://db.example.com/consent"),
        ("postgresql+psycopg://db.example.com/consent", "postgresql+psycopg://db.example.com/consent"),
    ],
)
def test_a_database_url_is_read_so_that_flask_finds_the_same_database(given, read):
    assert config.read(GOOD | {"CONSENT_DATABASE_URL": given}).database_url == read


def test_keys_are_read_newest_first():
    assert config.read(GOOD | {"CONSENT_SECRET_KEYS": f" {KEY}, {OLD_KEY},"}).secret_keys == (KEY, OLD_KEY)


def test_the_base_url_loses_its_last_slash():
    assert config.read(GOOD | {"CONSENT_BASE_URL": "https://a.example/b/"}).base_url == "https://a.example/b"


@pytest.mark.parametrize("url", ["smtp://mail.example.com", "smtps://u:p@mail.example.com", "file:var/mail"])
def test_production_can_mail_through_any_server_or_into_a_folder(url):
    assert config.read(GOOD | {"CONSENT_SMTP_URL": url}).smtp_url == url


def test_other_settings_are_taken_as_they_are_given():
    more = {"CONSENT_LEDGER_ORIGIN": "log.example/2026", "CONSENT_TRUSTED_PROXIES": "2", "CONSENT_CLOCK_OFFSET": "0"}
    settings = config.read(GOOD | more)
    assert (settings.ledger_origin, settings.trusted_proxies) == ("log.example/2026", 2)


def test_development_needs_no_setting_but_its_name():
    settings = development()
    assert settings.development
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.mailbox == Path("var/mailbox")
    assert settings.ledger_origin == "localhost/ledger"


def test_development_makes_itself_a_new_key_each_time():
    assert len({development().secret_keys for _ in range(3)}) == 3


def test_a_key_that_development_makes_is_good_enough_for_production():
    (key,) = development().secret_keys
    assert config.read(GOOD | {"CONSENT_SECRET_KEYS": key}).secret_keys == (key,)


def test_development_refuses_a_weak_key_as_well():
    with pytest.raises(config.BadSettings, match="CONSENT_SECRET_KEYS"):
        development(CONSENT_SECRET_KEYS="changeme")


@pytest.mark.parametrize("seconds", ["3600", "-3600"])
def test_only_development_may_shift_the_clock(seconds):
    assert development(CONSENT_CLOCK_OFFSET=seconds).clock_offset == int(seconds)


def test_development_reads_a_dotenv_file_but_the_environment_wins(an_empty_folder):
    text = "CONSENT_LEDGER_ORIGIN=from.file/ledger\nCONSENT_TRUSTED_PROXIES=2\nEMPTY\n"
    (an_empty_folder / ".env").write_text(text)
    settings = development(CONSENT_TRUSTED_PROXIES="1")
    assert (settings.ledger_origin, settings.trusted_proxies) == ("from.file/ledger", 1)


def test_production_reads_no_dotenv_file(an_empty_folder):
    (an_empty_folder / ".env").write_text("CONSENT_LEDGER_ORIGIN=from.file/ledger\n")
    assert config.read(GOOD).ledger_origin == "consent.example.com/ledger"


def test_the_processs_own_environment_is_the_default(monkeypatch):
    for name in ("CONSENT_DATABASE_URL", "CONSENT_LEDGER_ORIGIN", "CONSENT_TRUSTED_PROXIES", "CONSENT_CLOCK_OFFSET"):
        monkeypatch.delenv(name, raising=False)
    for name, text in (GOOD | {"CONSENT_ENV": "production"}).items():
        monkeypatch.setenv(name, text)
    assert config.read() == config.read(GOOD)


def test_printed_settings_show_neither_keys_nor_the_mail_password():
    printed = repr(config.read(GOOD | {"CONSENT_SECRET_KEYS": f"{KEY},{OLD_KEY}"}))
    assert "consent.example.com" in printed
    assert not any(secret in printed for secret in (KEY, OLD_KEY, PASSWORD))
