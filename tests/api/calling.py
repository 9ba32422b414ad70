"""Calls to the API, so that tests say what they send and not how."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Caller:
    """A client of the API with a key that may do everything."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}

    def post(self, path: str, **body: Any) -> TestResponse:
        """Post *body* to the API's *path*."""
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers)

    def get(self, path: str, **query: Any) -> TestResponse:
        """Get the API's *path*."""
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self.headers)

    def decide(self, email: str, topic: str = "acme/newsletter", **more: Any) -> dict[str, Any]:
        """Return the decision about *email*."""
        found = self.post("/decisions", email=email, topic=topic, **more)
        assert found.status_code == 200, found.text
        answer: dict[str, Any] = found.get_json()
        return answer

    def verdict(self, email: str, topic: str = "acme/newsletter", **more: Any) -> tuple[str, str]:
        """Return the decision about *email* and its code."""
        answer = self.decide(email, topic, **more)
        return answer["decision"], answer["code"]
