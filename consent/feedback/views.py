"""``POST /feedback/<provider>``: checked on the raw bytes, 401 and nothing recorded if it is not the provider's."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable, Unauthorized

from consent import clock
from consent.config import Settings
from consent.feedback import mailgun, postmark, sendgrid, ses, standard, take
from consent.feedback.events import Event, Forged, Unreadable
from consent.records import once
from consent.store import database
from consent.subscriptions.acts import Act
from consent.web import answers, metrics, visitor

LARGEST = 4 * 1024 * 1024  # bytes; SendGrid sends many events at once
AMAZON = "consent_amazon"  # where the app keeps its way to Amazon
feedback = Blueprint("feedback", __name__, url_prefix="/feedback")


@feedback.post("/<provider>")
def receive(provider: str) -> ResponseReturnValue:
    """Record what *provider* tells, and say how many events of each sort there were; 200 only after the commit."""
    request.max_content_length = LARGEST
    if provider not in _READERS:
        raise NotFound
    try:
        events = _READERS[provider](request.get_data(cache=False), request.headers, visitor.settings())
        found = take.take(events, Act(visitor.origin(), {}, actor=f"provider:{provider}", channel="provider"))
    except Forged as error:
        metrics.feedback(provider, Counter({f"forged_{error.reason}": 1}))
        raise answers.explained(Unauthorized(), "It is not signed as this provider signs, or not now.") from None
    except Unreadable as error:
        metrics.feedback(provider, Counter({"unreadable": 1}))
        raise answers.explained(BadRequest(), str(error)) from None
    metrics.feedback(provider, found)
    return jsonify(dict(found))


def _ses(body: bytes, _: Mapping[str, str], settings: Settings) -> list[Event]:
    if not settings.feedback.ses_topics:
        raise Forged("unset")
    try:
        return ses.read(body, settings.feedback.ses_topics, _amazon(settings), clock.now())
    except OSError:
        raise answers.explained(ServiceUnavailable(), "Amazon does not answer us.", retry_after=60) from None


def _amazon(settings: Settings) -> ses.Amazon:
    """Return the app's way to Amazon: one, since it keeps certificates."""
    pinned = settings.feedback.ses_certificates
    found: ses.Amazon = current_app.extensions.setdefault(AMAZON, ses.Pinned(pinned) if pinned else ses.Online())
    return found


def _sendgrid(body: bytes, headers: Mapping[str, str], settings: Settings) -> list[Event]:
    return sendgrid.read(headers, body, _secret(settings.feedback.sendgrid_key), clock.now())


def _mailgun(body: bytes, _: Mapping[str, str], settings: Settings) -> list[Event]:
    told = mailgun.read(body, _secret(settings.feedback.mailgun_key), clock.now())
    _spend(told)
    return [told.event]


@database.retried
def _spend(told: mailgun.Told) -> None:
    """Let the token stand for this event alone: its signature covers nothing else. Raises Forged."""
    with database.writing() as connection:
        if once.first(connection, "mailgun-token", told.token, clock.now(), told.event.id):
            return
        if once.meant(connection, "mailgun-token", told.token) != told.event.id:
            raise Forged("token")


def _postmark(body: bytes, headers: Mapping[str, str], settings: Settings) -> list[Event]:
    return postmark.read(headers, body, _secret(settings.feedback.postmark_auth))


def _standard(body: bytes, headers: Mapping[str, str], settings: Settings) -> list[Event]:
    return standard.read(headers, body, _secret(settings.feedback.standard_secret), clock.now())


def _secret(text: str | None) -> str:
    """Return the secret. Raises Forged: a provider for which none is set is refused."""
    if not text:
        raise Forged("unset")
    return text


_READERS: Mapping[str, Callable[[bytes, Any, Settings], Sequence[Event]]] = {
    "ses": _ses,
    "sendgrid": _sendgrid,
    "mailgun": _mailgun,
    "postmark": _postmark,
    "standard": _standard,
}
