"""`dialogs.text.parse`: real phrases in both languages, and properties of any text."""

import time
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dialogs.community_flow import CRITERIA, FLOW
from dialogs.flow import Question
from dialogs.text import lexicon
from dialogs.text.lexicon import MAX_TEXT_LENGTH
from dialogs.text.parse import (
    MAX_CANDIDATES,
    Ambiguous,
    Command,
    NoMatch,
    Parsed,
    ParsedAnswer,
    Problem,
    Problems,
    QuickCheck,
    parse,
    parse_quick_check,
)
from dialogs.translations import languages, translations


def question(id: str) -> Question:
    return FLOW.questions_by_id[id]


def candidate_options(reading: Parsed) -> list[str]:
    assert isinstance(reading, Ambiguous), reading
    return [match.option for match in reading.candidates if isinstance(match, ParsedAnswer)]


def split(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.replace("\n", " ").split("|")]


BRAND = question("brand")
QUESTION_OR_NONE = st.sampled_from([None, *FLOW.questions])

ANSWERS = {
    ("brand", "yes"): """
        oui | Oui ! | OUI | ouiiii | oui. | ouais | ouaip | plutôt oui | plutot oui | ben oui | euh oui |
        oui merci | je pense que oui | je crois que oui | carrément | carrement | bien sûr | bien sur |
        oui, bien sûr | tout à fait | absolument | évidemment | c'est le cas | c’est le cas | sans aucun doute |
        oui, sauf erreur | oui oui, tout à fait | 👍 | +1 | 1 | 1. | n°1 | nº 1 | la première | ok oui |
        mmm oui | oui :) | yes | Yes! | yesss | yep | yup | yeah | y | yes please | I think so | I think yes |
        of course | absolutely | definitely | sure | for sure | yes, definitely | yes, unless I'm mistaken |
        option 1 | the first one | ouias | absolumant | definitly | absolutly""",
    ("brand", "no"): """
        non | Non. | nooon | nan | nn | plutôt non | ben non | euh non | non merci | pas du tout |
        pas vraiment | pas tellement | pas trop | plutôt pas | vraiment pas | non, sauf erreur. |
        non pas que je sache | pas que je sache | non, pas du tout | je ne crois pas | je crois pas |
        je ne pense pas | on ne pense pas | je pense que non | bien sûr que non | certainement pas |
        sûrement pas | sans doute pas | probablement pas | absolument pas | jamais | pas encore |
        pas pour l'instant | aucunement | ce n'est pas le cas | on n'en a pas | hors de question | 👎 | 2 |
        n°2 | option 2 | la deuxième | no | nooo | nope | nah | n | no thanks | not really | Not really! |
        not at all | not much | not yet | I don't think so | I don’t think so | I dont think so |
        I do not think so | probably not | definitely not | of course not | certainly not | never | no way |
        not that I know of | not to my knowledge | we don't | it isn't | no, not really | second""",
    ("brand", "unknown"): """
        je ne sais pas | je sais pas | sais pas | chais pas | jsp | JSP | aucune idée | aucune idee |
        pas d'idée | pas sûr | pas sure | pas certain | je ne suis pas sûr | j'en sais rien | on ne sait pas |
        on ne sait pas trop | on hésite | nous hésitons | difficile à dire | I don't know | I don’t know |
        dont know | don't really know | dunno | idk | no idea | no clue | not sure | I'm not sure | unsure |
        we're hesitating | hard to say | 3 | la dernière | the last one""",
    ("transformation", "no"): "pas encore | not yet | pas pour le moment",
    ("orientation", "seo"): """
        seo | le SEO | référencement | un complément du seo | an add-on to SEO | 1 | la première""",
    (
        "orientation",
        "key",
    ): "la clé | cle | la clé de voûte | clef de voûte | the key | keystone | strategic | 2 | second",
    ("orientation", "unknown"): "je ne sais pas, aucune idée | on hésite | no idea | 3",
    ("mode", "in_house"): """
        en interne | interne | plutôt en interne | in-house | in house | inhouse | our own team | nous-mêmes |
        1 | intrene | oui, en interne | we do it ourselves | our marketing team | on s'en occupe nous-mêmes |
        notre service communication | check in-house | quelqu'un de chez nous""",
    ("mode", "agency"): """
        agence | une agence | plutôt une agence | oui une agence | nous avons une agence |
        on voudrait une agence svp | 2 | an agency | the agency please | agance | agnecy | externalisé |
        outsourced | la deuxième""",
    ("mode", "both"): """
        les deux | both | both together | hybride | un mix | half and half | en interne et avec une agence |
        in-house and an agency | 3 | the third one""",
    ("mode", "undecided"): """
        on hésite | pas encore décidé | pas décidé | je ne sais pas | not decided yet | we haven't decided yet |
        undecided | no idea | 4 | the last one | le dernier | on n'a pas encore tranché |
        nous n'avons pas encore choisi |
        on y réfléchit | we haven't made up our minds | still thinking about it | :four:""",
    ("agency_link", "no"): "non | not really | je ne pense pas",
    ("person", "lasting"): "quelqu'un qui reste | un salarié | someone who will stay | an employee | 1",
    (
        "person",
        "interns",
    ): "des stagiaires | un stagiaire | stagaire | on n'a que des stagiaires | only interns | trainees",
    ("person", "nobody"): """
        personne | Personne. | non, personne | il n'y a personne | nous n'avons personne | je n'ai personne |
        nobody | no one | personne pour l'instant""",
    ("routine", "yes"): "oui beaucoup | yes, a lot | énormément",
    ("seo_expert", "yes"): """
        oui, on en a | yes, for sure | we have an SEO agency | on a une agence de référencement |
        nous avons un consultant SEO |
        we have one | we do""",
    ("person", "nobody "): """
        non | no | Non. | pas encore | not yet | non, pas encore | pas pour l'instant | we don't have anyone | 👎 |
        euh non""",
    ("person", "lasting "): "oui | yes | Oui ! | :white_check_mark:",
    ("presence", "yes"): "important | très important | very important | c'est essentiel | crucial | it matters a lot",
    ("presence", "no"): "pas important | not very important | peu important | :x: | 👎🏿",
    ("agency_link", "yes"): """
        ✅ | 👍 | 👍🏽 | :white_check_mark: | :thumbsup: | :+1::skin-tone-3: | oui :tada: | yes:tada: | Bonjour, oui |
        yes, thanks a lot""",
    (
        "light_mode",
        "in_house",
    ): "we do it ourselves | notre équipe marketing | la garder | en interne | keep it | keep it in-house",
    (
        "light_mode",
        "outsource",
    ): "confier | déléguer | externaliser | hand it over | outsource | we'd prefer to outsource",
    ("light_mode", "undecided"): "on hésite | je sais pas | not decided",
}


@pytest.mark.parametrize(
    ("id", "option", "text"),
    [(id, option.strip(), text) for (id, option), texts in ANSWERS.items() for text in split(texts)],
)
def test_answer(id, option, text):
    assert parse(text, FLOW, question(id)) == ParsedAnswer(id, option)


@pytest.mark.parametrize("id", [question.id for question in FLOW.questions])
def test_label_and_number_of_every_option(id):
    options = question(id).options
    for number, option in enumerate(options, 1):
        assert parse(str(number), FLOW, question(id)) == ParsedAnswer(id, option)
        for language in languages():
            label = f"option.{id}.{option}"
            if label in translations(language):
                assert parse(translations(language)(label), FLOW, question(id)) == ParsedAnswer(id, option)
    for outside in ("0", str(len(options) + 1), "99", "50%"):
        assert parse(outside, FLOW, question(id)) == NoMatch()


# If one of these were read as yes, the answer would be the opposite of what was meant.
NEGATIVE = split("""
    non | nan | nope | pas du tout | pas vraiment | not really | non, sauf erreur | non pas que je sache |
    je ne crois pas | I don't think so | I do not think so | pas trop | plutôt pas | not sure | pas sûr |
    pas sûre | je ne suis pas sûr | pas vraiment sûr | absolument pas | certainement pas | sûrement pas |
    sans doute pas | probablement pas | bien sûr que non | non, bien sûr | définitivement pas | definitely not |
    absolutely not | of course not | certainly not | probably not | not a lot | not always | not exactly |
    not quite | pas beaucoup | pas toujours | pas tout à fait | pas exactement | pas vrai | not true |
    it's not true | it isn't | we don't | we do not | it does not | it is not | ce n'est pas le cas | jamais |
    never | no way | pas oui | not yes | pas exact | inexact | incorrect | not correct | n'est pas correct |
    je dirais non | je pense que non | peut-être pas | maybe not | unlikely | hardly | aucunement | no thanks |
    non merci | pas effectivement | we have not | there isn't | pas d'accord | untrue""")


@pytest.mark.parametrize("text", NEGATIVE)
def test_negation_is_never_read_as_yes(text):
    for known in FLOW.questions:
        if "yes" in known.options:
            reading = parse(text, FLOW, known)
            assert reading != ParsedAnswer(known.id, "yes")
            if isinstance(reading, Ambiguous):
                assert reading.candidates[0] != ParsedAnswer(known.id, "yes")
    check = parse_quick_check(text, FLOW)
    assert not isinstance(check, QuickCheck) or "yes" not in check.answers.values()


LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyzéà' ")


@st.composite
def typing_errors(draw, texts):
    text = draw(st.sampled_from(texts))
    position = draw(st.integers(0, len(text) - 1))
    letter = draw(LETTERS)
    swapped = text[:position] + text[position + 1 : position + 2] + text[position] + text[position + 2 :]
    return draw(
        st.sampled_from(
            [
                text[:position] + text[position + 1 :],
                text[:position] + letter + text[position:],
                text[:position] + letter + text[position + 1 :],
                swapped,
            ]
        )
    )


@given(typing_errors([text for text in NEGATIVE if len(text) > 2]))
@example("no yes")  # from "not yes": two answers in a row, and nothing else it could be
@example("non yes")
def test_typing_error_never_turns_no_into_yes(text):
    assert parse(text, FLOW, BRAND) != ParsedAnswer("brand", "yes")
    check = parse_quick_check(text, FLOW)
    assert not isinstance(check, QuickCheck) or check.answers.get("brand") != "yes"


def all_typing_errors(text):
    for position in range(len(text)):
        yield text[:position] + text[position + 1 :]
        yield text[:position] + text[position + 1 : position + 2] + text[position] + text[position + 2 :]
        for letter in "aenot ":
            yield text[:position] + letter + text[position:]
            yield text[:position] + letter + text[position + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("text", [text for text in NEGATIVE if 2 < len(text) < 12])
def test_no_typing_error_turns_no_into_yes(text):
    for misspelled in all_typing_errors(text):
        assert parse(misspelled, FLOW, BRAND) != ParsedAnswer("brand", "yes"), misspelled


@pytest.mark.slow
@pytest.mark.parametrize(
    ("id", "denied", "text"),
    [
        ("mode", "agency", "pas d'agence"),
        ("mode", "agency", "sans agence"),
        ("mode", "agency", "not an agency"),
        ("mode", "in_house", "pas en interne"),
        ("mode", "in_house", "not in-house"),
        ("person", "interns", "pas de stagiaire"),
    ],
)
def test_no_typing_error_chooses_the_denied_option(id, denied, text):
    for misspelled in all_typing_errors(text):
        assert parse(misspelled, FLOW, question(id)) != ParsedAnswer(id, denied), misspelled


@pytest.mark.parametrize(
    ("id", "denied", "text"),
    [
        (id, denied, text)
        for id, denied, texts in (
            ("mode", "agency", "pas d'agence | not an agency | sans agence | no agency | surtout pas une agence"),
            ("mode", "agency", "pas d'agance | plus d'agence | l'agence ne nous convient pas | tout sauf une agence"),
            ("mode", "agency", "en interne plutôt qu'une agence | in-house rather than an agency | jamais une agence"),
            ("mode", "in_house", "surtout pas en interne | not in-house | pas l'interne mais une agence"),
            ("mode", "both", "pas les deux | not both"),
            ("person", "interns", "pas de stagiaires | no interns | sans stagiaire"),
            ("orientation", "seo", "pas le seo | not seo | pas un complément du seo"),
            ("orientation", "key", "not the key | pas la clé | pas stratégique"),
            ("light_mode", "in_house", "ne pas garder en interne | not in-house"),
            ("light_mode", "outsource", "pas externaliser | don't outsource | ne pas confier"),
        )
        for text in split(texts)
    ],
)
def test_denied_option_is_not_suggested(id, denied, text):
    options = candidate_options(parse(text, FLOW, question(id)))
    assert options
    assert denied not in options


@pytest.mark.parametrize(
    ("id", "text", "expected"),
    [
        ("brand", "oui et non", ["yes", "no", "unknown"]),
        ("brand", "yes and no", ["yes", "no", "unknown"]),
        ("brand", "oui mais non", ["yes", "no", "unknown"]),
        ("brand", "oui mais", ["yes", "no", "unknown"]),
        ("brand", "oui ?", ["yes", "unknown", "no"]),
        ("brand", "oui, pour la boutique", ["yes", "no", "unknown"]),
        ("brand", "2 ou 3", ["no", "unknown"]),
        ("brand", "2 oui", ["no", "yes", "unknown"]),
        ("brand", "ça dépend", ["unknown", "yes", "no"]),
        ("brand", "peut-être", ["unknown", "yes", "no"]),
        ("brand", "maybe", ["unknown", "yes", "no"]),
        ("brand", "mouais", ["yes", "no", "unknown"]),
        ("brand", "si", ["yes", "unknown", "no"]),
        ("brand", "ok", ["yes", "unknown", "no"]),
        ("brand", "pas mal", ["yes", "unknown", "no"]),
        ("brand", "why not", ["yes", "unknown", "no"]),
        ("brand", "pourquoi pas", ["yes", "unknown", "no"]),
        ("brand", "je ne dis pas non", ["yes", "unknown", "no"]),
        ("brand", "not no", ["yes", "unknown", "no"]),
        ("brand", "pas oui", ["no", "unknown"]),
        ("brand", "pas de stratégie", ["no", "unknown"]),
        ("brand", "jamias", ["no"]),
        ("brand", "acune idée", ["unknown"]),
        ("mode", "oui", ["in_house", "agency", "both", "undecided"]),
        ("mode", "non", ["in_house", "agency", "both", "undecided"]),
        ("mode", "interne ou agence", ["in_house", "agency", "both", "undecided"]),
        ("mode", "non, une agence", ["agency", "in_house", "both", "undecided"]),
        ("mode", "une agence plutôt que l'interne", ["agency", "both", "undecided"]),
        ("mode", "freelance", ["agency", "in_house", "both", "undecided"]),
        ("mode", "deux", ["both", "agency", "in_house", "undecided"]),
        ("mode", "pas pas", ["in_house", "agency", "both", "undecided"]),
        ("person", "une personne", ["lasting", "interns", "nobody", "unknown"]),
        ("person", "pas personne", ["nobody", "lasting", "interns", "unknown"]),
        ("person", "interne", ["lasting", "interns", "nobody", "unknown"]),
        ("light_mode", "une agence", ["outsource", "in_house", "undecided"]),
        ("light_mode", "in-house and outsource", ["in_house", "outsource", "undecided"]),
    ],
)
def test_ambiguous_text_gives_candidates(id, text, expected):
    assert candidate_options(parse(text, FLOW, question(id))) == expected


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("brand", "agence"),
        ("brand", "tree"),
        ("brand", "да"),
        ("brand", "N/A"),
        ("brand", "n.a."),
        ("brand", "R&D"),
        ("brand", "il y a"),
        ("brand", "https://example.com/?oui=non"),
        ("brand", ":tada:"),
        ("mode", "internet"),
        ("person", "personnes"),
        ("person", "salaire"),
        ("light_mode", "regarder"),
    ],
)
def test_other_text_is_no_match(id, text):
    assert parse(text, FLOW, question(id)) == NoMatch()


COMMANDS = {
    "start": "check | diagnostic | commencer | start | démarrer | c'est parti",
    "back": "retour | back | go back | go back please | précédent | precedent | revenir | en arrière | retuor | undo",
    "restart": "recommencer | recomencer | restart | start over | start again | tout recommencer",
    "why": "pourquoi | pourquoi ? | Pourquoi cette question ? | why | why? | why do you ask",
    "help": "aide | help | aide-moi | help me please | comment ça marche ?",
    "review": "récapitulatif | résumé | mes réponses | review | summary | recap",
    "details": "détails | details | le détail | voir les détails | show the details please",
    "post": "publier | post it | poster | share",
    "keep_private": "garder pour moi | keep private | keep it to myself | ne pas publier | don't post it",
    "cancel": "annuler | stop | cancel | arrêter",
    "resume": "continuer | reprendre | resume | continue | see the recommendation | voir la recommandation",
    "my_checks": "mes diagnostics | mes bilans | my checks",
    "forget_me": "oublie-moi | oubliez-moi | forget me | supprimer mes données",
    "form": "formulaire | form | le formulaire svp",
    "hello": "bonjour | hello | Salut ! | hi | hey | hello :wave: | 👋 | Bonjour à tous | hi there everybody",
    "thanks": """
        thanks | Thanks a lot! | thank you very much | merci | merci beaucoup | ok merci | thanks a lot for your help |
        thanks :tada: | hello and thanks""",
    "goodbye": "bye | goodbye! | au revoir | à bientôt | thanks, bye | bonne journée à vous",
    "how_are_you": "how are you? | ça va ? | hello, how are you? | comment allez-vous ?",
    "who_are_you": "who are you? | qui êtes-vous ? | Bonjour, qui es-tu ? | are you a bot?",
    "joke": "tell me a joke | une blague | raconte une blague svp | hi, tell me a joke about SEO",
    "language": "language | langue | lang de | language german | en allemand | do you speak Spanish?",
    "language fr": "en français | in french | français | lang fr",
    "language en": "in english | en anglais | english | lang en",
    "change": "changer | change | modifier | change my answer | modifier 6",
    "change brand": """
        changer marque | change brand | modifier 2 | changer la réponse sur la marque | retour à la marque""",
    "change mode": "changer mode | edit mode | change the answer on mode",
}


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in COMMANDS.items() for text in split(texts)])
def test_command(key, text):
    name, _, argument = key.partition(" ")
    for current in (None, BRAND, question("mode")):
        assert parse(text, FLOW, current) == Command(name, argument or None)


@pytest.mark.parametrize(
    ("id", "text", "expected"),
    [
        ("brand", "?", [ParsedAnswer("brand", "unknown"), Command("help")]),
        ("mode", "?", [ParsedAnswer("mode", "undecided"), Command("help")]),
        ("light_mode", "garder pour moi", [ParsedAnswer("light_mode", "in_house"), Command("keep_private")]),
        ("brand", "recommancer", [Command("restart")]),
        ("brand", "publer", [Command("post")]),
        ("brand", "changer marqe", [Command("change", "brand"), Command("change")]),
        ("brand", "changer d'avis", [Command("change")]),
    ],
)
def test_ambiguous_command_gives_candidates(id, text, expected):
    reading = parse(text, FLOW, question(id))
    assert isinstance(reading, Ambiguous)
    assert expected is None or list(reading.candidates) == expected


@pytest.mark.parametrize(
    "text", split("ne pas publier | don't post | pourquoi pas | why not | ne change rien | non, retour")
)
def test_negated_command_is_not_that_command(text):
    assert parse(text, FLOW, BRAND) not in {Command("post"), Command("why"), Command("change"), Command("back")}


YES_NO_YES = {"brand": "yes", "transformation": "no", "presence": "yes"}
QUICK = {
    "oui non oui": YES_NO_YES,
    "Oui, non, oui": YES_NO_YES,
    "yes no yes": YES_NO_YES,
    "y n y": YES_NO_YES,
    "y no y": YES_NO_YES,
    "yes n o": YES_NO_YES,
    ":+1: :x: :white_check_mark:": YES_NO_YES,
    "o n o": YES_NO_YES,
    "oui/non/oui": YES_NO_YES,
    "oui, non et oui": YES_NO_YES,
    "👍 👎 👍": YES_NO_YES,
    "oui non oui ?": YES_NO_YES,
    "ouais nan yep": YES_NO_YES,
    "oui": {"brand": "yes"},
    "pas vraiment": {"brand": "no"},
    "oui non": {"brand": "yes", "transformation": "no"},
    "oui je sais pas non": {"brand": "yes", "transformation": "unknown", "presence": "no"},
    "oui ? non": {"brand": "yes", "transformation": "unknown", "presence": "no"},
    "plutôt oui, pas vraiment, je ne sais pas": {"brand": "yes", "transformation": "no", "presence": "unknown"},
    "marque=oui presence=non": {"brand": "yes", "presence": "no"},
    "brand=yes mode=agency": {"brand": "yes", "mode": "agency"},
    "marque = oui ; présence : non": {"brand": "yes", "presence": "no"},
    "marque=oui, mode=agence": {"brand": "yes", "mode": "agency"},
    "MARQUE=OUI&MODE=EN INTERNE": {"brand": "yes", "mode": "in_house"},
    "oui mode=agence": {"brand": "yes", "mode": "agency"},
    "mode=agence oui non": {"brand": "yes", "transformation": "no", "mode": "agency"},
    "marque=oui et presence=non": {"brand": "yes", "presence": "no"},
    "mode=en interne presence=oui": {"mode": "in_house", "presence": "yes"},
    "mode=agency agency link=yes": {"mode": "agency", "agency_link": "yes"},
    "mode=agency, link=yes": {"mode": "agency", "agency_link": "yes"},
    "mode=An agency, link=yes": {"mode": "agency", "agency_link": "yes"},
    "mode=an agency\nlink=yes": {"mode": "agency", "agency_link": "yes"},
    "who should manage it=an agency": {"mode": "agency"},
    "lien_agence=non": {"agency_link": "no"},
    "lien-agence: non": {"agency_link": "no"},
    "personne=personne presence=non": {"person": "nobody", "presence": "no"},
    "brand=not really, mode: agency": {"brand": "no", "mode": "agency"},
    "expert seo=oui mode léger=interne": {"seo_expert": "yes", "light_mode": "in_house"},
    "orientation=clé": {"orientation": "key"},
    "brand=yes brand=oui": {"brand": "yes"},
    "mode=2": {"mode": "agency"},
    "taches=jsp transfo=nan": {"routine": "unknown", "transformation": "no"},
}


@pytest.mark.parametrize(("text", "answers"), QUICK.items())
def test_quick_check(text, answers):
    assert parse_quick_check(text, FLOW) == QuickCheck(answers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("marqe=oui", [Problem("question", "marqe", None, ("brand",))]),
        ("mode=agense", [Problem("answer", "agense", "mode", ("agency",))]),
        ("mode=sans agence", [Problem("answer", "sans agence", "mode")]),
        ("brand=pas oui", [Problem("answer", "pas oui", "brand")]),
        ("brand=oui mais non", [Problem("answer", "mais", "brand")]),
        ("mode=agence pas interne", [Problem("answer", "pas interne")]),
        ("brand=", [Problem("form", "brand=", "brand")]),
        ("=oui", [Problem("form", "=oui")]),
        ("brand=yes brand=no", [Problem("twice", "brand", "brand", ("yes", "no"))]),
        ("non marque=oui", [Problem("twice", "brand", "brand", ("no", "yes"))]),
        ("oui non oui non", [Problem("too_many", "oui non oui non")]),
        ("oui non ouais oui foo=1", None),
        ("oui non oauis", [Problem("answer", "oauis", "presence", ("yes",))]),
        ("oui Schöön  Kaffee, non", [Problem("answer", "Schöön  Kaffee", "transformation")]),
        ("Oui  NOOON oui oui", [Problem("too_many", "Oui  NOOON oui oui")]),
        ("oui N/A non", [Problem("answer", "N/A", "transformation")]),
        ("zz=oui mode=zz", [Problem("question", "zz"), Problem("answer", "zz", "mode")]),
    ],
)
def test_quick_check_problems(text, expected):
    reading = parse_quick_check(text, FLOW)
    assert isinstance(reading, Problems)
    assert expected is None or list(reading.problems) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "bonjour",
        "merci",
        "peut-être",
        "oui et non",
        "je voudrais savoir si oui ou non",
        "who are you?",
        "never mind",
        "yes we can",
        "no banana",
        "https://example.com/a?b=no",
        "N/A",
    ],
)
def test_not_a_quick_check(text):
    assert parse_quick_check(text, FLOW) == NoMatch()


def test_stressed_answer_may_be_one_or_two():
    one, two = QuickCheck({"brand": "no"}), QuickCheck({"brand": "no", "transformation": "no"})
    assert parse_quick_check("non, pas du tout", FLOW) == Ambiguous((one, two))


@pytest.mark.parametrize(
    "text", ["thanks a lot, of course", "absolutely, always", "who are you? no idea", "👍", "never"]
)
def test_text_with_a_word_of_an_answer_is_no_row(text):
    assert not isinstance(parse(text, FLOW, None), QuickCheck | Problems)


@pytest.mark.parametrize(("text", "name"), [("ok", "hello"), ("D'accord !", "hello"), ("super, merci", "thanks")])
def test_text_that_says_nothing_is_small_talk_outside_a_dialog(text, name):
    assert parse(text, FLOW, None) == Command(name)


def test_row_that_may_be_one_answer_is_offered_outside_a_dialog():
    reading = parse("non, pas du tout", FLOW, None)
    assert isinstance(reading, Ambiguous)
    assert reading.candidates[0] == QuickCheck({"brand": "no"})


def test_quick_check_in_a_dialog():
    assert parse("oui non oui", FLOW, BRAND) == QuickCheck(YES_NO_YES)
    assert parse("oui non oui", FLOW, question("mode")) == QuickCheck(YES_NO_YES)
    assert parse("oui non", FLOW, None) == QuickCheck({"brand": "yes", "transformation": "no"})
    assert parse("mode=agence", FLOW, BRAND) == QuickCheck({"mode": "agency"})
    assert parse("marque : non", FLOW, None) == QuickCheck({"brand": "no"})
    assert parse("oui", FLOW, None) == NoMatch()


def test_row_that_may_be_one_answer_is_ambiguous():
    both = QuickCheck({"brand": "yes", "transformation": "yes"})
    assert parse("oui oui", FLOW, BRAND) == Ambiguous((ParsedAnswer("brand", "yes"), both))
    hesitant = parse("oui non", FLOW, BRAND)
    assert isinstance(hesitant, Ambiguous)
    assert hesitant.candidates[0] == QuickCheck({"brand": "yes", "transformation": "no"})
    assert candidate_options(hesitant) == ["yes", "no", "unknown"]


@given(st.data())
def test_quick_check_with_names_round_trips(data):
    texts = translations(data.draw(st.sampled_from(languages())))
    chosen = data.draw(st.lists(st.sampled_from(FLOW.questions), unique=True, min_size=1, max_size=10))
    answers = {asked.id: data.draw(st.sampled_from(asked.options)) for asked in chosen}
    pairs = []
    for id, option in answers.items():
        label = f"option.{id}.{option}"
        name = data.draw(st.sampled_from([id, *lexicon.phrases(lexicon.QUESTIONS[id])]))
        written = data.draw(st.sampled_from([option, texts(label) if label in texts else option]))
        pairs.append(f"{name}{data.draw(st.sampled_from(['=', ' = ', ': ']))}{written}")
    text = data.draw(st.sampled_from([", ", " ; ", "\n"])).join(pairs)
    assume(len(text) <= MAX_TEXT_LENGTH)
    assert parse_quick_check(text, FLOW) == QuickCheck(answers)


@given(st.lists(st.sampled_from(["yes", "no", "unknown"]), min_size=1, max_size=3), st.data())
def test_row_round_trips(options, data):
    ways = {"yes": ["oui", "yes", "Yep"], "no": ["non", "No", "nan"], "unknown": ["jsp", "IDK", "Dunno", "?"]}
    text = " ".join(data.draw(st.sampled_from(ways[option])) for option in options)
    assert parse_quick_check(text, FLOW) == QuickCheck(dict(zip(CRITERIA, options, strict=False)))


KNOWN = [text for texts in (*ANSWERS.values(), *COMMANDS.values()) for text in split(texts)] + list(QUICK)
TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from([*KNOWN, *NEGATIVE, *"=:,;?!.-+", "é" * 40, "\u200b", "ﷺ"]), max_size=40).map(" ".join),
    st.lists(st.sampled_from(sorted(lexicon.known())), max_size=12).map(" ".join),
)


@given(TEXTS, QUESTION_OR_NONE)
def test_any_text_is_parsed_without_error(text, current):
    for reading in (parse(text, FLOW, current), parse_quick_check(text, FLOW)):
        match reading:
            case ParsedAnswer(id, option):
                assert current is not None
                assert (id, option in current.options) == (current.id, True)
            case Ambiguous(candidates):
                assert 1 <= len(candidates) <= MAX_CANDIDATES
                assert all(candidates.count(candidate) == 1 for candidate in candidates)
            case QuickCheck(answers):
                assert answers
                assert all(option in question(id).options for id, option in answers.items())
            case Problems(problems):
                assert problems
                assert all(len(problem.given) <= 60 for problem in problems)
    lexicon.nearest(text, FLOW.questions_by_id)


WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9)


@given(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), QUESTION_OR_NONE)
def test_text_without_a_known_word_is_no_answer(text, current):
    words = set(lexicon.words_of(text))
    near = {other for word in words for other in (*lexicon.closest(word), *lexicon.known().intersection({word}))}
    assume(not near)
    for reading in (parse(text, FLOW, current), parse_quick_check(text, FLOW)):
        assert not isinstance(reading, ParsedAnswer | QuickCheck | Command | Problems)


def without_quotes(reading: Parsed) -> Parsed:
    if not isinstance(reading, Problems):
        return reading
    return Problems(tuple(replace(problem, given="") for problem in reading.problems))


@given(st.sampled_from([text for text in KNOWN if "ésumé" not in text]), QUESTION_OR_NONE, st.data())
def test_case_accents_and_spaces_are_ignored(text, current, data):
    plain = unicodedata.normalize("NFKD", text.replace("nº", "n°"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    spaced = f"  {text.replace(' ', data.draw(st.sampled_from(['  ', chr(9), chr(0xA0)])))}\n"
    expected = without_quotes(parse(text, FLOW, current))
    for other in (text.upper(), text.lower(), plain, spaced, unicodedata.normalize("NFD", text)):
        assert without_quotes(parse(other, FLOW, current)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "oui " * 5_000,
        "a=b " * 75,
        "agencyy=zzyzx " * 21,
        "ﷺ" * 300,
        "é" * 300,
        "\u0301" * 300,
        "? " * 150,
        "1" * 300,
    ],
    ids=lambda text: f"{text[:6]!r}x{len(text)}",
)
def test_hostile_text_is_parsed_quickly(text):
    parse("oui", FLOW, BRAND), parse_quick_check("mode=zz", FLOW)
    start = time.perf_counter()
    parse(text, FLOW, BRAND)
    parse_quick_check(text, FLOW)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("length", [MAX_TEXT_LENGTH + 1, 10_000])
def test_text_that_is_too_long_is_not_parsed(length):
    assert parse("oui".ljust(length, "!"), FLOW, BRAND) == NoMatch()
    assert parse_quick_check("oui".ljust(length, "!"), FLOW) == NoMatch()


BOTH_LANGUAGES = {
    "yes": ("oui", "yes"),
    "no": ("non", "no"),
    "unknown": ("je ne sais pas", "I don't know"),
    "undecided": ("indécis", "undecided"),
    "seo": ("référencement", "add-on"),
    "key": ("clé", "key"),
    "in_house": ("en interne", "in-house"),
    "agency": ("agence", "agency"),
    "both": ("les deux", "both"),
    "lasting": ("durable", "lasting"),
    "interns": ("stagiaires", "interns"),
    "nobody": ("personne", "nobody"),
    "outsource": ("externaliser", "outsource"),
}


@pytest.mark.parametrize("known", FLOW.questions, ids=lambda known: known.id)
def test_every_option_has_phrases_in_both_languages(known):
    for option in known.options:
        for text in (*BOTH_LANGUAGES[option], option, option.replace("_", " ")):
            assert parse(text, FLOW, known) == ParsedAnswer(known.id, option)
            assert parse(f"{known.id}={text}", FLOW, None) == QuickCheck({known.id: option})
