"""The hot paths cost at most six SQL statements each (BEGIN and COMMIT apart), and it is known which.

PostgreSQL costs two more for an act: the lock of the address, for which SQLite has its single writer, and the row in
which an entry waits for its number, for which SQLite has a trigger.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from consent import addresses, catalogue, clock
from consent.sends import decide
from consent.store import database
from tests.api.calling import Caller
from tests.house import TICKED, House
from tests.people import ANNE

What = TypeVar("What")


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


def on(*, sqlite: What, postgresql: What) -> What:
    """Return what is right for the database in use: what it may cost, or how it spells something."""
    return sqlite if database.db.engine.dialect.name == "sqlite" else postgresql


def steps(connection: Connection, statement: str, parameters: Any = ()) -> list[str]:
    """Return what the database does to each table for *statement*, as SQLite says it: SEARCH, or SCAN for all rows.

    PostgreSQL reads a small table as a whole, or in the order of an index, unless it is told to look for what it
    needs: in the index, or with a bitmap of it. A statement scans only if it does so both ways.
    """
    if connection.dialect.name == "sqlite":
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    ways = []
    for index_scan in ("on", "off"):
        for name, value in (("enable_seqscan", "off"), ("enable_indexscan", index_scan)):
            connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        ways.append(list(_said(plan[0]["Plan"])))
    return min(ways, key=lambda way: sum(step.startswith("SCAN") for step in way))


def _said(node: dict[str, Any]) -> Iterator[str]:
    kind, inner = node["Node Type"], node.get("Plans", [])
    condition = node.get("Index Cond") or _bitmap(inner)
    if kind == "Limit" and "Index" in inner[0]["Node Type"] and "Filter" not in inner[0]:  # the first of an index
        inner = [inner[0] | {"Index Cond": "the first"}]
    if "Scan" in kind and "Relation Name" in node:  # a bitmap of an index names no table
        yield f"{'SEARCH' if condition else 'SCAN'} {node['Relation Name']} {condition or ''}".rstrip()
    for one in inner:
        yield from _said(one)


def _bitmap(nodes: Sequence[dict[str, Any]]) -> str | None:
    """Return a condition of the bitmaps in *nodes*, or None: of those that are joined, each has one."""
    return next((found for one in nodes if (found := one.get("Index Cond") or _bitmap(one.get("Plans", [])))), None)


def test_signing_up_costs_six(house: House) -> None:
    assert len(cost(lambda: house.sign_up(ANNE.email))) == on(sqlite=6, postgresql=8)


def test_signing_up_of_somebody_known_costs_the_same(house: House) -> None:
    house.confirm(ANNE.email)
    assert len(cost(lambda: house.sign_up(ANNE.email, ["acme/promotions"]))) == on(sqlite=6, postgresql=8)


def test_confirming_costs_six(house: House) -> None:
    house.sign_up(ANNE.email, ["acme/newsletter", "acme/promotions"])
    link = house.link(house.letters()[-1], "c")
    assert len(cost(lambda: house.client.post(link, data=TICKED))) == on(sqlite=6, postgresql=8)


def test_one_click_costs_five(house: House) -> None:
    letter = house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"])
    assert len(cost(lambda: house.press_unsubscribe(letter))) == on(sqlite=5, postgresql=7)


def test_a_decision_costs_two(house: House) -> None:
    house.confirm(ANNE.email)
    topic = catalogue.topic("acme/newsletter")
    found = cost(lambda: decide.ask(addresses.parse(ANNE.email), topic, "commercial", clock.now()))
    assert len(found) == 2


def test_recording_a_fact_costs_five_for_somebody_new_and_somebody_known(house: House, api: Caller) -> None:
    body = {"email": ANNE.email, "brand": "acme", "kind": "purchase", "occurred_at": "2026-01-10T10:00:00Z"}
    for _ in range(2):
        assert len(cost(lambda: api.post("/relationships", **body))) == on(sqlite=5, postgresql=7)


def test_an_export_of_everybody_costs_one_beside_its_entry(house: House, api: Caller) -> None:
    house.confirm(ANNE.email)
    found = cost(lambda: api.post("/decisions/export", topic="acme/newsletter").text)
    assert len(found) == on(sqlite=3, postgresql=4)


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
            plan = steps(connection, statement, parameters)
            scans = [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step]
            assert [scan for scan in scans if not scan.startswith("SCAN (")] == [], statement
