"""The words people type, in French and English: tables only. `dialogs.understand` says how they are read.

Written as people write; looked up without case, accents, punctuation or doubled letters. Phrases are separated by
commas. The labels of the catalogues need not be repeated here: they are understood as well.
"""

from collections.abc import Iterable


def phrases(text: str) -> tuple[str, ...]:
    """Return the comma-separated phrases of a table's cell."""
    return tuple(phrase.strip() for phrase in text.split(",") if phrase.strip())


def _each(forms: Iterable[str], text: str) -> tuple[str, ...]:
    return tuple(form.format(phrase) for form in forms for phrase in phrases(text))


# --- Answers any question may have ---------------------------------------------------------------

BARE = frozenset(
    phrases("oui, ouais, ouaip, yes, yep, yup, yeah, y, non, nan, nn, no, nope, nop, nah, n, jsp, idk, dunno, ?")
)
"""Answers that stand for one question each in a row, as in "oui non oui"; the others may only stress the one before."""

YES = phrases("""
    oui, ouais, ouaip, wi, affirmatif, absolument, exactement, tout à fait, carrément, évidemment, bien évidemment,
    certainement, clairement, effectivement, en effet, bien sûr, bien entendu, vrai, c'est vrai, c'est le cas, c'est ça,
    exact, c'est exact, sûrement, probablement, sans doute, sans aucun doute, beaucoup, énormément, totalement,
    complètement, toujours, et comment, je pense bien, je crois bien, on en a, nous en avons, il y en a,
    yes, yep, yup, yeah, yea, y, +1, affirmative, absolutely, exactly, definitely, certainly, clearly, indeed, of course,
    sure, for sure, surely, true, that's true, that's right, that's the case, correct, i think so, i believe so,
    i guess so, i suppose so, probably, very likely, no doubt, without a doubt, without doubt, always, a lot, totally,
    completely, we do, it is, it does, there is""")

NO = (
    *phrases("""
    non, nan, nn, n, -1, négatif, jamais, aucunement, nullement, en aucun cas, que nenni, faux, inexact, in exact, rien,
    hors de question, bien sûr que non, non pas que je sache,
    no, nope, nop, nah, negative, never, no way, by no means, in no way, hardly, unlikely, false, untrue, un true,
    incorrect, in correct, nothing, none, i think not"""),
    *_each(
        ("pas {}",),
        """du tout, vraiment, trop, tellement, tant que ça, plus que ça, spécialement, particulièrement, beaucoup,
        encore, pour le moment, pour l'instant, actuellement, à ma connaissance, que je sache, le cas, question,
        le moins du monde""",
    ),
    *_each(
        ("{} pas",),
        """plutôt, vraiment, surtout, absolument, certainement, sûrement, évidemment, clairement, probablement,
        sans doute, toujours, toujours""",
    ),
    *_each(("{}", "ne {}", "n'{}"), "crois pas, pense pas, pensons pas, croyons pas, est pas le cas"),
    *_each(("{}", "n'{}"), "en a pas, en avons pas, y en a pas"),
    *_each(
        ("not {}",),
        """really, at all, much, a lot, particularly, especially, yet, currently, for now, for the moment, right now,
        that i know, that i know of, that i'm aware of, to my knowledge, as far as i know, true, in the least""",
    ),
    *_each(("{} not",), "probably, definitely, absolutely, certainly, of course, surely, clearly, rather, likely"),
    *_each(("don't {}", "dont {}", "do not {}"), "think so, believe so"),
    *phrases("""
    we don't, we do not, we dont, it isn't, it isnt, it is not, it's not, it doesn't, it doesnt, it does not,
    we haven't, we have not, there isn't, there is not, they don't, they do not"""),
)

OPEN = (
    *_each(
        ("{}", "ne {}"),
        """sais pas, sait pas, savons pas, savent pas, sais plus, sait plus, sais pas trop, sait pas trop, sais pas encore,
        sait pas encore, sais vraiment pas, sais pas du tout, saurais dire, peux pas dire, suis pas sûr, suis pas sûre,
        suis pas certain, suis pas certaine, sommes pas sûrs""",
    ),
    *_each(("{}", "n'{}"), "ai aucune idée, avons aucune idée, en ai aucune idée, en sais rien, en sait rien"),
    *_each(
        ("pas {}",),
        """sûr, sûre, sûrs, certain, certaine, si sûr, très sûr, très sûre, trop sûr, trop sûre, vraiment sûr,
        vraiment sûre, tout à fait sûr, d'idée, idée, la moindre idée, d'avis, décidé, décidés, encore décidé,
        encore décidés, encore sûr, tranché, encore tranché""",
    ),
    *_each(
        ("not {}",),
        """sure, certain, so sure, really sure, quite sure, too sure, entirely sure, sure yet, a clue, decided,
        yet decided, decided yet""",
    ),
    *_each(
        ("don't {}", "dont {}", "do not {}", "didn't {}"),
        "know, really know, know yet, know at all, know for sure, have a clue",
    ),
    *_each(("n'{} pas décidé", "n'{} pas encore décidé", "{} pas décidé", "{} pas encore décidé"), "avons, ai, a"),
    *_each(("{} decided", "{} decided yet"), "haven't, havent, have not, hasn't, has not"),
    *phrases("""
    ?, jsp, jspa, nsp, nspp, chais pas, chai pas, chépa, aucune idée, inconnu, inconnue, sans avis, sans opinion,
    ne se prononce pas, indécis, indécise, hésite, hésitons, hésitant, hésitation, j'hésite, on hésite, on ne sait pas,
    on sait pas, difficile à dire, qui sait, va savoir, je sèche, à décider, rien de décidé,
    idk, dunno, dno, no idea, no clue, no opinion, unsure, un sure, uncertain, unknown, undecided, hesitate,
    hesitating, hesitant, torn, in two minds, who knows, hard to say, hard to tell, difficult to say, can't say,
    can't tell, cannot say, couldn't say, couldn't tell, to be decided, tbd, not a clue"""),
)
"""Read as ``unknown``, or as ``undecided`` where a question has that instead."""

UNSURE: dict[str, str] = {
    "ça dépend, cela dépend, dépend, peut-être, possible, c'est possible, possiblement, éventuellement, à voir, on verra, "
    "it depends, depends, that depends, maybe, perhaps, possibly, we'll see": "open yes no",
    "mouais, mouai, moui, bof, moyen, moyennement, plus ou moins, en partie, partiellement, un peu, parfois, presque, "
    "couci-couça, pas toujours, pas tout à fait, pas exactement, pas complètement, pas totalement, pas entièrement, "
    "meh, kind of, kinda, sort of, somewhat, a bit, a little, more or less, partly, partially, sometimes, almost, "
    "so so, not always, not quite, not exactly, not completely, not entirely, not totally, oui et non, ni oui ni non, "
    "oui ou non, yes and no, yes or no, neither, ni l'un ni l'autre, aucun des deux": "yes no open",
    "pas mal, not bad, pourquoi pas, why not, pas faux, not false, not wrong, pas impossible, not impossible, pas non, "
    "not no, dis pas non, ne dis pas non, dit pas non, ne dit pas non, dirais pas non, ne dirais pas non, "
    "wouldn't say no, not saying no, si, si si": "yes open no",
    "peut-être pas, maybe not, perhaps not, possibly not, pas forcément, pas nécessairement, not necessarily, "
    "j'en doute, i doubt it, doubtful, rarement, rarely": "no open",
    "peu importe, indifférent, sans préférence, pas de préférence, no preference, whatever, don't care": "open both",
    "prestataire, un prestataire, provider, a provider, contractor, sous-traitant": "agency outsource",
    "freelance, un freelance, a freelancer, freelancer": "agency outsource lasting",
    "quelqu'un, someone, somebody, une personne, la personne, notre personne, cette personne, 1 personne, a person, "
    "une personne en interne": "lasting interns",
    "alternant, alternante, alternants, un alternant, apprenti, apprentie, apprentice": "interns lasting",
    "une présence, presence, présence": "seo key",
    "deux, two": "both agency",
}
"""Phrases that are never taken for an answer -> what they may mean, to be offered."""

UNSURE_ALONE: dict[str, str] = {
    "ok, okay, d'accord, je crois, je pense, je suppose, i think, i guess, i suppose, bien": "yes open no"
}
"""The same, only when nothing else is said: beside an answer these are polite filling."""

# --- Answers of one question ---------------------------------------------------------------------

_IN_HOUSE = """
    en interne, interne, à l'interne, internaliser, internalisé, internalisation, équipe interne, une équipe interne,
    notre équipe, notre propre équipe, nous-mêmes, par nous-mêmes, en propre,
    in-house, inhouse, in house team, internal, internally, internal team, our team, our own team, own team, ourselves,
    by ourselves"""
_OUTSIDE = """
    externe, en externe, externaliser, externalisé, externalisation, sous-traiter, sous-traitance, à l'extérieur,
    external, externally, outsource, outsourced, outsourcing"""

OPTIONS: dict[str, dict[str, str]] = {
    "orientation": {
        "seo": """
            seo, référencement, référencement naturel, complément, complément du seo, un complément du seo,
            complément au seo, appui, appui au seo, un appui au seo, additif, pour le seo, pour le référencement,
            present au seo, présence à entretenir, une présence à entretenir,
            add-on, addon, an add-on, add-on to seo, an add-on to seo, extra, an extra, support seo, for seo, seo support,
            search engine optimization, search ranking, a presence to keep up""",
        "key": """
            clé, la clé, clé de voûte, la clé de voûte, central, centrale, au centre, au coeur, pilier, stratégique,
            essentiel, essentielle,
            key, the key, keystone, the keystone, cornerstone, at the heart, strategic, essential""",
    },
    "mode": {
        "in_house": _IN_HOUSE,
        "agency": "agence, agence spécialisée, agence externe, en agence, à une agence, agency, specialised agency, "
        "specialized agency, external agency," + _OUTSIDE,
        "both": """
            les deux, tous les deux, les deux à la fois, les deux ensemble, à la fois, hybride, mixte, un mix, mix,
            un mélange, mélange, moitié-moitié,
            both, both of them, the two, hybrid, mixed, a mix, mixture, half and half, combination, a combination""",
        "undecided": "",
    },
    "person": {
        "lasting": """
            durable, quelqu'un de durable, dans la durée, quelqu'un qui reste, une personne qui reste, reste, pérenne,
            en poste, cdi, salarié, salariée, un salarié, une salariée,
            lasting, long term, permanent, someone who stays, someone who will stay, someone lasting, employee,
            an employee, permanent employee""",
        "interns": """
            stagiaire, stagiaires, un stagiaire, des stagiaires, seulement des stagiaires, que des stagiaires,
            intern, interns, trainee, trainees, only interns, just interns""",
        "nobody": """
            personne, personne pour l'instant, personne pour le moment, personne en interne, personne encore, aucun,
            aucune, il n'y a personne, y a personne, on n'a personne, on a personne, nous n'avons personne,
            nobody, no one, noone, none, nobody yet, no one yet, nobody in-house, we have nobody, we have no one""",
    },
    "light_mode": {
        "in_house": "la garder, garder, garder en interne, keep, keep it, keep in-house," + _IN_HOUSE,
        "outsource": """
            confier, la confier, déléguer, la déléguer, confier à l'extérieur, hand over, hand it over, hand off,
            delegate, delegate it, give it away,""" + _OUTSIDE,
        "undecided": "",
    },
}
TOGETHER = {frozenset({"in_house", "agency"}): "both"}
"""Two options joined by "and" that are a third."""

# --- The names of the questions ------------------------------------------------------------------

QUESTIONS = {
    "orientation": "orientation, rôle, role, place, social media role, rôle du community management",
    "brand": "marque, image, image de marque, notoriété, brand, brand image, the brand, la marque, critère 1, criterion 1",
    "transformation": "transformation, transfo, transformation digitale, transformation numérique, digital, numérique, "
    "digital transformation, digitalisation, digitalization, critère 2, criterion 2",
    "presence": "présence, présence web, présence en ligne, web, internet, presence, web presence, online presence, "
    "critère 3, criterion 3",
    "mode": "mode, gestion, mode de gestion, gestionnaire, management, management mode, who runs it, qui gère",
    "agency_link": "lien, lien agence, lien avec l'agence, lien avec une agence, link, agency link, link with the agency, "
    "close link",
    "person": "personne, person, personne en interne, person in-house, someone in-house",
    "routine": "routine, tâches, tâches répétitives, répétitif, tasks, repetitive tasks, routine tasks, chores",
    "seo_expert": "expert seo, expert en seo, expert, seo expert, spécialiste, spécialiste seo, specialist, seo specialist",
    "light_mode": "mode léger, gestion légère, préférence, light mode, light management, preference, light task, "
    "tâche légère",
}

# --- Commands ------------------------------------------------------------------------------------

COMMANDS = {
    "start": "start, begin, commencer, démarrer, débuter, on commence, c'est parti, go, let's go, nouveau bilan, new check",
    "back": "back, go back, step back, previous, previous question, undo, retour, retour arrière, revenir, "
    "revenir en arrière, reviens, en arrière, précédent, précédente, question précédente",
    "restart": "restart, start over, start again, start afresh, from the beginning, recommencer, recommence, "
    "tout recommencer, repartir de zéro, depuis le début, réinitialiser, reset",
    "why": "why, why this question, why do you ask, why are you asking, pourquoi, pourquoi cette question, "
    "pourquoi tu demandes, pourquoi demandez-vous, pourquoi vous demandez, pourquoi ça, explain, expliquer, explique",
    "help": "help, help me, aide, aidez-moi, aide-moi, à l'aide, au secours, comment ça marche, how does it work, "
    "how does this work, what can you do, que sais-tu faire, ?",
    "review": "review, review my answers, check my answers, my answers, summary, résumé, récapitulatif, récap, "
    "mes réponses, vérifier, vérifier mes réponses, relire",
    "post": "post, post it, publish, publish it, share, share it, publier, publie, poster, partager, envoyer au canal",
    "keep_private": "keep private, keep it private, private, keep it to myself, keep to myself, garder pour moi, "
    "garder privé, le garder pour moi, je garde pour moi, privé, ne pas publier, ne publie pas, don't post, "
    "do not post, don't post it, don't share",
    "cancel": "cancel, stop, quit, exit, abort, annuler, annule, arrêter, arrête, quitter, abandonner, on arrête, stopper",
    "resume": "resume, continue, carry on, go on, reprendre, continuer, on continue, reprends, poursuivre",
    "my_checks": "my checks, my reports, list my checks, mes bilans, mes diagnostics, mes recommandations",
    "forget_me": "forget me, delete my data, delete me, erase my data, oublie-moi, oubliez-moi, supprimer mes données, "
    "supprime mes données, effacer mes données",
    "form": "form, the form, open form, open the form, formulaire, le formulaire, ouvrir le formulaire, questionnaire",
    "hello": "hello, hi, hi there, hey, good morning, bonjour, bonsoir, salut, coucou, hello there",
    "language:fr": "français, en français, french, in french, parle français, lang fr, langue fr, language fr, fr",
    "language:en": "anglais, en anglais, english, in english, speak english, lang en, langue en, language en",
}
LANGUAGE = "langue, language, changer de langue, change language, lang"
WEIGHTY = frozenset({"post", "cancel", "restart", "forget_me"})
"""Commands never taken from a misspelt word: they are offered instead."""

CHANGE = phrases("""
    changer, change, changes, modifier, modifie, modify, edit, editer, corriger, corrige, revenir à, revenir sur,
    retour à, go back to, back to""")
CHANGE_FILLING = phrases("""
    la, le, les, l, ma, mon, mes, my, the, réponse, réponses, answer, answers, question, sur, on, to, à, au, about,
    for, of, de, du, d, numéro, number""")

# --- Around the answer ---------------------------------------------------------------------------

NEGATIONS = phrases("""
    pas, ne, n, ni, sans, jamais, aucun, aucune, sauf, hors, ni l'un, tout sauf, surtout pas,
    not, no, nt, t, dont, don, isn, isnt, doesn, doesnt, didn, haven, hasn, won, wont, cant, cannot, never, without,
    except, neither, nor, anything but""")
INSTEAD = phrases("plutôt que, plutôt qu', au lieu de, au lieu d', à la place de, rather than, instead of")
AND = phrases("et, et avec, and, and with, plus, avec, with, along with, ainsi que")
OR = phrases("ou, ou bien, or, soit, either")
BUT = phrases("mais, but, cependant, pourtant, however, though, quoique")

FILLING = phrases("""
    merci, merci beaucoup, svp, stp, s'il vous plaît, s'il te plaît, please, pls, thanks, thank you, ok, okay, d'accord,
    euh, heu, hum, hmm, ben, bah, bon, alors, donc, eh, eh bien, ah, oh, well, uh, um, en fait, actually, voilà,
    je pense, je crois, je dirais, je suppose, j'imagine, il me semble, à mon avis, selon moi, pour moi, pour nous,
    chez nous, a priori, en principe, sauf erreur, sauf erreur de ma part, si je ne me trompe pas, à vrai dire,
    pour être honnête, honnêtement, franchement, i think, i'd say, i would say, i guess, i suppose, i believe, i'm,
    in my opinion, imo, for us, for me, if i'm not mistaken, unless i'm mistaken, to be honest, honestly, frankly,
    plutôt, plutôt du côté de, vraiment, très, assez, rather, really, quite, very, more of,
    je, j, il, elle, nous, vous, on est, on a, on veut, on voudrait, on dirait, nous avons, nous sommes, c'est, est,
    c, ce, cela, ça, que, qu, le, la, les, l, un, une, des, du, de, d, au, aux, en, à, chez, pour, par une, notre, nos,
    avons, ai, serait, voudrions, aimerions, préférons, préférerions,
    i, we, i am, we are, we have, we've, it's, it, an, a, the, our, of, as, by, we'd, like, prefer, we would, would,
    numéro, option, choix, réponse, choice, answer, number, one, to""")

NUMBERS = {
    "premier, première, le premier, la première, 1er, 1ère, first, the first, 1st": 1,
    "deuxième, second, seconde, 2e, 2ème, 2nd, 2nde": 2,
    "troisième, third, 3e, 3ème, 3rd": 3,
    "quatrième, fourth, 4e, 4ème, 4th": 4,
    "dernier, dernière, last": -1,
}
SIGNS = {"résumé": "récapitulatif", "👍": " oui ", "👎": " non ", "œ": "oe", "æ": "ae", "n°": "numéro ", "nº": "numéro "}
"""Replaced before accents go. "Résumé" is a summary, "resume" is to go on."""
