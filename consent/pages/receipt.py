"""The receipt of a consent: a page that can be printed, the proof as a file, the record for programs."""

import json
from typing import Any

from flask import Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Conflict

from consent import addresses, tokens
from consent.pages import pages, wording
from consent.pages.showing import page
from consent.records.prove import NotPublished, Unknown
from consent.subscriptions import receipt, receipt_forms
from consent.subscriptions.receipt import Line, Receipt
from consent.subscriptions.receipt_forms import Incomplete, Wording
from consent.web import languages, visitor
from consent.web.answers import explained
from consent.web.languages import gettext as _

_PROOF_WITHIN_SECONDS = 10


@pages.get("/r/<token>")
def show_receipt(token: str) -> ResponseReturnValue:
    """Show what was agreed to, when, and the words that were shown; with ``?format=`` the proof, or the record."""
    form = {None: _page, "proof": _proof, "json": _record}.get(request.args.get("format"))
    if form is None:
        abort(404)
    found = receipt.show(tokens.repair(token), visitor.settings().secret_keys)
    languages.settle(found.link.language)
    return form(found)


def _page(found: Receipt) -> ResponseReturnValue:
    token = found.link.token("r", visitor.settings().secret_keys)
    record_url = None if receipt_forms.missing(found) else url_for("pages.show_receipt", token=token, format="json")
    return page(
        "receipt",
        found.topics[0].brand if found.topics else None,
        masked=addresses.mask(found.link.address) if found.link.address else "",
        topics=found.topics,
        given_at=found.given_at,
        requested_at=found.asked.requested_at,
        notice=found.asked.notice,
        form=found.asked.form,
        entries=[_shown(line) for line in found.lines],
        proven=found.consent.state == "published",
        proof_url=url_for("pages.show_receipt", token=token, format="proof"),
        record_url=record_url,
        preferences_url=_preferences(found),
    )


def _shown(line: Line) -> dict[str, Any]:
    item = line.item
    return {
        "id": item.entry_id,
        "kind": item.body["kind"],
        "at": item.occurred_at,
        "text": wording.sentence(item, languages.language()),
        "sequence": item.sequence,
        "sealed": line.state == "published",
        "leaf_hash": item.leaf_hash.hex(),
    }


def _proof(found: Receipt) -> ResponseReturnValue:
    """Answer with the proof of the newest consent, or of the receipt's entry that ``?entry=`` names."""
    entry = request.args.get("entry", found.consent.item.entry_id)
    try:
        return _file(receipt_forms.proof(found, entry), "text/plain", f"consent-proof-{entry}.txt")
    except Unknown:
        abort(404)
    except NotPublished:
        return _not_yet(found), 409, {"Retry-After": str(_PROOF_WITHIN_SECONDS)}


def _not_yet(found: Receipt) -> str:
    return page(
        "error",
        found.topics[0].brand if found.topics else None,
        title=_("The proof is not ready yet"),
        text=_("Your consent is recorded. It is sealed a moment later: open this link again in a minute."),
        find_url=url_for("pages.find"),
    )


def _record(found: Receipt) -> ResponseReturnValue:
    """Answer with the record, in the language of the words that were shown."""
    languages.settle(found.asked.notice.language)
    form, ends = found.asked.form, visitor.settings().base_url + _preferences(found)
    sentences = Wording(
        language=languages.language(),
        collection=_("In the words of the form %(form)s, by pressing the button in an e-mail.", form=form),
        termination=_("The consent has no end date. It can be withdrawn at any time: %(url)s", url=ends),
    )
    try:
        content = receipt_forms.record(found, sentences)
    except Incomplete as error:
        raise _incomplete(error) from None
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    return _file(text, "application/json", f"consent-receipt-{found.consent.item.entry_id}.json")


def _incomplete(error: Incomplete) -> Exception:
    errors = {name: [why] for name, why in error.missing.items()}
    return explained(Conflict(), f"This form of the receipt needs: {', '.join(errors)}. The other two do not.", errors)


def _preferences(found: Receipt) -> str:
    return url_for("pages.show_preferences", token=found.link.token("p", visitor.settings().secret_keys))


def _file(content: str, mimetype: str, name: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
