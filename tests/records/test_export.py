"""The record for officers: every entry, in order, filtered, safe to open, and itself on record."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from consent import clock
from consent.records import export, publish
from consent.records.append import Origin
from consent.records.export import Filters
from tests.house import House
from tests.people import ANNE, BOB


def lines(**conditions: Any) -> list[dict[str, Any]]:
    publish.number_all(clock.now())
    content, _ = export.content("jsonl", Filters(**conditions))
    return [json.loads(line) for line in content.splitlines()]


def test_every_entry_is_a_line_in_the_order_of_the_log(house: House) -> None:
    house.confirm(ANNE.email)
    found = lines()
    assert [row["sequence"] for row in found] == list(range(len(found)))
    assert found[-1]["kind"] == "consent.given" and found[-1]["email"] == ANNE.email


def test_a_contacts_entries_carry_the_state_they_led_to(house: House) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    house.sign_up(BOB.email)
    assert {row["state"] for row in lines(contact=export.contact_id(ANNE.email)) if row["topic"]} == {"withdrawn"}
    assert {row["state"] for row in lines(contact=export.contact_id(BOB.email))} == {"requested"}


@pytest.mark.parametrize(
    ("conditions", "kinds"),
    [
        (
            {"topic": "acme/newsletter"},
            {"consent.requested", "confirmation.sent", "consent.given", "consent.withdrawn"},
        ),
        ({"topic": "acme/promotions"}, set()),
        ({"state": "withdrawn"}, {"consent.requested", "confirmation.sent", "consent.given", "consent.withdrawn"}),
        ({"state": "given"}, set()),
        ({"brand": "zest"}, {"notice.published", "form.published"}),
        ({"contact": "unknown"}, set()),
    ],
)
def test_filters_narrow_it(house: House, conditions: dict[str, str], kinds: set[str]) -> None:
    house.press_unsubscribe(house.confirm(ANNE.email))
    assert {row["kind"] for row in lines(**conditions)} == kinds


def test_leaving_everything_is_found_under_each_topic(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.client.post(house.one_click(letter), data={"scope": "organization"})
    found = [row for row in lines(topic="acme/newsletter") if row["kind"] == "consent.withdrawn"]
    assert len(found) == 1 and found[0]["topic"] is None


def test_a_period_includes_both_its_ends(house: House) -> None:
    house.sign_up(ANNE.email)
    at = house.decide(ANNE.email).decision.reasons[0].fact.occurred_at  # type: ignore[union-attr]
    inside = lines(occurred_from=at, occurred_until=at, contact=export.contact_id(ANNE.email))
    assert len(inside) == 1
    assert lines(recorded_from=at + timedelta(milliseconds=1)) == []


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1", '=HYPERLINK("http://evil.example")'],
)
def test_a_cell_that_a_spreadsheet_would_run_is_escaped_and_named(house: House, text: str) -> None:
    form = {"email": ANNE.email, "topic": "acme/newsletter"}
    house.client.post("/s/acme-news", data=form | {"name": "x" + text}, headers={"User-Agent": text.strip()})
    house.client.post("/s/acme-news", data=form | {"email": BOB.email, "name": text})
    house.number()
    content, _ = export.content("csv", Filters())
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))]
    assert any("user_agent" in row["escaped"] or "name" in row["escaped"] for row in rows)


def test_the_csv_unescaped_is_the_json(house: House) -> None:
    form = {"email": ANNE.email, "topic": "acme/newsletter", "name": '=Zoé, "the"\n2nd'}
    house.client.post("/s/acme-news", data=form)
    house.number()
    content, _ = export.content("csv", Filters())
    for row, line in zip(csv.DictReader(io.StringIO(content.decode(), newline="")), lines(), strict=True):
        escaped = row.pop("escaped").split()
        plain = {k: v[1:] if k in escaped else v for k, v in row.items()}
        assert plain == {k: export._cell(v) for k, v in line.items()}


def test_an_export_is_on_record_with_the_digest_of_the_file(house: House, tmp_path: Path) -> None:
    house.sign_up(ANNE.email)
    made = export.write(tmp_path / "out.csv", "csv", Filters(brand="acme"), Origin("log", clock.now()), "system")
    assert hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest() == made.sha256
    entry = lines()[-1]
    assert entry["kind"] == "export.made"
    assert entry["details"] == {"format": "csv", "filters": {"brand": "acme"}, "rows": made.rows, "sha256": made.sha256}


def test_a_file_that_cannot_be_written_leaves_nothing_behind(house: House, tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(OSError):
        export.write(tmp_path / "out.csv", "csv", Filters(), Origin("log", clock.now()), "system")
    assert not list(tmp_path.glob(".out*"))


def test_the_api_makes_small_exports_at_once(house: House, client: FlaskClient, api_key: str) -> None:
    house.confirm(ANNE.email)
    headers = {"Authorization": f"Bearer {api_key}"}
    made = client.post("/api/v1/exports", json={"format": "csv", "contact": ANNE.email}, headers=headers)
    assert made.status_code == 201
    assert ANNE.email not in made.text
    file = client.get(made.get_json()["download_url"], headers=headers)
    assert (file.status_code, file.mimetype) == (200, "text/csv")
    assert hashlib.sha256(file.data).hexdigest() == made.get_json()["sha256"]
    assert file.data.count(ANNE.email.encode()) == made.get_json()["rows"]


def test_kept_exports_are_forgotten_after_a_day(house: House, client: FlaskClient, api_key: str, later: Any) -> None:
    headers = {"Authorization": f"Bearer {api_key}"}
    url = client.post("/api/v1/exports", json={}, headers=headers).get_json()["download_url"]
    later(days=1, seconds=1)
    house.drain()
    assert client.get(url, headers=headers).status_code == 404


@pytest.mark.parametrize(
    "body", [{"format": "pdf"}, {"state": "subscribed"}, {"occurred_from": "2026-01-01"}, {"colour": "red"}, []]
)
def test_an_impossible_export_is_refused_and_leaves_no_entry(
    house: House, client: FlaskClient, api_key: str, body: object
) -> None:
    before = house.rows()
    answer = client.post("/api/v1/exports", json=body, headers={"Authorization": f"Bearer {api_key}"})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert house.rows() == before
