"""Preflight: does a message carry what it must before it goes out?

In reading order: ``mime`` (bytes to header fields and texts), ``markup`` (HTML to what is seen), ``views`` (both, and
what is known of the sender), then the checks: ``headers`` (true sender, date, one click), ``footers`` (who writes,
where, how to leave), ``bodies`` (subject, promotions, two texts that agree, links), ``likeness`` (said before). Each
yields ``findings``, whose sentences and provisions are in ``rules_of_leaving`` and ``rules_of_form``.
"""

from collections.abc import Mapping, Sequence

from consent.law import bodies, footers, headers, mime
from consent.law.findings import LEVELS, Finding
from consent.law.views import About, Probe, View

__all__ = ["About", "Finding", "Probe", "View", "check", "passes", "read"]


def read(raw: bytes, about: About) -> View:
    """Return the message *raw* (RFC 5322) with what is known *about* it. Never raises, whatever the bytes."""
    return View(mime.parse(raw), about)


def check(view: View, earlier: Sequence[str] = (), probed: Mapping[str, Probe] | None = None) -> list[Finding]:
    """Return all that is wrong with the message, the worst first, then by name; an empty list if nothing is.

    *earlier* are fingerprints (:func:`consent.law.likeness.fingerprint`) of messages about the same topic; *probed*
    says of unsubscribe links that were tried what became of them. Never raises; the work is bounded (see ``mime``).
    """
    found = [*headers.check(view), *footers.check(view, probed or {}), *bodies.check(view, earlier)]
    return sorted(found, key=lambda finding: (LEVELS.index(finding.level), finding.key))


def passes(findings: Sequence[Finding]) -> bool:
    """Whether none of *findings* is an error."""
    return all(finding.level != "error" for finding in findings)
