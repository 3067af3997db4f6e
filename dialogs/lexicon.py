"""The words people type, in French and English: tables, and how they are looked up for `dialogs.understand`.

Written as people write; looked up without case, accents, punctuation or doubled letters. Phrases are separated by
commas. The labels of the catalogues need not be repeated: they are understood as well. Nor need articles, or polite
filling: phrases are put together as people put them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from dialogs.model import Question
from dialogs.words import languages, words

Tokens = tuple[str, ...]


def phrases(text: str) -> tuple[str, ...]:
    """Return the comma-separated phrases of a table's cell."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def _each(text: str) -> tuple[str, ...]:
    """Return ``form, form: phrase, phrase``, every phrase put into every form."""
    forms, _, listed = text.partition(":")
    return tuple(form.format(phrase) for form in phrases(forms) for phrase in phrases(listed))


# --- Answers any question may have ---------------------------------------------------------------

BARE = phrases("oui, ouais, ouaip, yes, yep, yup, yeah, y, non, nan, no, nope, nah, n, jsp, idk, dunno, ?")
"""Answers that stand for one question each in a row, as in "oui non oui"; the others may only stress the one before."""

YES = phrases("""
    oui, ouais, ouaip, affirmatif, absolument, exactement, tout à fait, carrément, évidemment, bien évidemment,
    certainement, clairement, effectivement, en effet, bien sûr, bien entendu, vrai, c'est vrai, c'est le cas,
    c'est ça, c'est exact, sûrement, probablement, sans doute, sans aucun doute, beaucoup, énormément, totalement,
    complètement, toujours, et comment, je pense bien, je crois bien, on en a, nous en avons, il y en a, yes, yep, yup,
    yeah, yea, y, +1, affirmative, absolutely, exactly, definitely, certainly, clearly, indeed, of course, sure,
    for sure, surely, that's true, that's right, that's the case, that's correct, i think so, i believe so,
    i guess so, i suppose so, we think so, i think yes, i'd say so, probably, very likely, no doubt,
    without a doubt, without doubt, always, a lot, totally, completely, yes pls""")
NO = (
    *phrases("""
    non, nan, nn, n, négatif, jamais, aucunement, nullement, en aucun cas, que nenni, faux, inexact, in exact,
    rien, hors de question, bien sûr que non, non pas que je sache, no, nope, nop, nah, negative, never, no way,
    by no means, in no way, hardly, unlikely, false, untrue, un true, incorrect, in correct, nothing, none,
    i think not, we don't, we do not, we dont, it isn't, it isnt, it is not, it's not, it's not true,
    it is not true, it doesn't, it doesnt, it does not, we haven't, we have not, there isn't, there is not"""),
    *_each("""pas {}: du tout, vraiment, trop, tellement, tant que ça, plus que ça, spécialement, particulièrement,
    beaucoup, encore, pour le moment, pour l'instant, actuellement, à ma connaissance, que je sache, le cas, question,
    le moins du monde"""),
    *_each("""{} pas: plutôt, vraiment, surtout, absolument, certainement, sûrement, évidemment, clairement,
    probablement, sans doute, toujours"""),
    *_each("{}, ne {}, n'{}, je {}: crois pas, pense pas, pensons pas, croyons pas, est pas le cas"),
    *_each("{}, n'{}, on n'{}: en a pas, en avons pas, y en a pas, pense pas"),
    *_each("on {}, on ne {}: pense pas, croit pas"),
    *_each("""not {}: really, at all, much, a lot, particularly, especially, yet, currently, for now, for the moment,
    right now, that i know, that i know of, that i'm aware of, to my knowledge, as far as i know, true,
    in the least"""),
    *_each("{} not: probably, definitely, absolutely, certainly, of course, surely, clearly, rather, likely"),
    *_each("don't {}, dont {}, do not {}: think so, believe so"),
)
OPEN = (
    *phrases("""
    ?, jsp, jspa, nsp, nspp, chais pas, chai pas, chépa, aucune idée, inconnu, inconnue, sans avis, sans opinion,
    ne se prononce pas, indécis, indécise, hésite, hésitons, hésitant, hésitation, j'hésite, on hésite, on ne sait pas,
    on sait pas, difficile à dire, qui sait, va savoir, je sèche, on ne sait pas trop,
    on sait pas trop, à décider, rien de décidé, idk, dunno, dno, no idea,
    no clue, no opinion, unsure, un sure, uncertain, unknown, undecided, hesitate, hesitating, hesitant, torn,
    in two minds, who knows, hard to say, hard to tell, difficult to say, can't say, can't tell, cannot say,
    couldn't say, couldn't tell, to be decided, tbd"""),
    *_each("""{}, ne {}: sais pas, sait pas, savons pas, savent pas, sais plus, sait plus, sais pas trop,
    sait pas trop, sais pas encore, sait pas encore, sais vraiment pas, sais pas du tout, saurais dire,
    peux pas dire, suis pas sûr, suis pas sûre, suis pas certain, suis pas certaine, sommes pas sûrs"""),
    *_each("{}, n'{}: ai aucune idée, avons aucune idée, en ai aucune idée, en sais rien, en sait rien"),
    *_each("""pas {}: sûr, sûre, sûrs, certain, certaine, si sûr, très sûr, très sûre, trop sûr, trop sûre,
    vraiment sûr, vraiment sûre, tout à fait sûr, d'idée, idée, la moindre idée, d'avis, décidé, décidés,
    encore décidé, encore décidés, encore sûr, tranché, encore tranché"""),
    *_each("""not {}: sure, certain, so sure, really sure, quite sure, too sure, entirely sure, sure yet, a clue,
    decided, yet decided, decided yet"""),
    *_each("""don't {}, dont {}, do not {}, we don't {}, we do not {}: know, really know, know yet, know at all,
    know for sure, have a clue"""),
    *_each("""n'{}, {}, on n'{}: avons pas décidé, ai pas décidé, a pas décidé, avons pas encore décidé,
    a pas encore décidé"""),
    *_each("{} decided, {} decided yet, we {} decided, we {} decided yet: haven't, havent, have not, hasn't"),
)
"""Read as ``unknown``, or as ``undecided`` where a question has that instead."""

UNSURE = {
    "open yes no": """ça dépend, cela dépend, dépend, peut-être, possible, c'est possible, possiblement,
        éventuellement, à voir, on verra, skip, je passe, passer, it depends, depends, that depends, maybe, perhaps,
        possibly, we'll see""",
    "yes no open": """mouais, mouai, moui, bof, moyen, moyennement, plus ou moins, en partie, partiellement, un peu,
        parfois, presque, couci-couça, meh, kind of, kinda, sort of, somewhat, a bit, a little, more or less, partly,
        partially, sometimes, almost, so so,
        oui et non, ni oui ni non, oui ou non, yes and no, yes or no, neither, ni l'un ni l'autre, aucun des deux""",
    "yes open no": """pas mal, not bad, pourquoi pas, why not, pas faux, not false, not wrong, pas impossible,
        not impossible, pas non, not no, dis pas non, ne dis pas non, dit pas non, ne dit pas non, dirais pas non,
        ne dirais pas non, wouldn't say no, not saying no, si, si si, exact, true, correct""",
    "no yes open": """pas toujours, pas tout à fait, pas exactement, pas complètement, pas totalement, pas entièrement,
        not always, not quite, not exactly, not completely, not entirely, not totally""",
    "no open": """peut-être pas, maybe not, perhaps not, possibly not, pas forcément, pas nécessairement,
        not necessarily, j'en doute, i doubt it, doubtful, rarement, rarely""",
    "open both": "peu importe, indifférent, sans préférence, pas de préférence, no preference, whatever, don't care",
    "agency outsource": """prestataire, provider, contractor, sous-traitant, agence, agency, expert seo, seo expert,
        spécialiste, specialist""",
    "agency outsource lasting": "freelance, freelancer",
    "lasting interns": """quelqu'un, someone, somebody, une personne, la personne, notre personne, cette personne,
        1 personne, a person, une personne en interne, interne, en interne, in-house""",
    "interns in_house": "stagiaire, stagiaires, intern, interns, trainee",
    "interns lasting": "alternant, alternante, alternants, apprenti, apprentie, apprentice",
    "seo key": "présence",
    "both agency": "deux, two",
    "yes": "o",
}
"""What a phrase may mean -> phrases that are never taken for an answer: these meanings are offered."""

UNSURE_ALONE = {"yes open no": "ok, okay, d'accord, je crois, je pense, je suppose, i think, i guess, i suppose, bien"}
"""The same, only when nothing else is said: beside an answer these are polite filling."""

# --- Answers of one question ---------------------------------------------------------------------

_IN_HOUSE = """en interne, interne, internaliser, internalisé, internalisation, équipe interne, notre équipe,
    notre propre équipe, nous-mêmes, par nous-mêmes, en propre, in-house, inhouse, in house team, internal, internally,
    internal team, our team, our own team, own team, ourselves, by ourselves"""
_OUTSIDE = """externe, en externe, externaliser, externalisé, externalisation, sous-traiter, sous-traitance,
    à l'extérieur, external, externally, outsource, outsourced, outsourcing"""

OPTIONS: dict[str, dict[str, str]] = {
    "orientation": {
        "seo": """seo, référencement, référencement naturel, complément, complément du seo, complément au seo, appui,
            appui au seo, additif, pour le seo, pour le référencement, présence à entretenir, add-on, addon,
            add-on to seo, extra, support seo, for seo, seo support, search engine optimization, search ranking,
            presence to keep up""",
        "key": """clé, clef, clé de voûte, clef de voûte, central, centrale, au centre, au coeur, pilier, stratégique,
            essentiel, essentielle, key, keystone, cornerstone, at the heart, strategic, essential""",
    },
    "mode": {
        "in_house": _IN_HOUSE,
        "agency": f"""agence, agence spécialisée, agence externe, agency, specialised agency, specialized agency,
            external agency, {_OUTSIDE}""",
        "both": """les deux, tous les deux, les deux à la fois, à la fois, hybride, mixte, un mix, mélange,
            moitié-moitié, both, both of them, the two, hybrid, mixed, a mix, mixture, half and half, combination""",
        "undecided": "",
    },
    "person": {
        "lasting": """durable, quelqu'un de durable, dans la durée, quelqu'un qui reste, une personne qui reste, reste,
            pérenne, en poste, cdi, salarié, salariée, lasting, long term, permanent, someone who stays,
            someone who will stay, someone lasting, employee, permanent employee""",
        "interns": """stagiaire, stagiaires, seulement des stagiaires, que des stagiaires, n'avons que des stagiaires,
            n'ai que des stagiaires, on n'a que des stagiaires, on a que des stagiaires, intern, interns, trainee,
            trainees, only interns, just interns""",
        "nobody": """personne, personne pour l'instant, personne pour le moment, personne encore, aucun, aucune,
            il n'y a personne, n'y a personne, y a personne, on n'a personne, on a personne, n'avons personne,
            n'ai personne, n'a personne, avons personne, ai personne, non personne, non aucun, no nobody, no no one,
            nobody, no one, noone, none, nobody yet, no one yet, nobody in-house, we have nobody, we have no one""",
    },
    "light_mode": {
        "in_house": f"la garder, garder, garder en interne, keep, keep it, keep in-house, {_IN_HOUSE}",
        "outsource": f"""confier, la confier, déléguer, la déléguer, confier à l'extérieur, hand over, hand it over,
            hand off, delegate, delegate it, {_OUTSIDE}""",
        "undecided": "",
    },
}
NEGATIVE = frozenset({"no", "nobody"})
"""Options that are negative themselves: "not nobody", "non, personne" must not hide them from what is offered."""
TOGETHER = {frozenset({"in_house", "agency"}): "both"}
"""Two options joined by "and" that are a third."""

QUESTIONS = {
    "orientation": "orientation, rôle, role, place, social media role, rôle du community management",
    "brand": """marque, image, image de marque, notoriété, brand, brand image, the brand, la marque, critère 1,
        criterion 1""",
    "transformation": """transformation, transfo, transformation digitale, transformation numérique, digital,
        numérique, digital transformation, digitalisation, digitalization, critère 2, criterion 2""",
    "presence": """présence, présence web, présence en ligne, web, internet, presence, web presence, online presence,
        critère 3, criterion 3""",
    "mode": "mode, gestion, mode de gestion, gestionnaire, management, management mode, who runs it, qui gère",
    "agency_link": """lien, lien agence, lien avec l'agence, lien avec une agence, link, agency link,
        link with the agency, close link""",
    "person": "personne, person, personne en interne, person in-house, someone in-house",
    "routine": "routine, tâches, tâches répétitives, répétitif, tasks, repetitive tasks, routine tasks, chores",
    "seo_expert": """expert seo, expert en seo, expert, seo expert, spécialiste, spécialiste seo, specialist,
        seo specialist""",
    "light_mode": """mode léger, gestion légère, préférence, light mode, light management, preference, light task,
        tâche légère""",
}

# --- Commands ------------------------------------------------------------------------------------

COMMANDS = {
    "start": """start, begin, commencer, démarrer, débuter, on commence, c'est parti, go, let's go, nouveau bilan,
        new check""",
    "back": """back, go back, step back, previous, previous question, undo, retour, retour arrière, revenir, reviens,
        revenir en arrière, en arrière, précédent, précédente, question précédente""",
    "restart": """restart, start over, start again, start afresh, from the beginning, recommencer, recommence,
        tout recommencer, repartir de zéro, depuis le début, réinitialiser, reset""",
    "why": """why, why this question, why do you ask, why are you asking, pourquoi, pourquoi cette question,
        pourquoi tu demandes, pourquoi demandez-vous, pourquoi ça, explain, expliquer, explique""",
    "help": """help, help me, aide, aidez-moi, aide-moi, à l'aide, au secours, comment ça marche, how does it work,
        how does this work, what can you do, que sais-tu faire, ?""",
    "review": """review, review my answers, check my answers, my answers, summary, résumé, récapitulatif, récap,
        mes réponses, vérifier, vérifier mes réponses, relire""",
    "post": "post, post it, publish, publish it, share, share it, publier, publie, poster, partager, envoyer au canal",
    "keep_private": """keep private, keep it private, private, keep it to myself, keep to myself, garder pour moi,
        garder privé, le garder pour moi, je garde pour moi, privé, ne pas publier, ne publie pas, don't post,
        do not post, don't post it, don't share""",
    "cancel": """cancel, stop, quit, exit, abort, annuler, annule, arrêter, arrête, quitter, abandonner, on arrête,
        stopper""",
    "resume": "resume, continue, carry on, go on, reprendre, continuer, on continue, reprends, poursuivre",
    "my_checks": "my checks, my reports, list my checks, mes bilans, mes diagnostics, mes recommandations",
    "forget_me": """forget me, delete my data, delete me, erase my data, oublie-moi, oubliez-moi,
        supprimer mes données, supprime mes données, effacer mes données""",
    "form": """form, the form, open form, open the form, formulaire, le formulaire, ouvrir le formulaire,
        questionnaire, ouvrir le questionnaire, open the questions""",
    "hello": "hello, hi, hi there, hey, good morning, bonjour, bonsoir, salut, coucou, hello there",
    "language:fr": "français, en français, french, in french, parle français, lang fr, langue fr, language fr, fr",
    "language:en": "anglais, en anglais, english, in english, speak english, lang en, langue en, language en",
}
LANGUAGE = phrases("langue, language, changer de langue, change language, lang")
WEIGHTY = frozenset({"post", "cancel", "restart", "forget_me"})
"""Commands never taken from a misspelt word: they are offered instead."""

POLITE = phrases("""
    merci, svp, stp, s'il vous plaît, s'il te plaît, please, pls, thanks, thank you, je veux, je voudrais, i want to,
    i'd like to, can we, can you, on peut, peux-tu, pouvez-vous""")
CHANGE = phrases("""
    changer, change, changes, modifier, modifie, modify, edit, editer, corriger, corrige, revenir à, revenir sur,
    retour à, go back to, back to""")
CHANGE_FILLING = phrases("""
    la, le, les, l, ma, mon, mes, my, the, réponse, réponses, answer, answers, question, sur, on, to, à, au, about,
    for, of, de, du, d, numéro, number""")

# --- Around the answer ---------------------------------------------------------------------------

NEGATIONS = phrases("""
    pas, ne, n, ni, sans, jamais, aucun, aucune, plus, sauf, hors, not, no, nt, t, dont, don, isn, isnt, doesn, doesnt,
    didn, haven, hasn, won, wont, cant, cannot, never, without, except, neither, nor, anything but""")
INSTEAD = phrases("plutôt que, plutôt qu', au lieu de, au lieu d', à la place de, rather than, instead of")
AND = phrases("et, et avec, and, and with, avec, with, along with, ainsi que")
OR = phrases("ou, ou bien, or, soit, either")
BUT = phrases("mais, but, cependant, pourtant, however, though, quoique")
FILLING = phrases("""
    merci, merci beaucoup, svp, stp, s'il vous plaît, s'il te plaît, please, thanks, thank you, ok, okay,
    d'accord, euh, heu, hum, hmm, mmm, ben, bah, alors, donc, eh, eh bien, ah, oh, well, uh, um, en fait,
    actually, voilà, je pense, je crois, je dirais, je suppose, j'imagine, il me semble, à mon avis, selon moi,
    pour moi, pour nous, chez nous, a priori, en principe, sauf erreur, sauf erreur de ma part,
    si je ne me trompe pas, à vrai dire, pour être honnête, honnêtement, franchement, i think, i'd say, i would say,
    i guess, i suppose, i believe, i'm, i've, we're, in my opinion, imo, for us, for me, if i'm not mistaken,
    unless i'm mistaken, to be honest, honestly, frankly, plutôt, plutôt du côté de, vraiment, très, assez, rather,
    really, quite, very, more of, je, j, il, elle, nous, vous, on est, on a, on veut, on voudrait, on dirait,
    nous avons, nous sommes, c'est, est, c, ce, cela, ça, que, qu, le, la, les, l, un, une, des, du, de, d, au, aux,
    en, à, chez, pour, notre, avons, ai, serait, voudrions, aimerions, préférons, préférerions, i, we, i am,
    we are, we have, we've, it's, it, an, a, the, our, of, we'd, like, prefer, we would, would, numéro,
    option, choix, réponse, choice, answer, number, one, to""")
NUMBERS = {
    1: "premier, première, 1er, 1ère, first, 1st",
    2: "deuxième, second, seconde, 2e, 2ème, 2nd, 2nde",
    3: "troisième, third, 3e, 3ème, 3rd",
    4: "quatrième, fourth, 4e, 4ème, 4th",
    -1: "dernier, dernière, last",
}
SIGNS = {
    "résumé": "récapitulatif",
    "👍": " oui ",
    "👎": " non ",
    "œ": "oe",
    "æ": "ae",
    "n°": "numéro ",
    "nº": "numéro ",
}
"""Replaced before accents go. "Résumé" is a summary, "resume" is to go on."""
APART = phrases("""
    salaire, regarder, personnes, persons, permanence, employer, stratégie, strategy, interval, garden, intérim""")
"""Real words a slip away from an answer, that are not a slip."""

# --- Looked up -----------------------------------------------------------------------------------

LONGEST_TEXT = 300
"""Characters. Nobody answers a question with more, and the rest would only cost time."""
BREAK = ","
_TOKEN = re.compile(r"(?<!\w)[-+]?\d+\w*|[^\W_]+|[?]+|[%€$]|[,;.!:…/|\n()\[\]«»\"]")
_REPEATED = re.compile(r"([^\W\d_])\1+")
_UNSEEN = frozenset({"Mn", "Me", "Cf"})
SMILEY = re.compile(r"[:;=]-?[()|*\\]+(?!\w)|(?<!\S)[:;=]-?[dpo](?!\S)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def tokens(text: str) -> Tokens:
    """Return the words of a text, ``,`` for any break between them; none of a text that is too long."""
    if len(text) > LONGEST_TEXT:
        return ()
    text = unicodedata.normalize("NFC", SMILEY.sub(" ", text)).casefold()
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    bare = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in _UNSEEN)
    found = _TOKEN.findall(_REPEATED.sub(r"\1", "".join(bare).casefold()))
    return tuple(word if word[-1].isalnum() or word in "%€$" else "?" if word[0] == "?" else BREAK for word in found)


def said(text: str) -> Tokens:
    """Return the words of a text without its breaks."""
    return tuple(token for token in tokens(text) if token != BREAK)


class Kind(Enum):
    """What a phrase does in a text."""

    OPTION = auto()  # names an option of the question
    NUMBER = auto()  # the same, by its number
    AGREE = auto()  # "yes", where that is no option
    UNSURE = auto()  # may mean some options, never taken for one
    DENY = auto()  # negates what stands in the same clause
    INSTEAD = auto()  # negates what comes after it
    AND = auto()
    OR = auto()
    BUT = auto()
    FILLING = auto()
    BREAK = auto()
    STRANGE = auto()  # not known


class Mark(NamedTuple):
    """A phrase, what it does, and the options of the question it stands for."""

    kind: Kind
    options: tuple[str, ...] = ()
    phrase: Tokens = ()


class Index(NamedTuple):
    """The phrases that mean something to one question; `alone`: those that do so only by themselves.

    `content`: the words answers are made of, which a slip may be put right to.
    """

    question: Question
    marks: Mapping[Tokens, Mark]
    alone: Mapping[Tokens, Mark]
    content: frozenset[str]
    longest: int

    def close(self, word: str) -> list[Mark]:
        """Return what single words not unlike `word` mean."""
        found = get_close_matches(word, self.content, 3, 0.75)
        return [self.marks[(other,)] for other in found if (other,) in self.marks]


@lru_cache(maxsize=64)
def index(question: Question) -> Index:
    """Return the phrases of a question."""
    marks: dict[Tokens, Mark] = {(BREAK,): Mark(Kind.BREAK, (), (BREAK,))}
    for phrase, kind, options in _vocabulary(question):
        marks[said(phrase)] = Mark(kind, options, said(phrase))
    alone = {said(phrase): Mark(kind, found) for phrase, kind, found in _unsure(UNSURE_ALONE, question)}
    telling = [mark for mark in marks.values() if mark.kind in {Kind.OPTION, Kind.UNSURE}]
    content = {word for mark in telling for word in mark.phrase if marks.get((word,), mark) in telling}
    return Index(question, marks, alone, frozenset(content), max(map(len, marks)))


Entry = tuple[str, Kind, tuple[str, ...]]


def _vocabulary(question: Question) -> Iterator[Entry]:
    """Yield phrase, kind and options. What comes later is more particular, and counts."""
    options = question.options
    for kind, table in _AROUND.items():
        yield from ((phrase, kind, ()) for phrase in table)
    for number, texts in NUMBERS.items():
        place = len(options) if number < 0 else number
        yield from ((phrase, Kind.NUMBER, options[place - 1 : place]) for phrase in phrases(texts))
    yield from ((str(place), Kind.NUMBER, (option,)) for place, option in enumerate(options, 1))
    yield from _unsure(UNSURE, question)
    for table, option, otherwise in (
        (YES, "yes", Kind.AGREE),
        (NO, "no", Kind.DENY),
        (OPEN, _open(question), Kind.UNSURE),
    ):
        entry = (Kind.OPTION, (option,)) if option in options else (otherwise, ())
        yield from ((phrase, *entry) for phrase in table)
    for option in options:
        yield from ((phrase, Kind.OPTION, (option,)) for phrase in _ways(question.id, option))


_AROUND = {
    Kind.FILLING: FILLING,
    Kind.AND: AND,
    Kind.OR: OR,
    Kind.BUT: BUT,
    Kind.DENY: NEGATIONS,
    Kind.INSTEAD: INSTEAD,
}


def _open(question: Question) -> str:
    return "undecided" if "undecided" in question.options else "unknown"


def _unsure(table: Mapping[str, str], question: Question) -> Iterator[Entry]:
    for meanings, texts in table.items():
        wanted = meanings.replace("open", _open(question)).split()
        if found := tuple(option for option in wanted if option in question.options):
            yield from ((phrase, Kind.UNSURE, found) for phrase in phrases(texts))


def _ways(question: str, option: str) -> tuple[str, ...]:
    listed = phrases(OPTIONS.get(question, {}).get(option, ""))
    return (option, *listed, *_labels(f"option.{question}.{option}"))


def _labels(id: str) -> Iterator[str]:
    return (words(language).text(id) for language in languages() if id in words(language))


@lru_cache(maxsize=1)
def names() -> dict[Tokens, str]:
    """Return every name of every question, with and without its spaces -> question id."""
    found: dict[Tokens, str] = {}
    for id, listed in QUESTIONS.items():
        for name in (id, *phrases(listed), *_labels(f"question.{id}.short")):
            found.setdefault(said(name), id)
            found.setdefault(said("".join(said(name))), id)
    return found


@lru_cache(maxsize=1)
def commands() -> dict[Tokens, tuple[str, str | None]]:
    """Return every command phrase -> the name of the command and its argument."""
    found: dict[Tokens, tuple[str, str | None]] = {}
    for key, listed in COMMANDS.items():
        name, _, argument = key.partition(":")
        for phrase in (*phrases(listed), *(() if argument else _labels(f"label.{name}"))):
            found.setdefault(said(phrase.rstrip(" ?")) or said(phrase), (name, argument or None))
    return found


@lru_cache(maxsize=1)
def aliases() -> dict[Tokens, frozenset[str]]:
    """Return every name and every answer of any question -> the ids it may stand for."""
    pairs = [(key, id) for key, id in names().items()]
    for table, ids in ((YES, ("yes",)), (NO, ("no",)), (OPEN, ("unknown", "undecided"))):
        pairs += [(said(phrase), id) for phrase in table for id in ids]
    for question, listed in OPTIONS.items():
        pairs += [(said(phrase), option) for option in listed for phrase in _ways(question, option)]
    found: dict[Tokens, frozenset[str]] = {}
    for key, id in pairs:
        found[key] = found.get(key, frozenset()) | {id}
    return found


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return every word of every table."""
    listed = [
        *APART,
        *CHANGE,
        *CHANGE_FILLING,
        *POLITE,
        *LANGUAGE,
        *(phrase for table in _AROUND.values() for phrase in table),
    ]
    for texts in (*UNSURE.values(), *UNSURE_ALONE.values(), *NUMBERS.values()):
        listed += phrases(texts)
    looked_up = (word for key in (*aliases(), *commands()) for word in key)
    return frozenset(looked_up).union(*map(said, listed))


@lru_cache(maxsize=1)
def command_words() -> frozenset[str]:
    """Return the words commands are made of."""
    return frozenset(word for phrase in commands() for word in phrase) - negative()


@lru_cache(maxsize=16)
def prepared(table: tuple[str, ...]) -> tuple[Tokens, ...]:
    """Return the words of every phrase of a table, the longest phrases first."""
    return tuple(sorted(map(said, table), key=len, reverse=True))


@lru_cache(maxsize=1)
def negative() -> frozenset[str]:
    """Return the single words that negate."""
    return frozenset(said(phrase)[0] for phrase in (*NEGATIONS, *NO) if len(said(phrase)) == 1)


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """Return the id in `valid` that `given` comes closest to, synonyms of both languages included; None if none does.

    For error messages: it may be wrong, and is never acted upon.
    """
    near = _near(tuple(valid))
    key = " ".join(said(given[:60]))
    if key in near or negative().intersection(key.split()):
        return near.get(key)
    return next((near[alias] for alias in get_close_matches(key, near, 1, 0.65)), None)


@lru_cache(maxsize=64)
def _near(valid: tuple[str, ...]) -> dict[str, str]:
    near = {" ".join(said(id)): id for id in valid}
    for alias, ids in aliases().items():
        for id in valid:
            if id in ids:
                near.setdefault(" ".join(alias), id)
    return near


# --- Slips of the finger -------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def closest(word: str) -> tuple[str, ...]:
    """Return the known words nearest to `word`: one slip away, or two if it is long."""
    for slips in (1, 2) if len(word) >= 8 else (1,):
        if near := [other for other in known() if len(other) >= 4 and _within(word, other, slips)]:
            return tuple(sorted(near))
    return ()


def _within(one: str, other: str, slips: int) -> bool:
    """Whether words differ by so many slips: a letter more, a letter less, another letter, two letters swapped."""
    if abs(len(one) - len(other)) > slips or len(set(one) ^ set(other)) > 2 * slips:
        return False
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, match in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != match))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == match:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1] <= slips
