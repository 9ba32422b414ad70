"""The hot paths cost at most six SQL statements each (BEGIN and COMMIT apart), and it is known which."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event

from consent import addresses, catalogue, clock
from consent.sends import decide
from consent.store import database
from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of both engines."""
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(" ".join(statement.split()[:3]))

    engines = list(database.db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def cost(act: Callable[[], object]) -> list[str]:
    """Return the statements of *act*; the key of a caller and savepoints apart."""
    catalogue.reload()
    with counted() as seen:
        act()
    return [statement for statement in seen if "api_key" not in statement and "SAVEPOINT" not in statement]


def test_signing_up_costs_six(house: House) -> None:
    assert len(cost(lambda: house.sign_up(ANNE.email))) == 6


def test_signing_up_of_somebody_known_costs_the_same(house: House) -> None:
    house.confirm(ANNE.email)
    assert len(cost(lambda: house.sign_up(ANNE.email, ["acme/promotions"]))) == 6


def test_confirming_costs_six(house: House) -> None:
    house.sign_up(ANNE.email, ["acme/newsletter", "acme/promotions"])
    link = house.link(house.letters()[-1], "c")
    assert len(cost(lambda: house.client.post(link))) == 6


def test_one_click_costs_five(house: House) -> None:
    letter = house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"])
    assert len(cost(lambda: house.press_unsubscribe(letter))) == 5


def test_a_decision_costs_two(house: House) -> None:
    house.confirm(ANNE.email)
    topic = catalogue.topic("acme/newsletter")
    found = cost(lambda: decide.ask(addresses.parse(ANNE.email), topic, "commercial", clock.now()))
    assert len(found) == 2


def test_recording_a_fact_costs_five_for_somebody_new_and_somebody_known(house: House, api: Caller) -> None:
    body = {"email": ANNE.email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}
    for _ in range(2):
        assert len(cost(lambda: api.post("/relationships", **body))) == 5


def test_an_export_of_everybody_costs_one_beside_its_entry(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    assert len(cost(lambda: api.post("/decisions/export", topic="acme/newsletter").text)) == 3


def test_no_hot_statement_scans_a_table(house: House, api: Caller) -> None:
    letter = house.confirm(ANNE.email)
    statements: list[tuple[str, object]] = []

    def note(_c: object, _u: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    engines = list(database.db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    house.press_unsubscribe(letter)
    house.allows(ANNE.email)
    house.sign_up(ANNE.email)
    api.post("/relationships", email=ANNE.email, brand="acme", kind="purchase", occurred_at="2026-01-10T10:00:00Z")
    api.post("/decisions/batch", topic="acme/newsletter", emails=[ANNE.email])
    api.post("/decisions/export", topic="acme/newsletter")
    api.get("/expiring", topic="acme/newsletter")
    api.get("/suppressions")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    with database.reading() as connection:
        for statement, parameters in statements:
            if not statement.startswith(("SELECT", "INSERT INTO contact")) or "FROM organization" in statement:
                continue
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
            scans = [row[3] for row in plan if row[3].startswith("SCAN") and "CONSTANT" not in row[3]]
            assert [scan for scan in scans if not scan.startswith("SCAN (")] == [], statement
