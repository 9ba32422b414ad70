"""Where another reading of the law is arguable, which one we chose: always the one by which less mail is sent.

A decision names those that it rests on, so that a company's counsel can see what hangs on them. Changing one is
a change of the rules: the function that carries the name must change with it, and :data:`decide.RULES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from consent.law.citations import CASL, GIC, INTERPRETATION, POLICY, QUEBEC, Provision


@dataclass(frozen=True)
class Reading:
    """One choice: its name, what we chose, where the question arises, and both sides of it in a sentence each."""

    chosen: str
    citation: Provision
    english: str
    french: str

    def says(self, language: str = "en") -> str:
        """Return the sentence in *language* (en, fr)."""
        return self.french if language == "fr" else self.english


READINGS: Mapping[str, Reading] = {
    "same_day_counts": Reading(
        "false",
        INTERPRETATION["27(5)"],
        "The period lies before the day of sending, so the day of a purchase is not inside it; others count it in.",
        "La période précède le jour de l’envoi, donc le jour de l’achat n’y est pas; d’autres l’y comptent.",
    ),
    "month_end": Reading(
        "both",
        INTERPRETATION["28"],
        "Counted back from the day of sending the period would still run; counted forward it has ended. Both must agree.",
        "Comptée à rebours, la période courrait encore; comptée vers l’avant, elle est finie. Les deux doivent concorder.",
    ),
    "ongoing_end_inclusive": Reading(
        "false",
        CASL["10(14)"],
        "The two years begin on the day the relationship ended, and so end a day before the anniversary; others add the day.",
        "Les deux ans commencent le jour de la fin, et finissent donc la veille de l’anniversaire; d’autres ajoutent ce jour.",
    ),
    "zones": Reading(
        "sender_and_recipient",
        CASL["10(10)(a)"],
        "The Act does not say whose calendar counts; the organization’s and that of the place of the fact must both agree.",
        "La Loi ne dit pas quel calendrier compte; celui de l’organisation et celui du lieu du fait doivent concorder.",
    ),
    "purchase_revives": Reading(
        "false",
        CASL["11(3)"],
        "The Act does not say that a relationship begun after a withdrawal revives implied consent; we take it that none does.",
        "La Loi ne dit pas qu’une relation née après un retrait rétablit le consentement tacite; nous retenons que non.",
    ),
    "consent_scope": Reading(
        "brand",
        CASL["10(1)(b)"],
        "The other name belongs to the same legal person; we hold consent to the name that the person dealt with.",
        "L’autre nom relève de la même personne morale; nous limitons le consentement au nom que la personne connaît.",
    ),
    "unsubscribe_all_scope": Reading(
        "organization",
        CASL["11(1)(a)"],
        "The person left everything under another name of the same legal person; we stop every name of it.",
        "La personne a tout quitté sous un autre nom de la même personne morale; nous arrêtons tous ses noms.",
    ),
    "unspecified_scope": Reading(
        "organization",
        CASL["11(1)(a)"],
        "A bare STOP names no class of messages; we take it for all of them.",
        "Un simple ARRÊT ne nomme aucune catégorie de messages; nous y lisons toutes.",
    ),
    "download_is_inquiry": Reading(
        "false",
        CASL["10(10)(e)"],
        "A download or a webinar shows interest; we do not take it for an inquiry about a purchase.",
        "Un téléchargement ou un webinaire montre un intérêt; nous n’y voyons pas une demande au sujet d’un achat.",
    ),
    "confirm_required": Reading(
        "true",
        CASL["13"],
        "A ticked box alone might be consent; without the confirmation nobody can prove who ticked it.",
        "Une case cochée pourrait suffire; sans confirmation, personne ne peut prouver qui l’a cochée.",
    ),
    "confirm_after_complaint": Reading(
        "false",
        POLICY["Spamhaus Marketing FAQ"],
        "A new sign-up might be answered; after a complaint of spam no form makes us write.",
        "On pourrait répondre à une nouvelle inscription; après un signalement de pourriel, aucun formulaire ne nous fait écrire.",
    ),
    "reminders": Reading(
        "0",
        GIC["3(b)"],
        "A reminder might still be an answer to the sign-up; we send one mail and no more.",
        "Un rappel pourrait encore répondre à l’inscription; nous envoyons un seul courriel.",
    ),
    "unknown_place": Reading(
        "CA",
        CASL["12(1)"],
        "It is not known where the person is, or that place has no rules here; we take it for Canada.",
        "On ignore où est la personne, ou ce lieu n’a pas de règles ici; nous le tenons pour le Canada.",
    ),
    "foreign_state": Reading(
        "its_law_if_we_hold_it",
        GIC["3(f)"],
        "The person is believed to be in a listed state, so its law decides; for states whose law is not held here, Canada’s does.",
        "On croit la personne dans un État inscrit, dont la loi décide; sans règles de cet État ici, celle du Canada décide.",
    ),
    "temporary": Reading(
        "while_the_purpose_lasts",
        QUEBEC["14"],
        "In Québec a consent lasts only as long as its purpose; review it when what is sent under it changes.",
        "Au Québec, un consentement ne dure que le temps de son objet; réexaminez-le si les envois changent.",
    ),
}  # fmt: skip
