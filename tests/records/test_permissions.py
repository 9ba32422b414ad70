"""The roles of PostgreSQL: the service signs in as somebody who can do its work, and cannot change what is recorded."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from consent import clock
from consent.app import create_app
from consent.cli import work
from consent.records import erase, permissions, rotate, signing
from consent.records.append import Origin
from consent.records.export import Filters, write
from consent.records.findings import OK
from consent.records.permissions import Role
from consent.resources import folder
from consent.setup import apply, keys
from consent.setup import read as setup_file
from consent.store import database
from tests.api.calling import Caller
from tests.cli.calling import runner
from tests.conftest import dispose, settings_for
from tests.house import House
from tests.people import ANNE, BOB
from tests.records.restoring import with_programs
from tests.records.tampering import look

pytestmark = pytest.mark.postgresql
LOG = "consent.example.com/ledger"
SCRIPT = (folder("migrations") / "postgresql_roles.sql").read_text("utf-8")
PARTS = {
    "web": [Role.WEB],
    "worker": [Role.WEB, Role.SEQUENCER, Role.PUBLISHER],
    "auditor": [Role.AUDIT],
}
GONE = "gone@example.com"
Login = Callable[..., str]


def run_script() -> None:
    """Do what ``psql -f`` does, as the owner."""
    with database.writing() as connection:
        connection.exec_driver_sql(SCRIPT.replace("%", "%%"))


@pytest.fixture
def login(app: Flask) -> Iterator[Login]:
    """What makes a login with some roles, and returns the URL with which it reaches the database of the test."""
    run_script()
    made: list[str] = []

    def make(*roles: Role) -> str:
        name = f"login_{uuid4().hex}"
        made.append(name)
        inside = f"IN ROLE {', '.join(roles)}" if roles else ""
        with database.writing() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD '{name}' {inside}")
        url = urlsplit(database.db.engine.url.render_as_string(hide_password=False))
        return url._replace(netloc=f"{name}:{name}@{url.netloc.rpartition('@')[2]}").geturl()

    yield make
    with app.app_context(), database.writing() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP OWNED BY {name}")
            connection.exec_driver_sql(f"DROP ROLE {name}")


@pytest.fixture
def enter(login: Login, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """What makes the app as a login with some roles."""
    apps: list[Flask] = []

    def make(*roles: Role) -> Flask:
        apps.append(create_app(settings_for(tmp_path, CONSENT_DATABASE_URL=login(*roles))))
        return apps[-1]

    yield make
    for app in apps:
        dispose(app)


def granted() -> dict[str, dict[str, set[str]]]:
    """Return what each role was given, by table or sequence: as the database itself says."""
    statement = text("""
        SELECT (aclexplode(relacl)).grantee::regrole::text AS role, relname AS name,
          (aclexplode(relacl)).privilege_type AS privilege
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v', 'm', 'p')""")
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    with database.reading() as connection:
        for role, name, privilege in connection.execute(statement):
            found[role][name].add(privilege)
    return found


@pytest.mark.parametrize("role", Role)
def test_the_script_gives_each_role_what_it_needs_of_every_table_and_nothing_else(app: Flask, role: Role) -> None:
    run_script()
    assert granted()[role] == dict(permissions.needed(role))


def test_the_script_can_be_run_again_and_takes_back_what_somebody_gave_in_between(app: Flask) -> None:
    run_script()
    before = granted()
    with database.writing() as connection:
        connection.exec_driver_sql("GRANT UPDATE ON ledger_entry TO consent_web, PUBLIC")
    run_script()
    assert granted() == before


def test_people_and_programs_are_served_and_the_ledger_is_signed_by_logins_that_cannot_change_it(
    enter: Callable[..., Flask], tmp_path: Path
) -> None:
    web, worker = enter(*PARTS["web"]), enter(*PARTS["worker"])
    origin = Origin(LOG, clock.now())
    with worker.app_context():
        signing.create(tmp_path / "ledger.key", LOG)
        apply.apply(setup_file.read(folder("examples") / "acme.toml"), origin)
    house = House(web, web.test_client(use_cookies=False), tmp_path / "mail", lambda: work.drain(worker))
    with web.app_context():
        api = Caller(house.client, keys.create("tests", keys.SCOPES, clock.now()))
        house.press_unsubscribe(house.confirm(ANNE.email))
        letter = house.confirm(BOB.email)
        assert house.client.post(house.link(letter, "p"), data={"act": "leave_all"}).status_code == 200
        house.confirm(GONE)
        contact = api.get("/contacts", email=GONE).json["id"]
        assert api.post("/exports", format="jsonl").status_code == 201
        write(tmp_path / "record.csv", "csv", Filters(), origin, "system")
        erase.erase(contact, "user_request", None, Origin(LOG, clock.now()), "system")
    with worker.app_context():
        rotate.begin(tmp_path / "ledger.key", Origin(LOG, clock.now()))
    house.letters()
    with enter(*PARTS["auditor"]).app_context(), database.reading() as connection:
        report = look(connection)
    assert report.names == set()
    assert ("ENFORCEMENT", OK) in [(line.line, line.result) for line in report.lines]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET kind = 'consent.given'",
        "DELETE FROM ledger_leaf",
        "TRUNCATE ledger_tile",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_entry_refuse ON ledger_entry",
        "CREATE OR REPLACE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER mine BEFORE INSERT ON ledger_entry EXECUTE FUNCTION consent_refuse()",
        "SET session_replication_role = replica",
    ],
)
def test_no_login_of_the_service_can_change_what_is_recorded_or_switch_a_guard_off(
    enter: Callable[..., Flask], part: str, statement: str
) -> None:
    refused = pytest.raises(DBAPIError, match="permission denied|must be owner")
    with enter(*PARTS[part]).app_context(), refused, database.writing() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("part", PARTS)
def test_a_login_with_its_roles_lacks_nothing_and_can_change_nothing(enter: Callable[..., Flask], part: str) -> None:
    with enter(*PARTS[part]).app_context(), database.reading() as connection:
        assert permissions.lacking(connection, PARTS[part]) is None
        assert permissions.excess(connection) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ALTER ROLE {login} SUPERUSER", "is a superuser"),
        ("ALTER TABLE ledger_leaf OWNER TO {login}", "owns ledger_leaf"),
        ("GRANT UPDATE (kind) ON ledger_entry TO {login}", "has more than it needs (ledger_entry: UPDATE)"),
        ("GRANT TRIGGER, TRUNCATE ON evidence TO {login}", "evidence: TRIGGER, evidence: TRUNCATE"),
        ("GRANT DELETE ON erased_address TO PUBLIC", "has more than it needs (erased_address: DELETE)"),
    ],
)
def test_a_login_that_could_change_the_ledger_is_told_how(login: Login, tmp_path: Path, given: str, said: str) -> None:
    url = login(Role.WEB)
    with database.writing() as connection:
        connection.exec_driver_sql(given.format(login=urlsplit(url).username))
    app = create_app(settings_for(tmp_path, CONSENT_DATABASE_URL=url))
    with app.app_context(), database.reading() as connection:
        found = permissions.excess(connection)
    dispose(app)
    if "OWNER" in given:
        with database.writing() as connection:  # else the login takes the table with it
            connection.exec_driver_sql("ALTER TABLE ledger_leaf OWNER TO CURRENT_USER")
    assert found is not None and said in found


@pytest.mark.parametrize("words", [("serve",), ("serve", "--with-worker"), ("worker", "--once")])
def test_what_a_login_may_not_do_is_said_in_one_line_before_anything_starts(
    login: Login, tmp_path: Path, words: tuple[str, ...]
) -> None:
    url = login(Role.AUDIT) if words == ("serve",) else login(Role.WEB)
    done = runner(tmp_path, *words)(CONSENT_DATABASE_URL=url)
    assert done.exit_code == 1 and "The database's login may not" in str(done.exception)
    assert "migrations/postgresql_roles.sql" in str(done.exception)


def test_a_worker_that_has_the_key_must_be_able_to_publish(login: Login, tmp_path: Path) -> None:
    signing.create(tmp_path / "ledger.key", LOG)
    done = runner(tmp_path, "worker", "--once")(CONSENT_DATABASE_URL=login(Role.WEB, Role.SEQUENCER))
    assert "INSERT on ledger_checkpoint, INSERT on ledger_key" in str(done.exception)


@pytest.mark.parametrize(("part", "well"), [("web", True), ("auditor", False)])
def test_the_doctor_looks_at_the_login(login: Login, tmp_path: Path, part: str, well: bool) -> None:
    done = runner(tmp_path, "doctor")(
        CONSENT_DATABASE_URL=login(*PARTS[part]), CONSENT_ENV="production", CONSENT_SMTP_URL=f"file:{tmp_path}/mail"
    )
    (line,) = [line for line in done.stdout.splitlines() if " role " in line]
    assert line.startswith("ok" if well else "FAIL")


def test_the_doctor_of_production_does_not_pass_a_login_that_could_change_the_ledger(
    app: Flask, tmp_path: Path
) -> None:
    done = runner(tmp_path, "doctor")(CONSENT_ENV="production", CONSENT_SMTP_URL=f"file:{tmp_path}/mail")
    (line,) = [line for line in done.stdout.splitlines() if " role " in line]
    assert line.startswith("FAIL") and "could change the ledger" in line


def test_the_auditors_login_is_enough_for_a_backup(
    login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", with_programs())
    done = runner(tmp_path, "backup", str(tmp_path / "kept"))(CONSENT_DATABASE_URL=login(Role.AUDIT))
    assert done.exit_code == 0, done.output
