"""create_app(): settings, extensions, blueprints, in that order."""

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from consent import clock, config
from consent.api import (
    catalogue,
    consents,
    contacts,
    decisions,
    described,
    entries,
    erasures,
    exports,
    ledger,
    messages,
    refusals,
    relationships,
    renewals,
    signups,
)
from consent.config import Settings
from consent.feedback.views import feedback
from consent.pages import pages
from consent.pages.mailbox import mailbox
from consent.resources import folder
from consent.store import database
from consent.web import access, answers, heads, languages, metrics, security

_API = (
    signups, decisions, messages, relationships, consents, refusals, renewals, contacts, entries, erasures, exports,
    catalogue, ledger,
)  # fmt: skip
LARGEST_BODY = 64 * 1024
MOST_PARTS = 50


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application. Raises config.BadSettings with a line that says what to set."""
    settings = settings or config.read()
    clock.set_offset(settings.clock_offset)
    app = Flask("consent", static_folder="static", template_folder=str(folder("templates")))
    app.config.update(_flask_settings(settings))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    database.db.init_app(app)
    with app.app_context():
        database.prepare(dict(database.db.engines), settings.secret_keys)
    access.install(app)
    metrics.install(app)
    languages.install(app)
    security.install(app)
    heads.install(app)
    answers.install(app)
    app.register_blueprint(pages)
    app.register_blueprint(feedback)
    if settings.mailbox:
        app.register_blueprint(mailbox)
    api = described.Described(app)
    for module in _API:
        api.register_blueprint(module.blueprint)
    described.install(app, api)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def _flask_settings(settings: Settings) -> dict[str, Any]:
    return database.flask_settings(settings.database_url, settings.replica_url) | {
        "CONSENT": settings,
        "SECRET_KEY": settings.secret_keys[0],
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "MAX_FORM_PARTS": MOST_PARTS,
        "API_TITLE": "Consent",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
            "security": [{"key": []}],
        },
    }
