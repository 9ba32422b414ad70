"""The sentences of decisions, in English and French: one meaning each, chosen by key, so that the two always agree.

``{day}`` and ``{until}`` are dates, ``{noun}`` is the relationship, ``{period}`` its length; the rest is text.
"""

from collections.abc import Mapping
from datetime import date

from consent import typography

LANGUAGES = ("en", "fr")
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
}  # fmt: skip
_PERIODS = {"en": {6: "six months", 24: "two years"}, "fr": {6: "six mois", 24: "deux ans"}}

#: Each relationship with its article: ``The purchase``, ``L’achat``.
NOUNS: Mapping[str, tuple[str, str]] = {
    "purchase": ("The purchase", "L’achat"),
    "lease": ("The lease", "La location"),
    "barter": ("The exchange", "L’échange"),
    "inquiry": ("The inquiry", "La demande de renseignements"),
    "quote_request": ("The request for a quote", "La demande de prix"),
    "demo_request": ("The request for a demonstration", "La demande de démonstration"),
    "contract": ("The contract", "Le contrat"),
    "subscription": ("The subscription", "L’abonnement"),
    "account": ("The account", "Le compte"),
    "loan": ("The loan", "Le prêt"),
    "membership": ("The membership", "L’adhésion"),
    "donation": ("The donation", "Le don"),
    "volunteering": ("The volunteer work", "Le bénévolat"),
    "published_address": ("The published address", "L’adresse publiée"),
    "business_card": ("The business card", "La carte professionnelle"),
    "referral": ("The referral", "La recommandation"),
}

SENTENCES: Mapping[str, tuple[str, str]] = {
    # allowed
    "confirmed": (
        "The person confirmed {topic} on {day}; express consent has no end.",
        "La personne a confirmé {topic} le {day}; un consentement exprès n’a pas de terme.",
    ),
    "agreed": (
        "The person agreed to {topic} on {day}; express consent has no end.",
        "La personne a consenti à {topic} le {day}; un consentement exprès n’a pas de terme.",
    ),
    "agreed_through": (
        "On {day} the person agreed, through {collector}, to mail from others such as {brand}; "
        "each message must name {collector}.",
        "Le {day}, la personne a consenti, par l’entremise de {collector}, à recevoir des messages de tiers comme "
        "{brand}; chaque message doit nommer {collector}.",
    ),
    "implied": (
        "{noun} of {day} gives implied consent for {period}, until {until}.",
        "{noun} du {day} donne un consentement tacite pendant {period}, jusqu’au {until}.",
    ),
    "implied_running": (
        "{noun} that began on {day} is running, which implies consent.",
        "{noun} en cours depuis le {day} donne un consentement tacite.",
    ),
    "implied_ended": (
        "{noun} that began on {day} has ended; consent is implied for {period} more, until {until}.",
        "{noun} en cours depuis le {day} a pris fin; le consentement tacite dure encore {period}, jusqu’au {until}.",
    ),
    "implied_open": (
        "{noun} recorded on {day} gives implied consent to mail that bears on the person’s role, without a time limit.",
        "{noun}, au dossier depuis le {day}, donne un consentement tacite aux messages qui touchent le rôle de la "
        "personne, sans limite de temps.",
    ),
    "referral": (
        "The referral of {day} allows one message, which must name who referred the person.",
        "La recommandation du {day} permet un seul message, qui doit nommer la personne qui l’a faite.",
    ),
    "soft_opt_in": (
        "At the sale of {day} the person was offered a simple refusal and took none; mail about similar products may go.",
        "Lors de la vente du {day}, la personne s’est vu offrir un refus simple et n’a pas refusé; les messages sur des "
        "produits semblables sont permis.",
    ),
    "opt_out_regime": (
        "This law lets commercial mail go until the person asks for it to stop, which they have not.",
        "Cette loi permet les messages commerciaux tant que la personne n’a pas demandé leur arrêt, ce qu’elle n’a pas fait.",
    ),
    "exempt_confirmation": (
        "The person’s sign-up of {day} asked for this one mail.",
        "L’inscription du {day} a demandé ce seul courriel.",
    ),
    "exempt_fact": (
        "{noun} of {day} is what this message is about; it needs no consent as long as it holds no promotion.",
        "{noun} du {day} est l’objet de ce message, qui ne requiert pas de consentement tant qu’il ne contient aucune promotion.",
    ),
    "exempt_reply": (
        "The person wrote to {brand} on {day}; an answer needs no consent.",
        "La personne a écrit à {brand} le {day}; une réponse ne requiert pas de consentement.",
    ),
    "exempt_legal_notice": (
        "A message that a legal duty requires needs no consent; keep a note of the duty.",
        "Un message exigé par une obligation légale ne requiert pas de consentement; notez cette obligation.",
    ),
    "exempt_fundraising": (
        "A registered charity’s message whose main purpose is to raise funds needs no consent.",
        "Le message d’un organisme de bienfaisance enregistré dont le but principal est la collecte de fonds ne requiert "
        "pas de consentement.",
    ),
    "exempt_processor": (
        "Passing on who must not be written to, so that others comply, is allowed; pass on keyed digests.",
        "Il est permis de communiquer la liste des refus pour qu’elle soit respectée; communiquez des empreintes à clé.",
    ),
    # denied
    "withdrawn": (
        "The person withdrew from {reach} on {day}; it took effect at once.",
        "La personne a retiré son consentement pour {reach} le {day}, avec effet immédiat.",
    ),
    "complained": (
        "The person reported a message as spam on {day}; that is a refusal of everything from {reach}.",
        "La personne a signalé un message comme pourriel le {day}; c’est un refus de tout message de {reach}.",
    ),
    "objected": (
        "The person objected to marketing by {reach} on {day}.",
        "La personne s’est opposée à la prospection par {reach} le {day}.",
    ),
    "erased": (
        "The person’s data was erased on {day}; what is left is the mark not to write.",
        "Les données de la personne ont été effacées le {day}; il ne reste que la mention de ne pas écrire.",
    ),
    "undeliverable": (
        "Mail to this address was refused for good on {day}; consent is not affected.",
        "Les messages à cette adresse ont été refusés définitivement le {day}; le consentement n’est pas touché.",
    ),
    "suppressed": (
        "The address was put on the suppression list on {day}.",
        "L’adresse a été mise sur la liste d’exclusion le {day}.",
    ),
    "unconfirmed": (
        "The sign-up of {day} was not confirmed; who typed the address is not known.",
        "L’inscription du {day} n’a pas été confirmée; on ne sait pas qui a saisi l’adresse.",
    ),
    "request_incomplete": (
        "The consent of {day} is not valid: the request lacked what it must say.",
        "Le consentement du {day} n’est pas valide : il manquait à la demande des mentions obligatoires.",
    ),
    "invalid_method": (
        "The consent of {day} is not valid: {method} is not an act by which a person opts in.",
        "Le consentement du {day} n’est pas valide : {method} n’est pas un geste par lequel une personne consent.",
    ),
    "evidence_missing": (
        "The consent of {day} is not proven: there is no full recording and no independent verification.",
        "Le consentement du {day} n’est pas prouvé : il n’y a ni enregistrement complet ni vérification indépendante.",
    ),
    "conditions_not_met": (
        "The consent given to {collector} on {day} does not meet the conditions for senders who were not named.",
        "Le consentement donné à {collector} le {day} ne remplit pas les conditions pour des expéditeurs non nommés.",
    ),
    "implied_consent_expired": (
        "{noun} of {day} gave implied consent for {period}; it ended on {until}.",
        "{noun} du {day} a donné un consentement tacite pendant {period}; il a pris fin le {until}.",
    ),
    "implied_ended_expired": (
        "{noun} that began on {day} has ended, and the {period} of implied consent after it ended on {until}.",
        "{noun} en cours depuis le {day} a pris fin, et les {period} de consentement tacite qui ont suivi se sont "
        "terminés le {until}.",
    ),
    "implied_consent_not_yet": (
        "{noun} of {day} implies consent from the next day on; its own day is not yet inside.",
        "{noun} du {day} donne un consentement tacite à compter du lendemain; le jour même n’en fait pas partie.",
    ),
    "implied_ended_not_yet": (
        "{noun} that began on {day} has ended; the {period} of implied consent after it begin on the next day.",
        "{noun} en cours depuis le {day} a pris fin; les {period} de consentement tacite qui suivent commencent le lendemain.",
    ),
    "purpose_not_covered": (
        "The person agreed to {other} and not to {topic}; a consent covers its own purpose alone.",
        "La personne a consenti à {other} et non à {topic}; un consentement ne vaut que pour son objet.",
    ),
    "brand_not_covered": (
        "What is on record concerns {other}, another name of the same organization, and not {brand}.",
        "Le dossier concerne {other}, un autre nom commercial de la même organisation, et non {brand}.",
    ),
    "sender_not_covered": (
        "What is on record concerns {other}, which is another organization than that of {brand}.",
        "Le dossier concerne {other}, qui relève d’une autre organisation que {brand}.",
    ),
    "no_consent": (
        "There is no consent on record for {topic}.",
        "Aucun consentement n’est au dossier pour {topic}.",
    ),
    "already_sent": (
        "The one mail that the sign-up of {day} asked for was sent; a reminder is an unsolicited request.",
        "Le seul courriel que demandait l’inscription du {day} a été envoyé; un rappel serait une demande non sollicitée.",
    ),
    "refused_since": (
        "The person has said no since the sign-up of {day}, so no mail asks them to confirm it.",
        "La personne a refusé depuis l’inscription du {day}; aucun courriel ne lui demande de la confirmer.",
    ),
    "fact_missing": (
        "A message of the kind {kind} needs {fact} on record, and there is none with {brand}.",
        "Un message du type {kind} exige {fact} au dossier, et il n’y en a pas avec {brand}.",
    ),
    "no_acknowledgement": (
        "A withdrawal is acknowledged on the page and never by mail: that would be one message more.",
        "Un retrait se confirme à l’écran et jamais par courriel, qui serait un message de plus.",
    ),
    "no_transfer": (
        "The person has refused messages, so the address must not be passed on.",
        "La personne a refusé des messages; son adresse ne doit donc pas être communiquée.",
    ),
    "no_transfer_consent": (
        "No consent on record covers passing the address on to somebody else.",
        "Aucun consentement au dossier ne permet de communiquer l’adresse à un tiers.",
    ),
    # remedies
    "ask_elsewhere": (
        "Ask for express consent by another route, such as a sign-up form; an e-mail that asks for it is itself "
        "commercial (s. 1(3)).",
        "Demandez un consentement exprès par une autre voie, comme un formulaire d’inscription; un courriel qui le demande "
        "est lui-même commercial (par. 1(3)).",
    ),
    "wait_for_confirmation": (
        "Wait: only the person can confirm, with the button behind the link we mailed. Do not remind them.",
        "Attendez : seule la personne peut confirmer, au moyen du bouton derrière le lien envoyé. Ne lui faites pas de rappel.",
    ),
    "respect": (
        "Do not write. Only a later express act of the person, such as a new confirmed sign-up, changes this.",
        "N’écrivez pas. Seul un geste exprès ultérieur de la personne, comme une nouvelle inscription confirmée, y change "
        "quelque chose.",
    ),
    "stay_away": (
        "Do not write, for any purpose. The person had everything erased; what is left is this mark.",
        "N’écrivez pas, à quelque fin que ce soit. La personne a fait effacer toutes ses données; seule cette mention demeure.",
    ),
    "mend_address": (
        "Do not write until the person confirms the address anew, for example by signing up again.",
        "N’écrivez pas avant que la personne confirme de nouveau son adresse, par exemple en se réinscrivant.",
    ),
    "lift_suppression": (
        "Do not write. If the suppression was a mistake, have it lifted on record.",
        "N’écrivez pas. Si l’exclusion est une erreur, faites-la lever au dossier.",
    ),
    "wait_a_day": (
        "Wait until tomorrow, or send the receipt alone, without any promotion.",
        "Attendez à demain, ou n’envoyez que le reçu, sans aucune promotion.",
    ),
    "record_fact": (
        "Record the fact first, or send nothing: a kind of message is exempt only with its fact.",
        "Inscrivez d’abord le fait au dossier, ou n’envoyez rien : un type de message n’est exempté qu’avec son fait.",
    ),
    "send_nothing": ("Send nothing.", "N’envoyez rien."),
    # deliveries
    "not_consent.welcome.sent": (
        "Sending a welcome e-mail is not consent.",
        "L’envoi d’un courriel de bienvenue n’est pas un consentement.",
    ),
    "not_consent.welcome.delivered": (
        "Receiving a welcome e-mail is not consent.",
        "La réception d’un courriel de bienvenue n’est pas un consentement.",
    ),
    "not_consent.welcome.opened": (
        "Opening a welcome e-mail is not consent.",
        "L’ouverture d’un courriel de bienvenue n’est pas un consentement.",
    ),
    "not_consent": (
        "A fact about delivery is not consent.",
        "Un fait de livraison n’est pas un consentement.",
    ),
}

#: What an exempt kind of message rests on, as :data:`SENTENCES` ``fact_missing`` puts it.
FACTS: Mapping[str, tuple[str, str]] = {
    "quote": ("a request for a quote", "une demande de prix"),
    "receipt": ("a purchase", "un achat"),
    "recall": ("a purchase", "un achat"),
    "account_notice": (
        "a running subscription, membership, account or loan",
        "un abonnement, une adhésion, un compte ou un prêt en cours",
    ),
    "confirmation": ("a sign-up that waits for its mail", "une inscription en attente de son courriel"),
    "reply": ("a question or inquiry", "une question ou une demande de renseignements"),
    "fundraising": ("a registered charity as the sender", "un organisme de bienfaisance enregistré comme expéditeur"),
}
_EVERYTHING = ("every message", "tout message")


def day(of: date, language: str = "en") -> str:
    """Return the day *of* as a sentence has it: ``2 April 2026``, ``2 avril 2026``, ``1er avril 2026``."""
    number = "1er" if language == "fr" and of.day == 1 else str(of.day)
    return f"{number} {_MONTHS[language][of.month - 1]} {of.year}"


def say(key: str, language: str = "en", **values: object) -> str:
    """Return the sentence *key* in *language* with *values* put in. Raises KeyError for a key that is none."""
    pick = LANGUAGES.index(language)
    said = {name: _said(name, value, language, pick) for name, value in values.items()}
    sentence = SENTENCES[key][pick]
    return (typography.french(sentence) if language == "fr" else sentence).format(**said)


def _said(name: str, value: object, language: str, pick: int) -> object:
    if isinstance(value, date):
        return day(value, language)
    if name == "noun":
        return NOUNS[str(value)][pick]
    if name == "period":
        return _PERIODS[language][int(str(value))]
    if name == "fact":
        return FACTS[str(value)][pick]
    return _EVERYTHING[pick] if value is None else value
