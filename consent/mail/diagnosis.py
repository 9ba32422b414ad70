"""What a refusal means: is it for good, is the address dead, or is it about us?

By the enhanced status code of RFC 3463 where it says enough, else by the words, which is what senders have to go by:
servers say 5.7.1 for an unknown user, and 5.1.1 for a full mailbox.
"""

import re
from typing import NamedTuple

_LONGEST = 4000  # characters of a server's words that are looked at
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([245])[0-5]\d(?![\d.])")
_HARD = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.1", "5.4.4", "5.4.310"}
_CERTAIN = {"5.1.1", "5.1.2", "5.1.10"}
#: RFC 7372, RFC 7489, Microsoft and Google: sender authentication failed, or our host is on a list.
_ALARM = re.compile(r"[45]\.7\.(2[0-9]|515|509|511|60[6-9]|6[1-4][0-9]|70[0-9]|7[1-5][0-9])\Z")


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.I)


_SPACE = _any("quota", "full", "exceed", "space", "storage")
_ABOUT_US = _any(
    r"\b(spf|dkim|dmarc|rbl|dnsbl|helo)\b", "unauthenticated", "not authenticated", 
    r"authentication (checks?|fail|req)",
    "reverse dns", "ptr record", "block ?list", "black ?list", r"blocked (using|by|for)", r"\blisted (at|by|on)\b",
    "spamhaus", "spamcop", "barracuda", "sorbs", "reputation", r"\bspam", "bulk mail", "unsolicited", "rate limit",
    r"too many (messages|connections)", r"policy (reasons|violation)", "abuse", "suspicious", "virus", "malware",
    "phish",
)  # fmt: skip
_FOR_NOW = _any(
    "quota", r"(mailbox|inbox|folder|account|disk|user)\b.{0,20}\bfull\b", r"is full\b", "overdrawn", "over limit",
    r"over (the )?(storage )?limit", r"exceed\w* .{0,20}(storage|mailbox|disk|allow|limit|size)", "no space",
    r"(insufficient|not enough|out of) .{0,10}(storage|space|disk)", r"too (large|big)", r"size (limit|exceeds)",
    "temporar", r"try (again|later)", r"time(d)?[ -]?out", "delayed", r"gr[ea]ylist", "deferred", "hop count", "loop",
    r"connection (refused|reset|lost|dropped|closed)", r"(could not|unable to) connect", "too many hops", "resources",
    r"\bbusy\b", r"not accepting (mail|messages)", r"\bretry\b", r"(system|local) (error|problem)",
    "unavailable at this time", r"message .{0,20}expired", "delivery time expired",
)  # fmt: skip
_WHO = r"(user|recipient|mailbox|address|account|addressee|person|e-?mail|alias|destinat\w*|local part)s?"
_GONE = _any(
    _WHO
    + r"\b[^.;\n]{0,60}?(unknown|not (found|known|exist|valid|listed|active|available here|local|recogni[sz]ed|a valid)"
    r"|does ?n[o']t exist|doesn't have|invalid|inactive|disabled|deactivated|suspended|discontinued|closed|terminated"
    r"|expired|removed|deleted|undeliverable|unrout\w+|unavailable|no longer)",
    r"(unknown|no such|invalid|bad|non-?existent|illegal|unrout\w+|undeliverable|dead|wrong|obsolete)"
    r"[^.;\n]{0,30}?(user|recipient|mailbox|address|account|addressee|person|host|domain|alias|name|local part|here)",
    r"(host|domain|name)\b[^.;\n]{0,40}?(not found|unknown|does ?n[o']t exist|no (a|mx)|not exist|nxdomain|invalid)",
    r"no (mailbox|account|one|recipient|valid recipients?|mx|longer|mail ?drop)",
    r"not (a (known|valid) )?(user|our customer|here)", r"can(not|'t) (find|be (found|delivered))", r"isn't in my",
    r"not in (my|the|our)", "cannot be reached", "nosuchuser", "dosn't exist", "does not like recipient",
    r"recipient.{0,40}(rejected|refused|denied|reject)", r"relay(ing)? (denied|not)", "unable to relay",
    "not permitted to relay", r"\bmoved\b", "has left", "disabled", "bad destination",
)  # fmt: skip


class Diagnosis(NamedTuple):
    """What a refusal means.

    *hard*: this message will not arrive. *dead*: neither will another one, the address is gone. *alarm*: it is about us
    and not about the address. *code* is the enhanced status code, if one was given.
    """

    hard: bool
    dead: bool
    alarm: bool
    code: str | None


def diagnose(words: str, status: str = "", *, hard: bool | None = None) -> Diagnosis:
    """Return what a refusal means that a server gave in *words*, and a report as *status* (RFC 3464 s. 2.3.4).

    *hard* is what is known already of whether it is for good; None to go by the code.
    """
    words = words[:_LONGEST]
    code = _code(status, words)
    for_good = _permanent(code or "", words) if hard is None else hard
    alarm = bool(code and _ALARM.match(code)) or (for_good and _about_us(code or "", words))
    return Diagnosis(for_good, for_good and not alarm and _dead(code or "", words), alarm, code)


def _about_us(code: str, words: str) -> bool:
    return bool(_ABOUT_US.search(words)) and not (_dead(code, words) or code.startswith(("4", "5.1", "5.2", "5.4")))


def _dead(code: str, words: str) -> bool:
    certain = code in _CERTAIN and not _SPACE.search(words)
    if code.startswith("4") or (_FOR_NOW.search(words) and not certain):
        return False
    if code in _HARD or _GONE.search(words):
        return True
    if code not in ("", "5.0.0") and not code.startswith("5.1."):
        return False  # 5.2 to 5.7: full, too large, a host's trouble, a protocol's, a policy
    return not _ABOUT_US.search(words)


def _code(status: str, words: str) -> str | None:
    """Return the code of the words, which is the refusing server's own, if the report's says no more than the class."""
    given, said = _STATUS.search(status), _STATUS.search(words)
    if given and said and given[2] == "0" and given[1] == said[1]:
        return said[0]
    found = given or said
    return found[0] if found else None


def _permanent(code: str, words: str) -> bool:
    """Whether it is refused for good, by the code or else the reply; what says neither is taken for that."""
    if code:
        return code[0] == "5"
    found = _REPLY.search(words)
    return found is None or found[1] == "5"
