"""`dialogs.text.lexicon`: the tables of phrases, and the nearest id."""

from itertools import combinations

from dialogs.community_flow import FLOW
from dialogs.text import lexicon

BRAND, MODE = FLOW.questions_by_id["brand"], FLOW.questions_by_id["mode"]


def test_nearest_in_both_languages():
    ids = list(FLOW.questions_by_id)
    assert [lexicon.nearest(given, ids) for given in ("marque", "présence", "brnd", "agency link", "zzzz", "")] == [
        "brand", "presence", "brand", "agency_link", None, None,
    ]  # fmt: skip
    assert lexicon.nearest("agence", MODE.options) == "agency"
    assert lexicon.nearest("agense", MODE.options) == "agency"
    assert lexicon.nearest("nope", BRAND.options) == "no"
    assert lexicon.nearest("jsp", MODE.options) == "undecided"
    assert lexicon.nearest("pas d'agence", MODE.options) is None
    assert lexicon.nearest("chaussette", ["chausette", "brand"]) == "chausette"


def test_tables_match_the_flow():
    ids = set(FLOW.questions_by_id)
    assert set(lexicon.QUESTIONS) == ids
    assert set(lexicon.OPTIONS) <= ids
    for id, listed in lexicon.OPTIONS.items():
        assert set(listed) <= set(FLOW.questions_by_id[id].options)
    options = {option for question in FLOW.questions for option in question.options} | {"open"}
    assert {meaning for meanings in lexicon.UNSURE for meaning in meanings.split()} <= options


def test_no_phrase_has_two_meanings():
    names: dict[lexicon.Tokens, str] = {}
    for id, listed in lexicon.QUESTIONS.items():
        for name in lexicon.phrases(listed):
            assert names.setdefault(lexicon.words_of(name), id) == id, name
    commands: dict[lexicon.Tokens, str] = {}
    for key, listed in lexicon.COMMANDS.items():
        for phrase in lexicon.phrases(listed):
            assert commands.setdefault(lexicon.words_of(phrase), key) == key, phrase
    for id, options in lexicon.OPTIONS.items():
        meanings: dict[lexicon.Tokens, str] = {}
        for option, cells in options.items():
            for phrase in lexicon.expand(cells):
                assert meanings.setdefault(lexicon.words_of(phrase), option) == option, (id, phrase)
    for one, other in combinations((lexicon.YES, lexicon.NO, lexicon.OPEN), 2):
        assert not set(map(lexicon.words_of, one)) & set(map(lexicon.words_of, other))
