"""`dialogs.what_if`: outcomes within reach, and single changes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.recommend import check
from dialogs.verify import all_paths
from dialogs.walk import walk
from dialogs.what_if import reachable_outcomes, what_if

ANSWERS = st.fixed_dictionaries(
    {}, optional={question.id: st.sampled_from(question.options) for question in FLOW.questions}
)


@settings(max_examples=25)
@given(ANSWERS)
def test_reachable_outcomes_are_those_of_the_paths_ahead(answers):
    outcomes = {str(check(FLOW, dict(path), with_what_if=False)["outcome"]) for path in all_paths(FLOW, answers)}
    assert reachable_outcomes(FLOW, answers) == tuple(sorted(outcomes))


def test_what_if_leaves_out_changes_with_the_same_outcome():
    answers = {"orientation": "key", "brand": "yes", "transformation": "no", "presence": "no"}
    answers |= {"mode": "in_house", "person": "lasting", "routine": "no"}
    changes = list(what_if(FLOW, answers, walk(FLOW, answers).path, "in_house"))
    assert [(change.question, change.option, change.outcomes) for change in changes] == [
        ("mode", "agency", ("agency", "hybrid")),
        ("mode", "both", ("hybrid",)),
        ("mode", "undecided", ("hybrid",)),
        ("person", "nobody", ("hybrid",)),
    ]
