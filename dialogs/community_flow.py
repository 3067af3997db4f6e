"""The flow of the article: run community management in-house, or hand it over?

Source: Emmanuel Higel, "Internalisation ou externalisation de votre « community management » : que choisir ?". Each
question and each piece of advice names the section it comes from. The texts are in the catalogs.
"""

from dataclasses import replace

from dialogs.flow import (
    ALWAYS,
    Advice,
    AllOf,
    AnyOf,
    Argument,
    Arguments,
    Condition,
    Fact,
    Flow,
    Is,
    Not,
    Outcome,
    Question,
)

YES_NO = ("yes", "no", "unknown")
CRITERIA = ("brand", "transformation", "presence")

KEY = Is("orientation", "key")
CRITERIA_MET = tuple(Is(criterion, "yes") for criterion in CRITERIA)
STRATEGIC = Fact("strategic", AnyOf(KEY, *CRITERIA_MET))
LIGHT = Not(STRATEGIC)

# Outcomes if strategic. When the preference is not settled, it is the hybrid, which is the article's synthesis.
IN_HOUSE = AllOf(STRATEGIC, Is("mode", "in_house"), Not(Is("person", "nobody")))
AGENCY = AllOf(STRATEGIC, Is("mode", "agency"), Not(Is("agency_link", "no")))
HYBRID = AllOf(
    STRATEGIC,
    AnyOf(
        AllOf(Is("mode", "in_house"), Is("person", "nobody")),
        AllOf(Is("mode", "agency"), Is("agency_link", "no")),
        Is("mode", "both"),
        Is("mode", "undecided"),
    ),
)
# Outcomes if not strategic.
INTERN = AllOf(
    LIGHT,
    AnyOf(Is("light_mode", "in_house"), AllOf(Is("light_mode", "undecided"), Not(Is("seo_expert", "yes")))),
)
SEO_EXPERT = AllOf(
    LIGHT,
    AnyOf(Is("light_mode", "outsource"), AllOf(Is("light_mode", "undecided"), Is("seo_expert", "yes"))),
)
PROVISIONAL = AllOf(LIGHT, AnyOf(*(Is(question, "unknown") for question in ("orientation", *CRITERIA))))

NOBODY, LASTING = Is("person", "nobody"), Is("person", "lasting")
LINK_UNSURE = AnyOf(Is("agency_link", "no"), Is("agency_link", "unknown"))
LINK_SURE = AnyOf(Is("mode", "in_house"), Is("agency_link", "yes"))
"""The opposite of `LINK_UNSURE`; the question is not asked when everything is to stay in-house."""
ROUTINE = AllOf(STRATEGIC, Is("routine", "yes"))
SEO_THERE, LINK_HARD = Is("seo_expert", "yes"), Is("agency_link", "no")
STRATEGIC_OUTCOMES = ("in_house", "agency", "hybrid")

# The advice that depends most on these answers comes first.
ADVICE = (
    Advice("check_unknowns", PROVISIONAL, "2, criteria", PROVISIONAL),
    Advice("reconsider_orientation", AllOf(STRATEGIC, Is("orientation", "seo")), "2, criteria", AnyOf(*CRITERIA_MET)),
    Advice("appoint_person", NOBODY, "2, duty 2", NOBODY),
    Advice("keep_interns", Is("person", "interns"), "2, keeping control", Is("person", "interns")),
    Advice("secure_link", LINK_UNSURE, "2, keeping control", LINK_UNSURE),
    Advice("subcontract_routine", ROUTINE, "3, synthesis", ROUTINE),
    Advice("agency_as_team", AllOf(AnyOf(AGENCY, HYBRID), LINK_SURE), "2, keeping control", LINK_SURE),
    Advice(
        "weigh_mix",
        AnyOf(AllOf(IN_HOUSE, ROUTINE), AllOf(AGENCY, LASTING)),
        "3, synthesis",
        Not(AnyOf(Is("mode", "both"), NOBODY)),
    ),
    Advice("secure_person", LASTING, "2, duty 2", LASTING),
    Advice("lasting_person", Is("person", "unknown"), "2, duty 2", Is("person", "unknown")),
    Advice("best_skills", STRATEGIC, "2, duty 3", STRATEGIC, STRATEGIC_OUTCOMES),
    Advice("keep_control", STRATEGIC, "2, duty 1", STRATEGIC, STRATEGIC_OUTCOMES),
    Advice("find_seo_expert", AllOf(SEO_EXPERT, Not(SEO_THERE)), "1, orientation", Not(SEO_THERE)),
    Advice("work_with_seo", AllOf(LIGHT, SEO_THERE), "1, orientation", SEO_THERE),
    Advice("guide_intern", INTERN, "1, orientation", LIGHT),
    Advice("simple_tools", LIGHT, "1, orientation", LIGHT),
    Advice(
        "watch_criteria",
        AllOf(LIGHT, Not(PROVISIONAL)),
        "2, criteria",
        AllOf(*(Is(criterion, "no") for criterion in CRITERIA)),
    ),
)

ARGUMENTS = (
    Arguments(
        "in_house",
        STRATEGIC,
        (
            Argument("wanted", Is("mode", "in_house")),
            Argument("person_there", LASTING),
            Argument("link_hard", LINK_HARD),
        ),
        (
            Argument("nobody", NOBODY),
            Argument("interns_leave", Is("person", "interns")),
            Argument("routine_weighs", Is("routine", "yes")),
        ),
    ),
    Arguments(
        "agency",
        STRATEGIC,
        (
            Argument("wanted", Is("mode", "agency")),
            Argument("link_close", Is("agency_link", "yes")),
            Argument("key_to_all", KEY),
        ),
        (Argument("link_hard", LINK_HARD), Argument("nobody", NOBODY)),
    ),
    Arguments(
        "hybrid",
        STRATEGIC,
        (
            Argument("suits_most", ALWAYS),
            Argument("wanted", Is("mode", "both")),
            Argument("person_there", LASTING),
            Argument("routine_weighs", Is("routine", "yes")),
        ),
        (Argument("link_hard", LINK_HARD), Argument("nobody", NOBODY)),
    ),
    Arguments(
        "intern",
        LIGHT,
        (Argument("light", ALWAYS), Argument("wanted", Is("light_mode", "in_house"))),
        (Argument("seo_expert_there", SEO_THERE),),
    ),
    Arguments(
        "seo_expert",
        LIGHT,
        (Argument("wanted", Is("light_mode", "outsource")), Argument("seo_expert_there", SEO_THERE)),
        (Argument("no_expert", Is("seo_expert", "no")),),
    ),
)


def _advice_v1(id: str, when: Condition, source: str) -> Advice:
    return Advice(id, when, source, text_id=f"v1.{id}")


FLOW_V1 = Flow(
    id="community",
    version=1,
    questions=(
        Question("orientation", ("seo", "key", "unknown"), "1, orientation"),
        Question("brand", YES_NO, "2, criterion 1"),
        Question("transformation", YES_NO, "2, criterion 2"),
        Question("presence", YES_NO, "2, criterion 3"),
        Question("mode", ("in_house", "agency", "both", "undecided"), "1 and 3", STRATEGIC),
        Question("agency_link", YES_NO, "2, keeping control", AllOf(STRATEGIC, Not(Is("mode", "in_house")))),
        Question("person", ("lasting", "interns", "nobody", "unknown"), "2, duty 2", STRATEGIC),
        Question("routine", YES_NO, "3, synthesis", STRATEGIC),
        Question("seo_expert", YES_NO, "1 and 2", LIGHT),
        Question("light_mode", ("in_house", "outsource", "undecided"), "1", LIGHT),
    ),
    outcomes=(
        Outcome("in_house", IN_HOUSE, Not(NOBODY)),
        Outcome("agency", AGENCY, Not(LINK_HARD)),
        Outcome("hybrid", HYBRID),
        Outcome("intern", INTERN, LIGHT),
        Outcome("seo_expert", SEO_EXPERT, LIGHT, (("find", Not(SEO_THERE)),)),
    ),
    advice=(
        _advice_v1("keep_control", STRATEGIC, "2, duty 1"),
        _advice_v1("lasting_person", STRATEGIC, "2, duty 2"),
        _advice_v1("best_skills", STRATEGIC, "2, duty 3"),
        _advice_v1("agency_as_team", AnyOf(AGENCY, HYBRID), "2, keeping control"),
        _advice_v1(
            "secure_link",
            AnyOf(Is("agency_link", "no"), Is("agency_link", "unknown")),
            "2, keeping control",
        ),
        _advice_v1("train_person", Is("person", "interns"), "2, keeping control"),
        _advice_v1("keep_interns", Is("person", "interns"), "2, keeping control"),
        _advice_v1("appoint_person", Is("person", "nobody"), "2, duty 2"),
        _advice_v1("subcontract_routine", AllOf(STRATEGIC, Is("routine", "yes")), "3, synthesis"),
        _advice_v1("reconsider_orientation", AllOf(STRATEGIC, Is("orientation", "seo")), "2, criteria"),
        _advice_v1("simple_tools", SEO_EXPERT, "1, orientation"),
        _advice_v1("check_unknowns", PROVISIONAL, "2, criteria"),
    ),
    strategic=STRATEGIC,
    control=(KEY, *CRITERIA_MET),
    provisional=PROVISIONAL,
)
"""The first version, for recommendations that were finished under it. Same questions and outcomes, other advice."""

FLOW = replace(FLOW_V1, version=2, advice=ADVICE, arguments=ARGUMENTS, earlier={1: FLOW_V1})
