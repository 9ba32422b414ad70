"""``Idempotency-Key``: the same request again is done once and answered the same, for 24 hours.

Its scope is the caller, the method, the path and the key's value. What was refused left nothing behind, so that its
key can be used again for the corrected request (draft-ietf-httpapi-idempotency-key-header, s. 2).
"""

import hashlib
import re
from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import BadRequest, Conflict, UnprocessableEntity

from consent.api import bodies
from consent.records import answered as kept
from consent.records.answered import Answer
from consent.web.answers import explained

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
_VALUE = re.compile(rf"[\x21-\x7e]([\x20-\x7e]{{0,{LONGEST - 2}}}[\x21-\x7e])?")
_RETRY_SECONDS = 1


def answered(caller: str, view: Callable[[], Response], question: bool) -> Response:
    """Return what *view* answers; with the header, what it answered before. A *question* is always answered anew.

    Raises 400 for a malformed key, 409 while the same request is being done, and 422 for another body.
    """
    value = request.headers.get(HEADER)
    if value is None:
        return view()
    if not _VALUE.fullmatch(value):
        raise explained(BadRequest(), f"{HEADER} takes 1 to {LONGEST} characters of ASCII, such as a UUID.")
    if question:
        return view()
    return _once(caller, value, view)


def _once(caller: str, value: str, view: Callable[[], Response]) -> Response:
    asked = "\n".join((caller, request.method, request.path, value)).encode("utf-8", "surrogateescape")
    body = hashlib.sha256(bodies.canonical()).digest()
    try:
        answer, again = kept.once(hashlib.sha256(asked).digest(), body, lambda: _kept(view()))
    except kept.InFlight:
        message = "The same request is being done at this moment."
        raise explained(Conflict(), message, retry_after=_RETRY_SECONDS) from None
    except kept.Forgotten:
        message = "This was done. Its answer was forgotten, since it named somebody who was erased meanwhile."
        raise explained(Conflict(), message) from None
    except kept.OtherBody:
        message = f"This {HEADER} was used for another body; send a new one. Nothing was recorded."
        raise explained(UnprocessableEntity(), message) from None
    response = Response(answer.content, answer.status, mimetype="application/json")
    if again:
        response.headers[REPLAYED] = "true"
    return response


def _kept(response: Response) -> Answer:
    return Answer(response.status_code, response.get_data(as_text=True))
