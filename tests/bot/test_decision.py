"""The rules of the decision, stated a second time straight from the table, against every path.

Nothing here knows the flow: what is under test is imported for its answers only.
"""

import itertools
import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.recommend import check

YES_NO = ("yes", "no", "unknown")
OPTIONS = {
    "orientation": ("seo", "key", "unknown"),
    "brand": YES_NO,
    "transformation": YES_NO,
    "presence": YES_NO,
    "mode": ("in_house", "agency", "both", "undecided"),
    "agency_link": YES_NO,
    "person": ("lasting", "interns", "nobody", "unknown"),
    "routine": YES_NO,
    "seo_expert": YES_NO,
    "light_mode": ("in_house", "outsource", "undecided"),
}
FIRST = ("orientation", "brand", "transformation", "presence")
SOURCES = {
    "orientation": "1, orientation",
    "brand": "2, criterion 1",
    "transformation": "2, criterion 2",
    "presence": "2, criterion 3",
    "mode": "1 and 3",
    "agency_link": "2, keeping control",
    "person": "2, duty 2",
    "routine": "3, synthesis",
    "seo_expert": "1 and 2",
    "light_mode": "1",
}


# --- The table, in code -------------------------------------------------------------------------------------------


def reasons(answers):
    return [answers.get("orientation") == "key", *(answers.get(criterion) == "yes" for criterion in FIRST[1:])]


def is_strategic(answers):
    """True as soon as one answer makes it so, false once all four are in, else None."""
    if any(reasons(answers)):
        return True
    return False if all(question in answers for question in FIRST) else None


def is_asked(question, answers):
    """Whether a question is asked; None while that is open."""
    if question in FIRST:
        return True
    strategic = is_strategic(answers)
    if question in ("seo_expert", "light_mode"):
        return None if strategic is None else not strategic
    if question == "agency_link" and strategic is not False and answers.get("mode") == "in_house":
        return False
    if question == "agency_link" and strategic and "mode" not in answers:
        return None
    return strategic


def walked(answers):
    """Return the path, the next question and the unused answers."""
    counted: dict[str, str] = {}
    path: list[str] = []
    unused: list[str] = []
    following = None
    for question in OPTIONS:
        asked = is_asked(question, counted)
        if question in answers and asked is False:
            unused.append(question)
        elif question in answers:
            counted[question] = answers[question]
            path += [question] if asked else []
        elif asked and following is None:
            following = question
    return path, following, unused, counted


def outcome(answers):
    if is_strategic(answers):
        if answers["mode"] == "in_house":
            return "hybrid" if answers["person"] == "nobody" else "in_house"
        if answers["mode"] == "agency":
            return "hybrid" if answers["agency_link"] == "no" else "agency"
        return "hybrid"
    if answers["light_mode"] == "in_house":
        return "intern"
    if answers["light_mode"] == "outsource":
        return "seo_expert"
    return "seo_expert" if answers["seo_expert"] == "yes" else "intern"


def advice(answers, ends, provisional):
    strategic = is_strategic(answers)
    person, routine, link = (answers.get(question) for question in ("person", "routine", "agency_link"))
    secure_link = link in ("no", "unknown")
    present = {
        "check_unknowns": provisional,
        "reconsider_orientation": strategic and answers.get("orientation") == "seo",
        "appoint_person": person == "nobody",
        "keep_interns": person == "interns",
        "secure_link": secure_link,
        "subcontract_routine": strategic and routine == "yes",
        "agency_as_team": ends in ("agency", "hybrid") and not secure_link,
        "weigh_mix": (ends == "in_house" and routine == "yes") or (ends == "agency" and person == "lasting"),
        "secure_person": person == "lasting",
        "lasting_person": person == "unknown",
        "best_skills": strategic,
        "keep_control": strategic,
        "find_seo_expert": ends == "seo_expert" and answers.get("seo_expert") != "yes",
        "work_with_seo": not strategic and answers.get("seo_expert") == "yes",
        "guide_intern": ends == "intern",
        "simple_tools": not strategic,
        "watch_criteria": not strategic and not provisional,
    }
    return [id for id, is_present in present.items() if is_present]


def options(answers):
    """For and against each way, in the order of the table."""

    def chosen(question, option):
        return answers.get(question) == option

    table = {
        "in_house": (
            {
                "wanted": chosen("mode", "in_house"),
                "person_there": chosen("person", "lasting"),
                "link_hard": chosen("agency_link", "no"),
            },
            {
                "nobody": chosen("person", "nobody"),
                "interns_leave": chosen("person", "interns"),
                "routine_weighs": chosen("routine", "yes"),
            },
        ),
        "agency": (
            {
                "wanted": chosen("mode", "agency"),
                "link_close": chosen("agency_link", "yes"),
                "key_to_all": chosen("orientation", "key"),
            },
            {"link_hard": chosen("agency_link", "no"), "nobody": chosen("person", "nobody")},
        ),
        "hybrid": (
            {
                "suits_most": True,
                "wanted": chosen("mode", "both"),
                "person_there": chosen("person", "lasting"),
                "routine_weighs": chosen("routine", "yes"),
            },
            {"link_hard": chosen("agency_link", "no"), "nobody": chosen("person", "nobody")},
        ),
        "intern": (
            {"light": True, "wanted": chosen("light_mode", "in_house")},
            {"seo_expert_there": chosen("seo_expert", "yes")},
        ),
        "seo_expert": (
            {"wanted": chosen("light_mode", "outsource"), "seo_expert_there": chosen("seo_expert", "yes")},
            {"no_expert": chosen("seo_expert", "no")},
        ),
    }
    ways = ("in_house", "agency", "hybrid") if is_strategic(answers) else ("intern", "seo_expert")
    return [
        {
            "outcome": way,
            "for": [id for id, true in table[way][0].items() if true],
            "against": [id for id, true in table[way][1].items() if true],
        }
        for way in ways
    ]


def challengers(ways, ends):
    balance = {way["outcome"]: len(way["for"]) - len(way["against"]) for way in ways}
    best = max(balance.values())
    return sorted(way for way in balance if balance[way] == best) if best > balance[ends] else []


def possible(answers):
    """Every outcome that some way of answering what is still asked leads to, by trying them all."""
    return sorted(_possible(tuple(map(answers.get, OPTIONS))))


@cache
def _possible(options):
    answers = {question: option for question, option in zip(OPTIONS, options, strict=True) if option}
    path, following, _, _ = walked(answers)
    if following is None:
        return frozenset({outcome({question: answers[question] for question in path})})
    tried = ({**answers, following: option} for option in OPTIONS[following])
    return frozenset().union(*(_possible(tuple(map(further.get, OPTIONS))) for further in tried))


def changes(answers, path, ends):
    for question in path:
        for option in OPTIONS[question]:
            if option != answers[question]:
                outcomes = possible({**answers, question: option})
                if outcomes != [ends]:
                    yield {"question": question, "answer": option, "outcomes": outcomes}


def expected(answers):
    path, following, unused, counted = walked(answers)
    if following:
        return {
            "status": "partial",
            "strategic": is_strategic(counted),
            "control": sum(reasons(counted)),
            "next": following,
            "possible_outcomes": possible(answers),
            "unused": unused,
        }
    used = {question: answers[question] for question in path}
    strategic, ends = is_strategic(used), outcome(used)
    provisional = not strategic and any(used[question] == "unknown" for question in FIRST)
    return {
        "status": "complete",
        "strategic": strategic,
        "control": sum(reasons(used)),
        "provisional": provisional,
        "outcome": ends,
        "advice": advice(used, ends, provisional),
        "open_questions": [question for question in path if used[question] == "unknown"],
        "unused": unused,
        "because": [{"question": question, "answer": used[question], "source": SOURCES[question]} for question in path],
        "options": options(used),
        "challengers": challengers(options(used), ends),
        "what_if": list(changes(answers, path, ends)),
    }


def every_path(answers=None):
    answers = answers or {}
    following = walked(answers)[1]
    if following is None:
        yield answers
        return
    for option in OPTIONS[following]:
        yield from every_path({**answers, following: option})


ANSWERS = st.fixed_dictionaries({}, optional={id: st.sampled_from(options) for id, options in OPTIONS.items()})


# --- Tests --------------------------------------------------------------------------------------------------------


def test_every_path_has_the_outcome_of_the_table():
    count = 0
    for answers in every_path():
        assert check(FLOW, answers) == expected(answers)
        count += 1
    assert count == 7944


def test_the_order_of_the_keys_is_the_documented_one():
    complete = next(every_path())
    assert list(check(FLOW, complete)) == list(expected(complete))
    assert list(check(FLOW, {})) == list(expected({}))


@given(ANSWERS)
def test_any_answers_partial_and_unused_ones_too(answers):
    assert check(FLOW, answers) == expected(answers)


def test_many_random_answers():
    chance = random.Random(20)
    for _ in range(500):
        asked = chance.sample(list(OPTIONS), chance.randint(0, len(OPTIONS)))
        answers = {question: chance.choice(OPTIONS[question]) for question in asked}
        assert check(FLOW, answers) == expected(answers)


def test_every_subset_of_the_first_four():
    for given_ in itertools.product(*((None, *OPTIONS[question]) for question in FIRST)):
        answers = {question: option for question, option in zip(FIRST, given_, strict=True) if option}
        assert check(FLOW, answers) == expected(answers)


@given(ANSWERS)
def test_what_if_can_be_left_out_and_changes_nothing_else(answers):
    whole = check(FLOW, answers)
    whole.pop("what_if", None)
    assert check(FLOW, answers, with_what_if=False) == whole


# --- The two readings to keep -------------------------------------------------------------------------------------


def test_an_answer_whose_question_may_still_be_asked_counts_and_is_not_unused():
    result = check(FLOW, {"brand": "unknown", "light_mode": "outsource"})
    assert result["unused"] == []
    # All strategic outcomes remain, but of the light ones only that which the answer leaves.
    assert result["possible_outcomes"] == ["agency", "hybrid", "in_house", "seo_expert"]


def test_an_answer_that_cannot_be_asked_is_unused():
    result = check(FLOW, {"brand": "yes", "light_mode": "outsource"})
    assert result["unused"] == ["light_mode"]


def test_what_if_takes_up_unused_answers():
    light = dict.fromkeys(FIRST, "no") | {"orientation": "seo", "seo_expert": "no", "light_mode": "in_house"}
    ahead = {"mode": "agency", "agency_link": "yes", "person": "lasting", "routine": "no"}
    result: Any = check(FLOW, light | ahead)
    without: Any = check(FLOW, light)
    assert result["unused"] == list(ahead)
    assert {"question": "brand", "answer": "yes", "outcomes": ["agency"]} in result["what_if"]
    assert {"question": "brand", "answer": "yes", "outcomes": ["agency", "hybrid", "in_house"]} in without["what_if"]


@pytest.mark.parametrize(
    ("level", "answers"), [(0, {}), (1, {"brand": "yes"}), (2, {"brand": "yes", "presence": "yes"})]
)
def test_control_counts_the_reasons_so_far(level, answers):
    assert check(FLOW, answers)["control"] == level
