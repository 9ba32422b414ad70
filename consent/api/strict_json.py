"""JSON as we take it (RFC 8259, I-JSON RFC 7493): UTF-8, no name twice, no NaN, nothing bottomless, no giant number.

Parsers differ in what they make of the rest, and what two parsers read differently nobody has agreed to.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

DEEPEST = 10  # arrays and objects within each other
_LARGEST = 2**63 - 1


class Unreadable(ValueError):
    """The text is not JSON as we take it; the message says why, and quotes nothing of it."""


def read(raw: bytes) -> Any:
    """Return what *raw* says. Raises Unreadable."""
    try:
        text = raw.decode("utf-8")
        found = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number
        )
        _bounded(found)
        if "\\u" in text:  # an escape may spell half a character, which no text may hold
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None
    except UnicodeEncodeError:
        raise Unreadable("The body holds half of a character (a lone surrogate).") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"The body is not JSON: see line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    return found


def canonical(found: Any) -> bytes:
    """Return the one spelling of what was read: names in order, no blanks."""
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


_TOO_DEEP = f"The body is nested more than {DEEPEST} deep."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("The body names a field twice.")
    return found


def _constant(name: str) -> Any:
    raise Unreadable(f"{name} is no JSON number.")


def _integer(text: str) -> int:
    if len(text) > 20 or abs(found := int(text)) > _LARGEST:
        raise Unreadable("The body holds a number beyond 64 bits.")
    return found


def _number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise Unreadable("The body holds a number beyond what a double holds.")
    return found


def _bounded(found: Any) -> None:
    level: list[Any] = [found]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _within(outer) if isinstance(inner, (dict, list))]
        if not level:
            return
    raise Unreadable(_TOO_DEEP)


def _within(outer: Any) -> Iterable[Any]:
    if isinstance(outer, dict):
        return outer.values()
    return outer if isinstance(outer, list) else ()
