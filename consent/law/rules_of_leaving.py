"""What preflight may find about who writes and how to leave: level, provision, and how to mend it, in both languages.

The words in braces are taken from the message or from what is set up.
"""

from collections.abc import Mapping
from typing import NamedTuple

from consent.law.citations import CASL, CFR, COMPETITION, COURT, ECPR, PROVIDERS, RFC, USC, Provision


class Rule(NamedTuple):
    """One thing that may be wrong."""

    level: str
    citation: Provision
    english: str
    french: str


_GOOGLE = PROVIDERS["Google Email sender guidelines"]

CONTENT: Mapping[str, Rule] = {
    # who writes
    "identity": Rule(
        "error",
        ECPR["2(1)(a)"],
        "The words do not name {name}. Say in the footer who writes.",
        "Le texte ne nomme pas {name}. Dites au bas du message qui écrit.",
    ),
    "identity.organization": Rule(
        "note",
        ECPR["2(1)(b)"],
        "The words do not say that {brand} is a name of {name}. Needed if the message is sent on behalf of {name}.",
        "Le texte ne dit pas que {brand} est un nom de {name}. C’est requis si le message est envoyé au nom de {name}.",
    ),
    "identity.on_behalf": Rule(
        "error",
        ECPR["2(1)(c)"],
        "The words do not name {name}, who must be named in this message. Name them, and say which part they have.",
        "Le texte ne nomme pas {name}, qui doit l’être dans ce message. Nommez cette personne et dites son rôle.",
    ),
    "postal_address": Rule(
        "error",
        ECPR["2(1)(d)"],
        "The mailing address is missing. Write it out in the footer: {address}",
        "L’adresse postale est absente. Écrivez-la au bas du message : {address}",
    ),
    "postal_address.image": Rule(
        "error",
        ECPR["2(1)(d)"],
        "The mailing address is not in the words; in an image most readers never see it. Write it as text: {address}",
        "L’adresse postale n’est pas dans le texte; dans une image, la plupart ne la voient jamais. Écrivez-la en toutes lettres : {address}",
    ),
    "postal_address.text": Rule(
        "warning",
        CFR["316.2(p)"],
        "The plain text has no mailing address, which the HTML has. Put it into both.",
        "Le texte brut n’a pas l’adresse postale que donne le HTML. Mettez-la dans les deux.",
    ),
    "contact": Rule(
        "error",
        ECPR["2(1)(d)"],
        "No phone number, e-mail or web address of the brand is given. Add one of: {contacts}",
        "Aucun numéro de téléphone ni adresse électronique ou Web de la marque n’est donné. Ajoutez-en un parmi : {contacts}",
    ),
    "contact.none": Rule(
        "error",
        CASL["6(2)(b)"],
        "The brand has no phone number, e-mail or web address on record. Set one up, and give it in the message.",
        "La marque n’a ni téléphone, ni adresse électronique ou Web au dossier. Inscrivez-en une et donnez-la dans le message.",
    ),
    "from_truth": Rule(
        "error",
        USC["7704(a)(1)"],
        "From is {address}, which is not in the brand’s domain {domain}. Write from an address there.",
        "L’expéditeur est {address}, hors du domaine {domain} de la marque. Écrivez d’une adresse de ce domaine.",
    ),
    "from_truth.missing": Rule(
        "error",
        RFC["5322 s. 3.6"],
        "There is no single From field with one address. Write one, in the domain {domain}.",
        "Il n’y a pas un seul champ From portant une adresse. Écrivez-en un, dans le domaine {domain}.",
    ),
    "from_truth.name": Rule(
        "error",
        COMPETITION["74.011"],
        "The sender’s name shows another address, {address}. Put the brand’s name there.",
        "Le nom de l’expéditeur affiche une autre adresse, {address}. Mettez-y le nom de la marque.",
    ),
    "reply_to": Rule(
        "warning",
        USC["7704(a)(1)"],
        "Replies go to {address}, which is neither in the domain {domain} nor a contact of the brand. Use one that is.",
        "Les réponses vont à {address}, qui n’est ni dans le domaine {domain} ni une coordonnée de la marque. Changez-la.",
    ),
    "reply_to.unread": Rule(
        "warning",
        RFC["5322 s. 3.6.2"],
        "Reply-To holds no address. Write one, or leave the field out.",
        "Le champ Reply-To ne contient pas d’adresse. Écrivez-en une, ou retirez ce champ.",
    ),
    # how to leave
    "unsubscribe_link": Rule(
        "error",
        CASL["6(2)(c)"],
        "The message shows no unsubscribe link. Put the one that /sends or /decisions/export gives for each person into the body.",
        "Le message ne montre aucun lien de désabonnement. Mettez dans le corps celui que /sends ou /decisions/export donne pour chaque personne.",
    ),
    "unsubscribe_link.exempt": Rule(
        "note",
        CASL["6(2)(c)"],
        "There is no unsubscribe link. A message of this kind needs no consent; if one of its purposes is commercial, it needs the link.",
        "Il n’y a pas de lien de désabonnement. Ce type de message ne requiert pas de consentement; s’il a un but commercial, il lui faut ce lien.",
    ),
    "unsubscribe_link.elsewhere": Rule(
        "warning",
        CASL["11(3)"],
        "The unsubscribe link leads to {host}, so the ledger does not learn of a withdrawal. Use the person’s own link, {prefix}…",
        "Le lien de désabonnement mène à {host}; le registre n’apprend donc rien du retrait. Utilisez le lien de la personne, {prefix}…",
    ),
    "unsubscribe_link.text": Rule(
        "warning",
        ECPR["3(2)"],
        "The plain text shows no unsubscribe link, which the HTML has. Write its address out.",
        "Le texte brut ne montre pas le lien de désabonnement que donne le HTML. Écrivez-en l’adresse.",
    ),
    "hidden_unsubscribe": Rule(
        "error",
        ECPR["3(1)"],
        "The unsubscribe link has no words that can be seen: hidden, or in the colour of their background. Show it clearly and prominently.",
        "Le lien de désabonnement n’a pas de mots visibles : ils sont cachés, ou de la couleur du fond. Montrez-le clairement et bien en vue.",
    ),
    "hidden_unsubscribe.small": Rule(
        "warning",
        ECPR["3(1)"],
        "The unsubscribe link is set smaller than 9 pixels. Set it as large as the text round it.",
        "Le lien de désabonnement est écrit à moins de 9 pixels. Donnez-lui la taille du texte qui l’entoure.",
    ),
    "hidden_unsubscribe.clipped": Rule(
        "warning",
        PROVIDERS["Google message clipping"],
        "The HTML has {size} kB; Gmail cuts it at 102 kB, before the unsubscribe link. Make it shorter.",
        "Le HTML fait {size} ko; Gmail le coupe à 102 ko, avant le lien de désabonnement. Raccourcissez-le.",
    ),
    "dead_link": Rule(
        "error",
        COURT["2020 FCA 103"],
        "The unsubscribe link {url} does not work ({why}). Mend or remove it: a dead link is a breach even beside a live one.",
        "Le lien de désabonnement {url} ne fonctionne pas ({why}). Réparez-le ou retirez-le : un lien mort est une violation même à côté d’un lien qui fonctionne.",
    ),
    "dead_link.unknown": Rule(
        "warning",
        CASL["11(1)(b)"],
        "Whether the unsubscribe link {url} works could not be seen ({why}). Open it yourself.",
        "On n’a pas pu voir si le lien de désabonnement {url} fonctionne ({why}). Ouvrez-le vous-même.",
    ),
    "preference_link": Rule(
        "note",
        USC["7704(a)(3)(B)"],
        "There is no link to the person’s preferences ({prefix}…), where they could leave a topic instead of everything.",
        "Il n’y a pas de lien vers les préférences de la personne ({prefix}…), où elle pourrait quitter un sujet plutôt que tout.",
    ),
    "list_unsubscribe": Rule(
        "error",
        RFC["8058 s. 3.1"],
        "There is no List-Unsubscribe field. Add the one that the service gives for each person.",
        "Il n’y a pas de champ List-Unsubscribe. Ajoutez celui que le service donne pour chaque personne.",
    ),
    "list_unsubscribe.twice": Rule(
        "error",
        RFC["2369 s. 3"],
        "The field {name} stands {count} times. Keep one.",
        "Le champ {name} figure {count} fois. N’en gardez qu’un.",
    ),
    "list_unsubscribe.https": Rule(
        "error",
        RFC["8058 s. 3.1"],
        "List-Unsubscribe must hold exactly one https link, beside which mailto may stand; here are: {value}",
        "List-Unsubscribe doit contenir exactement un lien https, à côté duquel mailto est permis; on y trouve : {value}",
    ),
    "list_unsubscribe.form": Rule(
        "error",
        RFC["2369 s. 2"],
        "List-Unsubscribe is not links in angle brackets with commas between and no space inside: {value}",
        "List-Unsubscribe n’est pas une suite de liens entre chevrons, séparés par des virgules et sans espace : {value}",
    ),
    "list_unsubscribe.encoded": Rule(
        "error",
        RFC["2047 s. 5"],
        "{name} was written as an encoded word, in which no mailbox finds it. Let the mailer leave long lines alone.",
        "{name} est écrit comme un mot encodé, où aucune messagerie ne le trouve. Faites que le logiciel d’envoi laisse les longues lignes intactes.",
    ),
    "list_unsubscribe.elsewhere": Rule(
        "warning",
        CASL["11(3)"],
        "List-Unsubscribe leads to {host}, so the ledger does not learn of a withdrawal. Use the person’s own link, {prefix}…",
        "List-Unsubscribe mène à {host}; le registre n’apprend donc rien du retrait. Utilisez le lien de la personne, {prefix}…",
    ),
    "list_unsubscribe_post": Rule(
        "error",
        RFC["8058 s. 3.1"],
        "There is no List-Unsubscribe-Post field. Add: List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Il n’y a pas de champ List-Unsubscribe-Post. Ajoutez : List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ),
    "list_unsubscribe_post.value": Rule(
        "error",
        RFC["8058 s. 3.1"],
        "List-Unsubscribe-Post must be exactly List-Unsubscribe=One-Click; here it is: {value}",
        "List-Unsubscribe-Post doit être exactement List-Unsubscribe=One-Click; on y lit : {value}",
    ),
    "dkim_coverage": Rule(
        "error",
        RFC["8058 s. 4"],
        "No DKIM signature covers {missing}. Have the signer add it to h=, or one-click is not offered.",
        "Aucune signature DKIM ne couvre {missing}. Faites-l’ajouter à h=, sinon le désabonnement en un clic n’est pas proposé.",
    ),
    "dkim_coverage.unsigned": Rule(
        "warning",
        _GOOGLE,
        "The message is not signed (yet). Have the mail server sign it, List-Unsubscribe and List-Unsubscribe-Post included.",
        "Le message n’est pas (encore) signé. Faites-le signer par le serveur, List-Unsubscribe et List-Unsubscribe-Post compris.",
    ),
    "dkim_coverage.domain": Rule(
        "warning",
        _GOOGLE,
        "It is signed by {signer} alone, which is not the domain of From, {domain}. Sign with that domain too.",
        "Il n’est signé que par {signer}, qui n’est pas le domaine de From, {domain}. Signez aussi avec ce domaine.",
    ),
    "list_id": Rule(
        "error",
        _GOOGLE,
        "There is no List-Id field. Add the list’s own: {expected}",
        "Il n’y a pas de champ List-Id. Ajoutez celui de la liste : {expected}",
    ),
    "list_id.form": Rule(
        "warning",
        RFC["2919 s. 3"],
        "List-Id is {value}, and the one of this topic is {expected}. Use that, so that mailboxes keep lists apart.",
        "List-Id est {value}, et celui de ce sujet est {expected}. Utilisez ce dernier, pour que les messageries distinguent les listes.",
    ),
}
