"""The flow of the article: run community management in-house, or hand it over?

Source: Emmanuel Higel, "Internalisation ou externalisation de votre « community management » : que choisir ?". Each
question and each piece of advice names the section it comes from. The texts are in the catalogs.
"""

from dialogs.flow import Advice, AllOf, AnyOf, Fact, Flow, Is, Not, Outcome, Question

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

FLOW = Flow(
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
        Outcome("in_house", IN_HOUSE),
        Outcome("agency", AGENCY),
        Outcome("hybrid", HYBRID),
        Outcome("intern", INTERN),
        Outcome("seo_expert", SEO_EXPERT),
    ),
    advice=(
        Advice("keep_control", STRATEGIC, "2, duty 1"),
        Advice("lasting_person", STRATEGIC, "2, duty 2"),
        Advice("best_skills", STRATEGIC, "2, duty 3"),
        Advice("agency_as_team", AnyOf(AGENCY, HYBRID), "2, keeping control"),
        Advice(
            "secure_link",
            AnyOf(Is("agency_link", "no"), Is("agency_link", "unknown")),
            "2, keeping control",
        ),
        Advice("train_person", Is("person", "interns"), "2, keeping control"),
        Advice("keep_interns", Is("person", "interns"), "2, keeping control"),
        Advice("appoint_person", Is("person", "nobody"), "2, duty 2"),
        Advice("subcontract_routine", AllOf(STRATEGIC, Is("routine", "yes")), "3, synthesis"),
        Advice("reconsider_orientation", AllOf(STRATEGIC, Is("orientation", "seo")), "2, criteria"),
        Advice("simple_tools", SEO_EXPERT, "1, orientation"),
        Advice("check_unknowns", PROVISIONAL, "2, criteria"),
    ),
    strategic=STRATEGIC,
    control=(KEY, *CRITERIA_MET),
    provisional=PROVISIONAL,
)
