"""A NUL, which PostgreSQL takes in no text, is refused or kept as evidence wherever it comes in: never a 500."""

import re
from typing import Any

import pytest

from tests.api.calling import Caller
from tests.house import House

BODIES: dict[str, dict[str, Any]] = {
    "in every name": {
        "email": "anne\0@example.com", "topic": "acme/newsletter\0", "form": "acme-news\0", "scope": "acme\0",
        "reason": "manual\0", "brand": "acme\0", "kind": "purchase\0", "channel": "phone\0",
    },
    "in free text": {
        "email": "anne@example.com", "topic": "acme/newsletter", "form": "acme-news", "scope": "acme",
        "reason": "request", "reference": "a\0b", "name": "An\0ne", "evidence": {"url": "x\0", "user_agent": "\0"},
    },
}  # fmt: skip
QUERY = "email=a%00@example.com&after=%00&topic=acme/newsletter%00&from=%00&format=%00&lang=%00"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_address_of_ours_breaks_on_a_nul(house: House, api_key: str, body: dict[str, Any]) -> None:
    asked = 0
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?\w+>", "%00", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            sent = {"json": body} if path.startswith("/api") else {"data": {k: str(v) for k, v in body.items()}}
            for url in (path, f"{path}?{QUERY}"):
                answer = house.client.open(url, method=method, headers={"Authorization": f"Bearer {api_key}"}, **sent)
                assert answer.status_code < 500, (method, url)
                asked += 1
    assert asked > 100


def test_a_key_with_a_nul_is_no_key(house: House, api: Caller) -> None:
    headers = {"Authorization": "Bearer ck_\0_x"}
    assert house.client.get("/api/v1/contacts?email=anne@example.com", headers=headers).status_code == 401
