"""The small pages, and the demo's mailbox."""

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from consent.app import create_app
from consent.store import database
from tests.conftest import dispose, settings_for
from tests.house import House
from tests.people import ANNE


def test_health_and_readiness(house: House, later: Any) -> None:
    assert house.client.get("/healthz").get_json() == {"status": "ok"}
    assert house.client.get("/readyz").status_code == 200
    house.sign_up(ANNE.email)
    later(minutes=2)
    waiting = house.client.get("/readyz")
    assert waiting.status_code == 503 and "consent worker" in waiting.get_json()["problems"][0]


def test_readiness_names_a_schema_that_is_not_this_versions(client: FlaskClient) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "consent migrate" in answer.get_json()["problems"][0]


def test_the_root_leads_to_the_forms_and_out(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "/s/acme-news" in page and "/find" in page


def test_security_txt_says_whom_to_write_to(client: FlaskClient) -> None:
    found = client.get("/.well-known/security.txt").text
    assert "Contact: mailto:privacy@acme.example" in found and "Expires: " in found


def test_the_mailbox_shows_a_message_as_a_mail_client_would(house: House) -> None:
    letter = house.confirm(ANNE.email)
    house.letters()
    assert str(letter["Subject"]) in house.client.get("/dev/mailbox/").text
    name = str(letter["Message-ID"]).partition("@")[0].strip("<")
    page = house.client.get(f"/dev/mailbox/{name}").text
    assert 'name="List-Unsubscribe" value="One-Click"' in page
    assert f'action="{house.one_click(letter)}"' in page
    assert "List-Unsubscribe-Post" in page and house.link(letter, "c") in page
    frame = house.client.get(f"/dev/mailbox/{name}/html")
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert house.client.get(f"/dev/mailbox/{name}.eml").mimetype == "message/rfc822"
    assert house.client.get("/dev/mailbox/" + "0" * 36).status_code == 404


def test_there_is_no_mailbox_when_mail_really_goes_out(tmp_path: Path, migrated: Path) -> None:
    app = create_app(settings_for(tmp_path, CONSENT_DATABASE_URL=f"sqlite:///{migrated}", CONSENT_SMTP_URL="file:x"))
    assert app.test_client().get("/dev/mailbox/").status_code == 404
    dispose(app)
