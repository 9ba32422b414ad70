"""What providers tell: genuine events end in the right record, and nothing that is forged leaves a row."""

import base64
import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from consent import clock
from consent.config import Feedback
from tests.feedback import providers as p
from tests.house import House
from tests.people import ANNE

FORGED = int(os.environ.get("CONSENT_FORGED", "300"))  # for each provider; 10,000 at a release
Send = Callable[[p.Request], TestResponse]


@pytest.fixture
def send(app: Flask, house: House, tmp_path: Path) -> Send:
    app.config["CONSENT"] = replace(app.config["CONSENT"], feedback=p.settings(tmp_path / "certificates"))
    return lambda request: house.client.post(request[0], data=request[1], headers=request[2])


def status(code: int, message: str, enhanced: str = "") -> dict[str, Any]:
    return {"delivery-status": {"code": code, "message": message, "enhanced-code": enhanced}}


FULL = "452 4.2.2 The email account that you tried to reach is over quota"
UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"
OURS = "550 5.7.515 Access denied, sending domain does not meet the required authentication level"
RESEND = {"type": "Permanent", "subType": "General", "message": "The recipient does not exist"}
GENUINE: dict[str, tuple[Callable[[str], p.Request], str]] = {
    "ses permanent": (lambda e: p.ses(p.ses_bounce(e)), "hard_bounce"),
    "ses no email": (lambda e: p.ses(p.ses_bounce(e, subtype="NoEmail")), "hard_bounce"),
    "ses suppressed": (lambda e: p.ses(p.ses_bounce(e, subtype="OnAccountSuppressionList")), "hard_bounce"),
    "ses with a subject": (lambda e: p.ses(p.ses_bounce(e), Subject="Amazon SES Email Event"), "hard_bounce"),
    "ses full": (lambda e: p.ses(p.ses_bounce(e, "Transient", "MailboxFull", status="4.2.2")), "soft_bounce"),
    "ses too large": (lambda e: p.ses(p.ses_bounce(e, "Transient", "MessageTooLarge", status="5.3.4")), "soft_bounce"),
    "ses undetermined": (lambda e: p.ses(p.ses_bounce(e, "Undetermined", "Undetermined")), "soft_bounce"),
    "ses about us": (lambda e: p.ses(p.ses_bounce(e, diagnosticCode=f"smtp; {OURS}", status="5.7.515")), "alarm"),
    "ses complaint": (lambda e: p.ses(p.ses_complaint(e)), "complaint"),
    "ses fraud": (lambda e: p.ses(p.ses_complaint(e, "fraud")), "complaint"),
    "ses not spam": (lambda e: p.ses(p.ses_complaint(e, "not-spam")), "other"),
    "sendgrid bounce": (
        lambda e: p.sendgrid([p.sendgrid_event("bounce", e, type="bounce", status="5.1.1", reason=UNKNOWN)]),
        "hard_bounce",
    ),
    "sendgrid dropped": (lambda e: p.sendgrid([p.sendgrid_event("dropped", e, reason="Bounced Address")]), "hard_bounce"),
    "sendgrid blocked": (
        lambda e: p.sendgrid([p.sendgrid_event("bounce", e, type="blocked", status="4.7.0", reason="try again later")]),
        "soft_bounce",
    ),
    "sendgrid deferred": (lambda e: p.sendgrid([p.sendgrid_event("deferred", e, response=FULL)]), "soft_bounce"),
    "sendgrid about us": (
        lambda e: p.sendgrid([p.sendgrid_event("bounce", e, type="bounce", status="5.7.515", reason=OURS)]),
        "alarm",
    ),
    "sendgrid spam": (lambda e: p.sendgrid([p.sendgrid_event("spamreport", e)]), "complaint"),
    "sendgrid unsubscribe": (lambda e: p.sendgrid([p.sendgrid_event("unsubscribe", e)]), "unsubscribe"),
    "sendgrid open": (lambda e: p.sendgrid([p.sendgrid_event("open", e)]), "other"),
    "mailgun permanent": (
        lambda e: p.mailgun(
            p.mailgun_event("failed", e, severity="permanent", reason="bounce", **status(550, UNKNOWN, "5.1.1"))
        ),
        "hard_bounce",
    ),
    "mailgun suppressed": (
        lambda e: p.mailgun(p.mailgun_event("failed", e, severity="permanent", reason="suppress-bounce", **status(605, ""))),
        "hard_bounce",
    ),
    "mailgun temporary": (
        lambda e: p.mailgun(p.mailgun_event("failed", e, severity="temporary", reason="generic", **status(452, FULL))),
        "soft_bounce",
    ),
    "mailgun about us": (
        lambda e: p.mailgun(p.mailgun_event("failed", e, severity="permanent", reason="bounce", **status(550, OURS))),
        "alarm",
    ),
    "mailgun complaint": (lambda e: p.mailgun(p.mailgun_event("complained", e)), "complaint"),
    "mailgun unsubscribed": (lambda e: p.mailgun(p.mailgun_event("unsubscribed", e)), "unsubscribe"),
    "mailgun delivered": (lambda e: p.mailgun(p.mailgun_event("delivered", e)), "other"),
    "postmark hard": (lambda e: p.postmark(p.postmark_event("Bounce", e, "HardBounce", Details=UNKNOWN)), "hard_bounce"),
    "postmark bad address": (lambda e: p.postmark(p.postmark_event("Bounce", e, "BadEmailAddress")), "hard_bounce"),
    "postmark soft": (lambda e: p.postmark(p.postmark_event("Bounce", e, "SoftBounce", Details=FULL)), "soft_bounce"),
    "postmark reply": (lambda e: p.postmark(p.postmark_event("Bounce", e, "AutoResponder")), "other"),
    "postmark blocked": (lambda e: p.postmark(p.postmark_event("Bounce", e, "Blocked", Details=OURS)), "alarm"),
    "postmark complaint": (lambda e: p.postmark(p.postmark_event("SpamComplaint", e, "SpamComplaint")), "complaint"),
    "postmark change": (
        lambda e: p.postmark(
            p.postmark_event(
                "SubscriptionChange", e, SuppressSending=True, SuppressionReason="ManualSuppression", ID=None,
                MessageID="m-1",
            )
        ),
        "unsubscribe",
    ),
    "postmark reactivated": (
        lambda e: p.postmark(p.postmark_event("SubscriptionChange", e, SuppressSending=False)),
        "other",
    ),
    "standard permanent": (lambda e: p.standard(p.resend_event("bounced", e, bounce=RESEND)), "hard_bounce"),
    "standard svix": (lambda e: p.standard(p.resend_event("bounced", e, bounce=RESEND), prefix="svix"), "hard_bounce"),
    "standard transient": (
        lambda e: p.standard(p.resend_event("bounced", e, bounce=RESEND | {"type": "Transient"})),
        "soft_bounce",
    ),
    "standard complaint": (lambda e: p.standard(p.resend_event("complained", e)), "complaint"),
    "standard delivered": (lambda e: p.standard(p.resend_event("delivered", e)), "other"),
}  # fmt: skip
ENDS = {"hard_bounce": "undeliverable", "complaint": "complained", "unsubscribe": "withdrawn"}
LEAVES = {
    "hard_bounce": "bounce.received", "soft_bounce": "bounce.received", "complaint": "complaint.received",
    "unsubscribe": "consent.withdrawn",
}  # fmt: skip


@pytest.mark.parametrize("name", GENUINE)
def test_a_genuine_event_is_recorded_once_and_changes_what_may_be_sent(
    send: Send, house: House, later: Any, name: str
) -> None:
    house.confirm(ANNE.email)
    house.letters()
    later(seconds=2)  # providers tell whole seconds
    before = house.kinds(ANNE.email)
    make, what = GENUINE[name]
    request = make(ANNE.email)
    answer = send(request)
    assert (answer.status_code, answer.json) == (200, {what: 1})
    kinds = house.kinds(ANNE.email)
    assert kinds[len(before) :] == ([LEAVES[what]] if what in LEAVES else [])
    assert house.allows(ANNE.email) == (what not in ENDS)
    rows = house.rows()
    assert send(request).status_code == 200  # told again
    assert house.rows() == rows


@pytest.mark.parametrize("name", [name for name, (_, what) in GENUINE.items() if what in ENDS])
def test_a_decision_says_why_the_mail_may_not_go(send: Send, house: House, later: Any, name: str) -> None:
    house.confirm(ANNE.email)
    later(seconds=2)
    make, what = GENUINE[name]
    send(make(ANNE.email))
    assert house.decide(ANNE.email).decision.code == ENDS[what]


@pytest.mark.parametrize("name", GENUINE)
def test_without_a_secret_a_provider_is_refused(house: House, app: Flask, tmp_path: Path, name: str) -> None:
    p.settings(tmp_path / "certificates")
    app.config["CONSENT"] = replace(app.config["CONSENT"], feedback=Feedback())
    before = house.rows()
    path, body, headers = GENUINE[name][0](ANNE.email)
    assert house.client.post(path, data=body, headers=headers).status_code == 401
    assert house.rows() == before


def mutated(request: p.Request, rng: random.Random) -> p.Request:
    """Return the request with one byte of what proves it, or of its body, changed."""
    path, body, headers = request
    proofs = [name for name in headers if name not in ("Content-Type", "webhook-id", "svix-id")]
    if path == "/feedback/mailgun" or (not proofs or rng.random() < 0.6) and path != "/feedback/postmark":
        told = json.loads(body)
        if path == "/feedback/mailgun":
            name = rng.choice(sorted(told["signature"]))
            told["signature"][name] = swapped(told["signature"][name], rng)
            return path, json.dumps(told).encode(), headers
        place = rng.randrange(len(body))
        return path, body[:place] + bytes([body[place] ^ 1 << rng.randrange(7)]) + body[place + 1 :], headers
    name = rng.choice(proofs)
    scheme, space, value = headers[name].partition(" ") if name == "Authorization" else ("", "", headers[name])
    return path, body, headers | {name: scheme + space + swapped(value, rng)}


def swapped(text: str, rng: random.Random) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice([c for c in "aB3/" if c != text[place]]) + text[place + 1 :]


@pytest.mark.parametrize("provider", ["ses", "sendgrid", "mailgun", "postmark", "standard"])
def test_nothing_that_was_changed_on_the_way_is_recorded(send: Send, house: House, provider: str) -> None:
    names = [name for name in GENUINE if name.startswith(provider)]
    rng, codes = random.Random(provider), set[int]()
    before = house.rows()
    for number in range(FORGED):
        genuine = GENUINE[names[number % len(names)]][0](f"p{number}@example.com")
        forged = mutated(genuine, rng)
        if same_to_a_reader(genuine, forged):
            continue
        codes.add(send(forged).status_code)
    assert codes <= {400, 401}
    assert 401 in codes and house.rows() == before


def same_to_a_reader(genuine: p.Request, forged: p.Request) -> bool:
    """Whether the change is none to whoever checks: unsigned fields, and spellings of one text."""
    same = {
        "ses": same_to_ses,
        "sendgrid": same_to_sendgrid,
        "standard": same_to_standard,
        "postmark": same_to_postmark,
    }
    return same.get(genuine[0].rpartition("/")[2], lambda *_: False)(genuine, forged)


def same_to_ses(genuine: p.Request, forged: p.Request) -> bool:
    try:
        one, other = json.loads(genuine[1]), json.loads(forged[1])
    except ValueError:
        return False
    if not isinstance(other, dict) or decoded(one["Signature"]) != decoded(other.get("Signature")):
        return False
    url = str(other.get("SigningCertURL"))  # of another region's host, maybe: the certificate is pinned by its name
    pinned = re.fullmatch(r"https://sns\.[\w-]{3,}\.amazonaws\.com/.*", url, re.I) and url[-20:] == p.CERT_URL[-20:]
    signed = {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "SignatureVersion"}
    return bool(pinned) and all(one.get(n) == other.get(n) for n in signed)


def same_to_sendgrid(genuine: p.Request, forged: p.Request) -> bool:
    name = next(name for name in genuine[2] if name.endswith("Signature"))
    one, other = ([request[1], {n: v for n, v in request[2].items() if n != name}] for request in (genuine, forged))
    return one == other and decoded(genuine[2][name]) == decoded(forged[2][name])


def same_to_postmark(genuine: p.Request, forged: p.Request) -> bool:
    given = [decoded(request[2]["Authorization"].partition(" ")[2]) for request in (genuine, forged)]
    return genuine[1] == forged[1] and given[0] == given[1]


def same_to_standard(genuine: p.Request, forged: p.Request) -> bool:
    name = next(name for name in genuine[2] if name.endswith("signature"))
    rest = [{n: v for n, v in request[2].items() if n != name} for request in (genuine, forged)]
    last = [request[2][name].split()[-1] for request in (genuine, forged)]
    return genuine[1] == forged[1] and rest[0] == rest[1] and last[0] == last[1]


def decoded(text: Any) -> bytes:
    """Return the bytes that *text* spells: base64 has several spellings of the same ones."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        return b""


@pytest.mark.parametrize("provider", ["ses", "sendgrid", "mailgun", "standard"])
@pytest.mark.parametrize("ahead", [-2, 2])
def test_what_is_too_old_or_from_the_future_is_refused(send: Send, house: House, provider: str, ahead: int) -> None:
    at, before = clock.now() + timedelta(hours=ahead), house.rows()
    made = {
        "ses": lambda: p.ses(p.ses_bounce(ANNE.email), Timestamp=p.iso(at)),
        "sendgrid": lambda: p.sendgrid([p.sendgrid_event("spamreport", ANNE.email)], at),
        "mailgun": lambda: p.mailgun(p.mailgun_event("complained", ANNE.email), at),
        "standard": lambda: p.standard(p.resend_event("complained", ANNE.email), at),
    }[provider]()
    assert send(made).status_code == 401 and house.rows() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:mail"},
        {"SignatureVersion": "1"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/unknown.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/.."},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/\0"},
        {"SigningCertURL": "https://[::1"},
        {"Type": "Other"},
        {"Signature": ""},
        {"Signature": "no base64 at all"},
    ],
)
def test_another_topic_version_or_certificate_of_amazon_is_refused(
    send: Send, house: House, changes: dict[str, str]
) -> None:
    before = house.rows()
    assert send(p.ses(p.ses_bounce(ANNE.email), **changes)).status_code == 401
    assert house.rows() == before


def test_a_subscription_to_an_allowed_topic_is_confirmed_and_no_other(app: Flask, house: House, send: Send) -> None:
    visited: list[str] = []

    class Watched:
        def certificate(self, _: str) -> bytes:
            return p.certificate()

        def visit(self, url: str) -> None:
            visited.append(url)

    app.extensions["consent_amazon"] = Watched()
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    more = {"Type": "SubscriptionConfirmation", "Token": "t"}
    assert send(p.ses({}, SubscribeURL="https://evil.example/", **more)).status_code == 401
    assert send(p.ses({}, SubscribeURL=url, TopicArn="arn:aws:sns:x", **more)).status_code == 401
    assert visited == []
    assert send(p.ses({}, SubscribeURL=url, **more)).status_code == 200
    assert visited == [url]


def test_a_mailgun_token_is_good_for_one_event(send: Send, house: House) -> None:
    first = p.mailgun(p.mailgun_event("delivered", ANNE.email), token="t" * 50)
    assert send(first).status_code == 200
    before = house.rows()
    assert send(p.mailgun(p.mailgun_event("complained", ANNE.email), token="t" * 50)).status_code == 401
    assert house.rows() == before
    assert send(first).status_code == 200  # the same one, told again


def test_every_recipient_and_every_event_of_a_batch_is_recorded_and_one_bad_one_loses_none(
    send: Send, house: House
) -> None:
    events = [p.sendgrid_event("spamreport", f"p{n}@example.com") for n in range(50)]
    events += [p.sendgrid_event("bounce", "no address"), {"event": 7}, p.sendgrid_event("spamreport", ANNE.email)]
    assert send(p.sendgrid(events)).json == {"complaint": 51, "unreadable": 1, "other": 1}
    assert all(not house.allows(f"p{n}@example.com") for n in range(50))


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[1, null, {}]", b"{}", b"null", b"[" * 5000, b'{"event-data": []}']
)
def test_what_is_signed_and_has_no_shape_that_we_know_is_refused_or_nothing_and_never_a_fault(
    send: Send, house: House, body: bytes
) -> None:
    before = house.rows()
    path, _, headers = p.sendgrid([])
    when = p.stamp(clock.now())
    signature = p.ec_key().sign(when.encode() + body, p.ec.ECDSA(p.hashes.SHA256()))
    headers = dict(zip(headers, (p.base64.b64encode(signature).decode(), when), strict=True))
    assert send((path, body, headers)).status_code in (200, 400)
    assert send(p.postmark(json.loads(body) if body in (b"{}", b"null") else {})).status_code == 200
    assert house.rows() == before


def test_a_complaint_ends_every_brand_of_the_organization_and_no_other_one(send: Send, house: House) -> None:
    house.confirm(ANNE.email, ["acme/newsletter", "acme/promotions"])
    send(p.ses(p.ses_complaint(ANNE.email)))
    assert not house.allows(ANNE.email) and not house.allows(ANNE.email, "acme/promotions")


def test_a_provider_that_nobody_knows_is_not_found(house: House) -> None:
    assert house.client.post("/feedback/unknown", data=b"x").status_code == 404
    assert house.client.get("/feedback/ses").status_code == 405
