"""What preflight may find about what a message says and how it is made, and how to mend it, in both languages.

The words in braces are taken from the message or from what is set up.
"""

from collections.abc import Mapping

from consent.law.citations import CASL, CFR, CHARTER, COMPETITION, ECPR, POLICY, PROVIDERS, RFC, USC
from consent.law.rules_of_leaving import Rule

_FILTERS = PROVIDERS["SpamAssassin and rspamd rules"]

FORM: Mapping[str, Rule] = {
    # what it says
    "subject": Rule(
        "error",
        USC["7704(a)(2)"],
        "There is no subject. Say in it what the message is about.",
        "Il n’y a pas d’objet. Dites-y de quoi traite le message.",
    ),
    "subject.reply": Rule(
        "error",
        USC["7704(a)(2)"],
        "The subject pretends to answer or forward ({subject}), and the message answers none. Take the prefix out.",
        "L’objet feint une réponse ou un transfert ({subject}), mais le message ne répond à aucun autre. Retirez ce préfixe.",
    ),
    "subject.transaction": Rule(
        "warning",
        COMPETITION["74.011"],
        "The subject reads like a receipt or a warning about an account ({subject}), and the message is commercial. Say what it is.",
        "L’objet ressemble à un reçu ou à un avis sur un compte ({subject}), mais le message est commercial. Dites ce que c’est.",
    ),
    "subject.shouts": Rule(
        "warning",
        _FILTERS,
        "The subject shouts: {subject}. Write it like a sentence.",
        "L’objet crie : {subject}. Écrivez-le comme une phrase.",
    ),
    "promotion_in_receipt": Rule(
        "error",
        CASL["6(6)"],
        "A message of the kind {kind} may hold nothing but that; this one also promotes: “{words}”. Take it out, or send it as receipt_with_offer.",
        "Un message du type {kind} ne peut rien contenir d’autre; celui-ci fait aussi de la promotion : « {words} ». Retirez-la, ou envoyez-le comme receipt_with_offer.",
    ),
    "promotion_in_receipt.subject": Rule(
        "error",
        CFR["316.3(a)(2)"],
        "The subject of a message of the kind {kind} promotes: “{words}”. By its subject alone the message is commercial.",
        "L’objet d’un message du type {kind} fait de la promotion : « {words} ». Son objet suffit à le rendre commercial.",
    ),
    "promotion_in_receipt.after": Rule(
        "warning",
        CFR["316.3(a)(2)"],
        "After the part of the kind {kind} this promotes: “{words}”. American law lets that pass; for a reader in Canada it would be commercial.",
        "Après la partie du type {kind}, ceci fait de la promotion : « {words} ». Le droit américain l’admet; pour un lecteur au Canada, ce serait commercial.",
    ),
    "kind_never": Rule(
        "error",
        POLICY["Withdrawals are acknowledged on the page"],
        "A withdrawal is acknowledged on the page, never by mail. Send nothing.",
        "Un retrait se confirme à l’écran, jamais par courriel. N’envoyez rien.",
    ),
    "advertisement": Rule(
        "note",
        USC["7704(a)(5)(A)"],
        "To somebody in the United States who has not agreed, a commercial message must say that it is an advertisement.",
        "À une personne aux États-Unis qui n’a pas consenti, un message commercial doit dire qu’il est une publicité.",
    ),
    "footer_language": Rule(
        "warning",
        CHARTER["52"],
        "The reader’s language is French, and who writes and how to unsubscribe are said in English only. Say it in French too.",
        "La langue du lecteur est le français, mais l’expéditeur et le désabonnement ne sont indiqués qu’en anglais. Dites-le aussi en français.",
    ),
    "footer_language.english": Rule(
        "warning",
        ECPR["3(1)"],
        "The message is in English, and who writes and how to unsubscribe are said in French only. Say it in English too.",
        "Le message est en anglais, mais l’expéditeur et le désabonnement ne sont indiqués qu’en français. Dites-le aussi en anglais.",
    ),
    "repeats_earlier": Rule(
        "warning",
        _FILTERS,
        "The message says nearly the same ({percent} %) as an earlier one of this topic. Write what is new, or do not send it.",
        "Le message dit presque la même chose ({percent} %) qu’un message antérieur sur ce sujet. Écrivez du neuf, ou ne l’envoyez pas.",
    ),
    "unfilled": Rule(
        "warning",
        POLICY["Words that no sender meant to send"],
        "A field of the template was not filled in: {field}. Fill it, or check the message as a person will get it.",
        "Un champ du gabarit n’a pas été rempli : {field}. Remplissez-le, ou vérifiez le message tel qu’on le recevra.",
    ),
    # how it is made
    "text_part": Rule(
        "warning",
        RFC["2046 s. 5.1.4"],
        "There is no plain text beside the HTML. Add a text/plain part that says the same, before the HTML.",
        "Il n’y a pas de texte brut à côté du HTML. Ajoutez une partie text/plain qui dit la même chose, avant le HTML.",
    ),
    "text_part.empty": Rule(
        "error",
        RFC["2046 s. 5.1.4"],
        "The message has no text that can be read. Write some.",
        "Le message n’a aucun texte lisible. Écrivez-en un.",
    ),
    "text_matches_html": Rule(
        "warning",
        RFC["2046 s. 5.1.4"],
        "The plain text and the HTML share only {percent} % of their words. Let both say the same.",
        "Le texte brut et le HTML n’ont que {percent} % de leurs mots en commun. Faites qu’ils disent la même chose.",
    ),
    "image_only": Rule(
        "error",
        _FILTERS,
        "The message is an image with {count} words beside it. Write what it says as text: many readers see no images.",
        "Le message est une image accompagnée de {count} mots. Écrivez en toutes lettres ce qu’elle dit : beaucoup ne voient pas les images.",
    ),
    "link_text_lies": Rule(
        "error",
        COMPETITION["74.011"],
        "A link reads {shown} and leads to {host}. Let it lead where it says, or put words on it.",
        "Un lien affiche {shown} et mène à {host}. Faites-le mener où il le dit, ou mettez-y des mots.",
    ),
    "link_number": Rule(
        "warning",
        _FILTERS,
        "A link leads to a bare number, {host}. Use a name of the brand’s domain.",
        "Un lien mène à un simple numéro, {host}. Utilisez un nom du domaine de la marque.",
    ),
    "date_missing": Rule(
        "error",
        RFC["5322 s. 3.6"],
        "There is no single Date field that can be read. Write one.",
        "Il n’y a pas un seul champ Date lisible. Écrivez-en un.",
    ),
    "message_id_missing": Rule(
        "warning",
        RFC["5322 s. 3.6.4"],
        "There is no Message-ID of the form <unique@full.domain>. Write one, in the domain {domain}.",
        "Il n’y a pas de Message-ID de la forme <unique@domaine.complet>. Écrivez-en un, dans le domaine {domain}.",
    ),
    "header_twice": Rule(
        "error",
        RFC["5322 s. 3.6"],
        "The field {name} stands {count} times and may stand once. Keep one.",
        "Le champ {name} figure {count} fois et ne peut figurer qu’une fois. N’en gardez qu’un.",
    ),
    # what could not be read
    "malformed": Rule(
        "error",
        RFC["5322 s. 2.2"],
        "The message has no header. Save it whole, as a file that begins with its header fields.",
        "Le message n’a pas d’en-tête. Enregistrez-le en entier, dans un fichier qui commence par ses champs d’en-tête.",
    ),
    "malformed.field": Rule(
        "warning",
        RFC["5322 s. 2.2"],
        "The header holds a line that is no field. Each is a name, a colon and a value.",
        "L’en-tête contient une ligne qui n’est pas un champ. Chacun est un nom, un deux-points et une valeur.",
    ),
    "malformed.fields": Rule(
        "warning",
        _FILTERS,
        "The header holds more fields than are read. Take out what no mail needs.",
        "L’en-tête contient plus de champs qu’on n’en lit. Retirez ceux dont aucun courriel n’a besoin.",
    ),
    "malformed.eight_bit": Rule(
        "warning",
        RFC["5322 s. 2.2"],
        "There are characters beyond ASCII that were not encoded. Encode them, or some servers garble them.",
        "Des caractères hors ASCII n’ont pas été encodés. Encodez-les, sinon certains serveurs les altèrent.",
    ),
    "malformed.charset": Rule(
        "warning",
        RFC["2046 s. 4.1.2"],
        "A part is not in the character set that it names. Write UTF-8 and say so.",
        "Une partie n’est pas dans le jeu de caractères qu’elle nomme. Écrivez en UTF-8 et dites-le.",
    ),
    "malformed.encoding": Rule(
        "error",
        RFC["2046 s. 5.1.1"],
        "A part in base64 is damaged. Make the message anew.",
        "Une partie en base64 est endommagée. Refaites le message.",
    ),
    "malformed.unclosed": Rule(
        "error",
        RFC["2046 s. 5.1.1"],
        "The last part is not closed by its boundary; the message may be cut off. Make it anew.",
        "La dernière partie n’est pas fermée par son délimiteur; le message est peut-être tronqué. Refaites-le.",
    ),
    "malformed.no_parts": Rule(
        "error",
        RFC["2046 s. 5.1.1"],
        "The message is to have parts, and none was found at its boundary. Make it anew.",
        "Le message devrait avoir des parties, et aucune n’a été trouvée à son délimiteur. Refaites-le.",
    ),
    "malformed.nested": Rule(
        "error",
        _FILTERS,
        "The message has more parts, or parts inside parts, than are read. Make it simpler.",
        "Le message a plus de parties, ou de parties emboîtées, qu’on n’en lit. Simplifiez-le.",
    ),
    "malformed.cut": Rule(
        "warning",
        _FILTERS,
        "The message is larger than 2 MB, and only its beginning was checked. Link to large files.",
        "Le message dépasse 2 Mo, et seul son début a été vérifié. Mettez des liens vers les gros fichiers.",
    ),
}
