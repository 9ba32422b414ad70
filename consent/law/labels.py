"""What counsel's short labels for a basis mean, in the words of the decisions: the code, and the ground if any.

Cases carry such a label in their column ``basis``. It is a note, and never decides whether a case agrees.
"""

from collections.abc import Mapping
from typing import NamedTuple

from consent.law.decision import Decision


class Meaning(NamedTuple):
    """The codes that a decision may have under a label, and the grounds; None is no basis, empty is any."""

    codes: frozenset[str]
    grounds: frozenset[str | None] = frozenset()


def _means(code: str, *grounds: str | None) -> Meaning:
    return Meaning(frozenset(code.split()), frozenset(grounds))


LABELS: Mapping[str, Meaning] = {
    "express": _means("express_consent", "express"),
    "affirmative_consent": _means("express_consent", "express"),
    "express_unknown_third_party": _means("express_consent", "express_third_party"),
    "implied_purchase_2y": _means("implied_consent", "10(10)(a)"),
    "implied_inquiry_6m": _means("implied_consent", "10(10)(e)"),
    "implied_contract_2y": _means("implied_consent", "10(10)(d)"),
    "implied_ongoing": _means("implied_consent", "10(14)"),
    "implied_donation_2y": _means("implied_consent", "10(13)(a)"),
    "implied_membership_2y": _means("implied_consent", "10(13)(c)"),
    "implied_published": _means("implied_consent", "10(9)(b)"),
    "implied_disclosed": _means("implied_consent", "10(9)(c)"),
    "soft_opt_in": _means("soft_opt_in"),
    "opt_out_regime": _means("opt_out_regime"),
    "exempt_regs_3b": _means("exempt_confirmation exempt_reply"),
    "exempt_regs_3c": _means("exempt_legal_notice"),
    "exempt_regs_3f": _means("opt_out_regime soft_opt_in express_consent"),
    "exempt_regs_3g": _means("exempt_fundraising"),
    "exempt_regs_4": _means("exempt_referral"),
    "exempt_6_6_a": _means("exempt_quote"),
    "exempt_6_6_b": _means("exempt_receipt"),
    "exempt_6_6_c": _means("exempt_recall"),
    "exempt_6_6_d": _means("exempt_account_notice"),
    "transactional": _means("exempt_receipt exempt_quote exempt_recall exempt_account_notice"),
    "compliance_transfer": _means("exempt_address_transfer_to_processor"),
    "implied_expired": _means("implied_consent_expired"),
    "implied_not_yet": _means("implied_consent_not_yet"),
    "invalid_method": _means("invalid_method"),
    "request_incomplete": _means("request_incomplete"),
    "unconfirmed": _means("unconfirmed"),
    "already_sent": _means("already_sent"),
    "purpose_not_covered": _means("purpose_not_covered"),
    "brand_not_covered": _means("brand_not_covered"),
    "sender_not_covered": _means("sender_not_covered"),
    "withdrawn": _means("withdrawn complained no_acknowledgement"),
    "opted_out": _means("withdrawn complained no_transfer"),
    "objected": _means("objected"),
    "undeliverable": _means("undeliverable"),
    "suppressed_hash": _means("erased"),
    "none": _means("no_consent"),
}


def agrees(label: str, decision: Decision) -> bool:
    """Whether *decision* is what *label* says; true for a label that is none of ours."""
    meaning = LABELS.get(label)
    if meaning is None:
        return True
    ground = decision.basis.ground if decision.basis else None
    return decision.code in meaning.codes and (not meaning.grounds or ground in meaning.grounds)
