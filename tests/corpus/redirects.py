"""Spellings of another site that a careless check takes for the registered one."""

import random
from urllib.parse import quote

_EVIL = (
    "evil.example",
    "evil.example:443",
    "evil.example%2f",
    "ev\u0131l.example",
    "evil\u3002example",
    "[::ffff:7f00:1]",
    "2130706433",
)
_SCHEMES = (
    "https:",
    "http:",
    "HTTPS:",
    "",
    "javascript:",
    "data:",
    "https:https:",
    "\thttps:",
    "ht\ntps:",
    "\x01https:",
    "view-source:",
)
_SLASHES = (
    "//",
    "///",
    "/",
    "\\\\",
    "/\\",
    "\\/",
    "",
    "/\t/",
    "/%2f",
    "//\u2044",
    "\uff0f\uff0f",
    "%5c%5c",
    ".//",
    "/./",
    "/..//",
)
_LURES = (
    "{evil}", "{evil}/thanks", "{evil}/{good}", "{host}@{evil}", "{host}:x@{evil}/thanks", "{host}\\@{evil}", "{host}.{evil}",
    "{evil}#{good}", "{evil}?{good}", "{evil}\\.{host}", "{host}%00.{evil}", "{host}%40{evil}", "{host}\r\nLocation: https://{evil}",
    "{host}/thanks/../../{evil}", "{host}/thanks?next=https://{evil}", "{host}/thanks#@{evil}", "{host};{evil}", "{host},{evil}",
    "{host} {evil}", "{host}/thanks/", "{host}/THANKS", "{host}/thanks%20", "{host}./thanks", "{host}:443/thanks", "www.{host}/thanks",
)  # fmt: skip


def redirects(good: str, count: int, seed: int) -> list[str]:
    """Return *count* different tricks, none of which is *good* itself."""
    pick, host = random.Random(seed), good.split("/")[2]
    found: dict[str, None] = {}
    while len(found) < count:
        lure = pick.choice(_LURES).format(evil=pick.choice(_EVIL), good=good, host=host)
        text = pick.choice(_SCHEMES) + pick.choice(_SLASHES) + lure
        text = pick.choice(
            (text, text, quote(text), text.upper(), f" {text}", f"{text}\t", f"{text}\x00", f"{text}\u200b")
        )
        if text != good:
            found[text] = None
    return list(found)
