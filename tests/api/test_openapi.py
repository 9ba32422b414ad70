"""The description of the API is true: requests made up from it, right and wrong ones, are answered as it says."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.api.calling import Caller
from tests.house import House
from tests.people import ANNE, BOB

EXAMPLES = int(os.environ.get("CONSENT_SCHEMATHESIS", "10"))  # requests for each operation, right ones and wrong ones
PAGES = {
    "/", "/api/docs", "/api/openapi.json", "/brand/<brand>.css", "/c/<token>", "/c/<token>/now", "/embed/<form>", "/find", "/healthz", "/metrics", "/p/<token>",
    "/r/<token>", "/readyz", "/s/<form>", "/static/<path:filename>", "/u/<token>", "/feedback/<provider>", "/robots.txt",
    "/.well-known/security.txt",
}  # fmt: skip


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(app: Flask, house: House, api: Caller) -> Iterator[str]:
    """The app behind a real socket, with somebody on record; its URL."""
    house.confirm(ANNE.email)
    api.post("/relationships", email=BOB.email, brand="acme", kind="purchase", occurred_at="2026-01-10T10:00:00Z")
    house.letters()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return found


def test_it_is_openapi_3_1(client: FlaskClient) -> None:
    assert document(client)["openapi"] == "3.1.0"
    validate(document(client))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_it_is_described(served: str, api: Caller, mode: GenerationMode) -> None:
    """A right request may still be refused by what the schema cannot say, such as that a topic is set up."""
    schema = schemathesis.openapi.from_url(f"{served}/api/openapi.json")
    left_out = [positive_data_acceptance]
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.headers):
            continue  # any path is a right one

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case) -> None:
            left_away = mode is GenerationMode.NEGATIVE and "Authorization" not in case.headers  # that was the wrong
            case.call_and_validate(headers={} if left_away else api.headers, excluded_checks=left_out)

        holds()
        seen.add(operation.label)
    assert len(seen) >= 25 and "positive_data_acceptance" in CHECKS.get_all_names()


def test_every_route_is_described_or_a_page(app: Flask, client: FlaskClient) -> None:
    described = {path.replace("{", "<").replace("}", ">") for path in document(client)["paths"]}
    routes = {rule.rule.replace("<path:tile>", "<tile>") for rule in app.url_map.iter_rules()}
    assert {rule for rule in routes if not rule.startswith("/dev/")} == described | PAGES


def test_every_operation_names_its_scopes_and_every_post_with_an_effect_the_idempotency_key(
    client: FlaskClient,
) -> None:
    for path, operations in document(client)["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert bool(operation.get("x-scopes")) != (operation.get("security") == []), path
            named = [one["name"] for one in operation.get("parameters", ())]
            question = path.startswith(("/api/v1/decisions", "/api/v1/messages"))
            assert ("Idempotency-Key" in named) == (method == "post" and not question), path


def test_the_page_to_read_shows_every_operation_and_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200 and page.mimetype == "text/html"
    for path, operations in document(client)["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert f'id="{operation["operationId"]}"' in page.text and path in page.text
    assert "<script" not in page.text and "style=" not in page.text and "//" not in page.text.replace("<!--", "")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
