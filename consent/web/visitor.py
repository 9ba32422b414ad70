"""Who is asking, as far as the request tells: evidence for the ledger, and the network that a mail may name."""

import ipaddress

from flask import current_app, request

from consent import clock
from consent.config import Settings
from consent.records.append import Origin
from consent.subscriptions.acts import Act

_LONGEST = 500  # characters of a user agent that are kept


def settings() -> Settings:
    """Return the settings that the app was made with."""
    found: Settings = current_app.config["CONSENT"]
    return found


def origin() -> Origin:
    """Return the ledger's name and the present instant, for the entries of this request."""
    return Origin(settings().ledger_origin, clock.now())


def act(channel: str = "web") -> Act:
    """Return the person's request as the ledger keeps it. The URL is the page's, never the link's token."""
    ip = _ip(request.remote_addr)
    rule = request.url_rule.rule if request.url_rule else ""
    page = rule if "<token>" in rule else request.path
    evidence = {
        "ip": ip,
        "user_agent": request.user_agent.string[:_LONGEST] or None,
        "url": settings().base_url + page,
    }
    return Act(origin(), evidence, channel=channel, network=network(ip))


def network(ip: str | None) -> str | None:
    """Return the /24 (IPv4) or /56 (IPv6) that *ip* is in: enough for its owner to know it by, no more."""
    if ip is None:
        return None
    width = 24 if ipaddress.ip_address(ip).version == 4 else 56
    return str(ipaddress.ip_network(f"{ip}/{width}", strict=False))


def _ip(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None
