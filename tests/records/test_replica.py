"""A real streaming replica: exports and the ledger are read there, decisions never."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from consent import catalogue, clock, config
from consent.app import create_app
from consent.cli import work
from consent.records import export, served, signing
from consent.records.append import Origin
from consent.records.export import Filters
from consent.resources import folder
from consent.setup import apply, keys
from consent.setup import read as setup_file
from consent.store import schema
from tests.api.calling import Caller
from tests.cli.test_serving import until
from tests.clusters import Cluster, cluster
from tests.conftest import dispose, settings_for
from tests.house import House
from tests.people import ANNE, BOB

pytestmark = pytest.mark.slow
LOG = "consent.example.com/ledger"


class Pair:
    """The service on a primary and its standby."""

    def __init__(self, house: House, primary: Cluster, standby: Cluster) -> None:
        self.house, self.primary, self.standby = house, primary, standby
        self.api = Caller(house.client, keys.create("tests", keys.SCOPES, clock.now()))

    def caught_up(self) -> None:
        """Wait until the standby has everything."""
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            (place,) = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone() or ("",)

        def there() -> bool:
            with psycopg.connect(self.standby.url(), autocommit=True) as copy:
                return bool(
                    (copy.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [place]).fetchone() or [0])[0]
                )

        assert until(there)

    def exported(self) -> set[str]:
        content, _ = export.content("jsonl", Filters())
        return {json.loads(line)["kind"] for line in io.BytesIO(content) if b'"email":"' in line}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Cluster, Cluster]]:
    with cluster() as primary:
        primary.make()
        yield primary, primary.standby()


@pytest.fixture
def pair(servers: tuple[Cluster, Cluster], tmp_path: Path) -> Iterator[Pair]:
    primary, standby = servers
    primary.run("DROP SCHEMA public CASCADE", "consent")
    primary.run("CREATE SCHEMA public", "consent")
    urls = {"CONSENT_DATABASE_URL": primary.url(), "CONSENT_REPLICA_URL": standby.url()}
    app = create_app(settings_for(tmp_path, **urls))
    with app.app_context():
        schema.migrate()
        catalogue.reload()
        signing.create(app.config["CONSENT"].ledger_key, LOG)
        apply.apply(setup_file.read(folder("examples") / "acme.toml"), Origin(LOG, clock.now()))
        client = app.test_client(use_cookies=False)
        yield Pair(House(app, client, tmp_path / "mail", lambda: work.drain(app)), primary, standby)
    standby.run("SELECT pg_wal_replay_resume()")
    dispose(app)


@pytest.fixture
def paused(pair: Pair) -> Iterator[Callable[[], None]]:
    """The standby has what there was, and gets nothing new until the test says so."""
    pair.house.confirm(ANNE.email)
    pair.house.drain()
    pair.caught_up()
    pair.standby.run("SELECT pg_wal_replay_pause()")
    yield lambda: pair.standby.run("SELECT pg_wal_replay_resume()")


def test_a_decision_sees_the_withdrawal_that_the_replica_has_not_got_yet(
    pair: Pair, paused: Callable[[], None]
) -> None:
    pair.api.post("/withdrawals", email=ANNE.email, scope="acme", channel="phone")
    assert pair.exported() == {"consent.requested", "confirmation.sent", "consent.given", "welcome.sent"}
    assert not pair.house.allows(ANNE.email)
    body = pair.api.post("/decisions/batch", topic="acme/newsletter", emails=[ANNE.email]).json
    assert body["results"][0]["decision"] == "deny"
    assert ANNE.email not in pair.api.post("/decisions/export", topic="acme/newsletter").text
    card = pair.api.get("/contacts", email=ANNE.email).json
    assert {one["state"] for one in card["standings"]} == {"withdrawn"}


def test_an_export_is_read_from_the_replica_and_catches_up(pair: Pair, paused: Callable[[], None]) -> None:
    pair.api.post("/withdrawals", email=ANNE.email, scope="acme", channel="phone")
    pair.house.drain()
    assert "consent.withdrawn" not in pair.exported()
    paused()
    pair.caught_up()
    assert "consent.withdrawn" in pair.exported()


def test_the_ledger_is_read_from_the_replica_but_what_it_lacks_from_the_primary(
    pair: Pair, paused: Callable[[], None]
) -> None:
    old = served.checkpoint()
    entry = pair.api.post("/withdrawals", email=BOB.email, scope="acme", channel="phone").json["entry"]
    pair.house.drain()
    assert served.checkpoint() == old
    assert pair.house.client.get(f"/ledger/proof/{entry}").status_code == 200
    assert pair.api.get(f"/contacts/{contact_of(pair, BOB.email)}/entries").json["entries"]
    paused()
    pair.caught_up()
    assert served.checkpoint() != old


def contact_of(pair: Pair, address: str) -> str:
    return str(pair.api.get("/contacts", email=address).json["id"])


def test_while_the_replica_is_away_exports_are_read_from_the_primary(pair: Pair, tmp_path: Path) -> None:
    pair.house.confirm(ANNE.email)
    pair.house.drain()
    pair.standby.stop()
    try:
        assert "consent.given" in pair.exported()
        assert pair.house.client.get("/ledger/checkpoint").status_code == 200
    finally:
        pair.standby.start()
    pair.caught_up()
    assert "consent.given" in pair.exported()


@pytest.mark.parametrize(
    ("database", "replica"),
    [
        ("sqlite:///x.db", "postgresql://host/x"),
        ("postgresql://host/x", "sqlite:///x.db"),
        ("postgresql://h/x", "host"),
    ],
)
def test_a_replica_that_cannot_be_one_is_refused_at_the_start(tmp_path: Path, database: str, replica: str) -> None:
    with pytest.raises(config.BadSettings, match="CONSENT_REPLICA_URL"):
        settings_for(tmp_path, CONSENT_DATABASE_URL=database, CONSENT_REPLICA_URL=replica)
