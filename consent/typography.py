"""French as it is set: spaces that do not break before double punctuation and inside guillemets.

Imprimerie nationale, *Lexique des règles typographiques*; the Office québécois de la langue française asks for the
same where a thin space can be had. Whoever writes French text types plain spaces, or none.
"""

import re

_WIDE, _THIN = "\u00a0", "\u202f"
_COLON = re.compile(r"[ \u00a0\u202f]+:")
_OPENING, _CLOSING = re.compile(r"«[ \u00a0\u202f]*"), re.compile(r"[ \u00a0\u202f]*»")
_DOUBLE = re.compile(r"(?<=[\w)»’}])[ \u00a0\u202f]*([;!?])(?=[\s)<]|$)")


def french(text: str) -> str:
    """Return *text* with no-break spaces before ``:`` and inside « », and thin ones before ``; ! ?``.

    A sign in an address or in code stays: there no space precedes the colon, and something follows the others.
    """
    text = _COLON.sub(f"{_WIDE}:", text)
    text = _CLOSING.sub(f"{_WIDE}»", _OPENING.sub(f"«{_WIDE}", text))
    return _DOUBLE.sub(rf"{_THIN}\1", text)
