"""A database that is away, full, read-only, of another schema or not ours: said plainly, with nothing half done."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from consent import clock
from consent.store import database, trouble
from consent.web import health
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB
from tests.postgres import Postgres


def renew() -> None:
    """Close the pooled connections, so that new ones find the database as it is now."""
    for engine in database.db.engines.values():
        engine.dispose()
    trouble.forget()


def run(statement: str) -> None:
    with database.writing() as connection:
        connection.execute(text(statement))


@contextmanager
def read_only(postgres: Postgres | None) -> Iterator[None]:
    """Nothing can be written."""
    if postgres:
        name = make_url(database.db.engine.url).database
        postgres.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        renew()
        yield
        postgres.run(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    else:
        with every_connection("PRAGMA query_only = ON"):
            yield
    renew()


@contextmanager
def full(postgres: Postgres | None) -> Iterator[None]:
    """Nothing more fits: the trigger raises what PostgreSQL raises, with the number that it has when it is real."""
    assert postgres
    run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$"
    )
    run("CREATE TRIGGER full_disk BEFORE INSERT ON ledger_entry EXECUTE FUNCTION full_disk()")
    yield
    run("DROP FUNCTION full_disk CASCADE")
    renew()


@contextmanager
def not_allowed(postgres: Postgres | None) -> Iterator[None]:
    """The service signs in as somebody who may read and not write."""
    assert postgres
    looker = f"looker_{uuid.uuid4().hex}"  # roles are the server's, which other tests share
    postgres.run(f"CREATE ROLE {looker} LOGIN")
    run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {looker}")
    with every_connection(f"SET ROLE {looker}"):
        yield
    renew()
    run(f"DROP OWNED BY {looker}")
    postgres.run(f"DROP ROLE {looker}")


@contextmanager
def no_table(postgres: Postgres | None) -> Iterator[None]:
    """A table is missing."""
    run("ALTER TABLE evidence RENAME TO elsewhere")
    yield
    run("ALTER TABLE elsewhere RENAME TO evidence")


@contextmanager
def every_connection(statement: str) -> Iterator[None]:
    """Let each new connection begin with *statement*."""

    def begin(connection: Any, _: object) -> None:
        connection.execute(statement)
        connection.commit()

    engine = database.db.engine
    event.listen(engine, "connect", begin)
    renew()
    yield
    event.remove(engine, "connect", begin)
    renew()


Trouble = Callable[[Postgres | None], Any]
TROUBLES = [
    pytest.param(read_only, "cannot be written|takes no writes", id="read-only"),
    pytest.param(full, "disk of the database is full", id="full", marks=pytest.mark.postgresql),
    pytest.param(not_allowed, "may not do what the service needs", id="role", marks=pytest.mark.postgresql),
    pytest.param(no_table, "schema|does not answer|no such", id="table"),
]


@pytest.mark.parametrize(("kind", "said"), TROUBLES)
def test_requests_get_503_nothing_is_half_done_and_the_same_request_succeeds_afterwards(
    house: House, postgres: Postgres | None, api: Caller, kind: Trouble, said: str
) -> None:
    letter = house.confirm(ANNE.email)
    house.drain()
    before = house.rows()["ledger_entry"]
    with kind(postgres):
        assert_503(house.sign_up(BOB.email))
        assert_503(house.press_unsubscribe(letter))
        assert_503(api.post("/withdrawals", email=ANNE.email, scope="acme", channel="phone"))
        assert_503(api.post("/suppressions", email=ANNE.email, reason="manual"))
    assert house.rows()["ledger_entry"] == before
    assert house.press_unsubscribe(letter).status_code == 200
    assert house.sign_up(BOB.email).status_code == 200
    assert not house.allows(ANNE.email)


def assert_503(answer: Any) -> None:
    assert answer.status_code == 503
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Traceback" not in answer.text and "psycopg" not in answer.text and "sqlite" not in answer.text.lower()


@pytest.mark.parametrize(("kind", "said"), TROUBLES[:3])
def test_readiness_says_why_after_a_write_failed_and_is_green_again_when_one_succeeds(
    house: House, postgres: Postgres | None, kind: Trouble, said: str
) -> None:
    house.drain()
    assert house.client.get("/readyz").status_code == 200
    with kind(postgres):
        house.sign_up(BOB.email)
        answer = house.client.get("/readyz")
        assert answer.status_code == 503
        assert any(part in answer.json["problems"][0] for part in said.split("|"))
        assert house.client.get("/healthz").status_code == 200
    house.sign_up(BOB.email)
    house.drain()
    assert house.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Press the button again"), ("fr", "Appuyez de nouveau sur le bouton")]
)
def test_who_cannot_be_unsubscribed_just_now_is_told_what_to_do(
    house: House, postgres: Postgres | None, language: str, said: str
) -> None:
    house.sign_up(ANNE.email, language=language)
    (letter,) = house.letters()
    with read_only(postgres):
        answer = house.client.post(
            house.one_click(letter), data={"scope": "topic"}, headers={"Accept-Language": language}
        )
    assert answer.status_code == 503
    assert said in answer.text


@pytest.mark.sqlite
def test_a_full_disk_is_said_leaves_nothing_half_done_and_is_over_when_there_is_room(house: House) -> None:
    house.drain()
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    with every_connection(f"PRAGMA max_page_count = {pages}"):
        refused = next(address for address in (f"p{n}@x.example" for n in range(100)) if refuses(house, address))
        answer = house.client.get("/readyz")
        assert answer.status_code == 503 and answer.json["problems"] == [trouble.FULL]
        with database.reading() as connection:
            half = "SELECT count(*) FROM contact c WHERE NOT EXISTS (SELECT 1 FROM ledger_entry WHERE contact = c.id)"
            assert connection.execute(text(half)).scalar() == 0
        assert house.kinds(refused) == []
    assert house.sign_up(refused).status_code == 200
    assert house.client.get("/readyz").status_code == 200


def refuses(house: House, address: str) -> bool:
    answer = house.sign_up(address)
    if answer.status_code == 503:
        assert_503(answer)
    return answer.status_code == 503


@pytest.mark.postgresql
def test_readiness_sees_a_database_that_is_read_only_before_anybody_writes(
    house: House, postgres: Postgres | None
) -> None:
    house.drain()
    with read_only(postgres):
        assert health.problems(clock.now()) == [trouble.READ_ONLY]


@pytest.mark.parametrize(("revision", "said"), [("0001", "run `consent migrate`"), ("9999", "newer schema")])
def test_another_schema_is_named_with_what_to_do(house: House, revision: str, said: str) -> None:
    run(f"UPDATE alembic_version SET version_num = '{revision}'")
    answer = house.client.get("/readyz")
    assert answer.status_code == 503 and said in answer.json["problems"][0]


@pytest.mark.postgresql
def test_a_server_that_went_away_and_came_back_needs_no_restart_of_ours(
    house: House, postgres: Postgres | None
) -> None:
    assert postgres
    house.sign_up(ANNE.email)
    name = make_url(database.db.engine.url).database
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert house.sign_up(BOB.email).status_code == 200
    assert len(house.letters()) == 2


@pytest.mark.postgresql
def test_a_server_that_does_not_answer_is_said_within_seconds(house: House) -> None:
    broken = database.db.engine.url.set(query={"host": "/nowhere"})
    engine = create_engine(broken)
    with pytest.raises(SQLAlchemyError) as caught:
        engine.connect()
    assert trouble.sentence(caught.value) == trouble.AWAY
