"""Sentences made of clauses: the reasons of a recommendation, and what would change it."""

from collections.abc import Iterable

from dialogs.flow import Answers, Condition, Flow
from dialogs.recommend import Recommendation, supporting
from dialogs.translations import Translations
from dialogs.what_if import what_if

WISHES = {"in_house": "in_house", "agency": "agency", "both": "hybrid"}
"""The outcome that an answer to the question ``mode`` wishes for."""


def join_or(t: Translations, items: list[str]) -> str:
    """Return "a, b, or c"."""
    return _join(t, "list.or", items)


def join_and(t: Translations, items: list[str]) -> str:
    """Return "a, b, and c"."""
    return _join(t, "list.and", items)


def _join(t: Translations, id: str, items: list[str]) -> str:
    """Join with the text `id`, or ``{id}_many`` for more than two: English has a comma there."""
    if len(items) < 2:
        return "".join(items)
    return t(f"{id}_many" if len(items) > 2 else id, first=", ".join(items[:-1]), last=items[-1])


def because_sentence(t: Translations, clauses: list[str]) -> str:
    """Return "Because a, because b, and because c."."""
    *first, last = clauses
    joined = t("because.comma").join(first)
    return t("because.sentence", clauses=f"{joined}{t('because.and')}{last}" if first else last)


def deciding_clauses(
    flow: Flow, t: Translations, result: Recommendation, condition: Condition, *, particular: bool = False
) -> list[str]:
    """Return a clause for each answer that makes `condition` true. Whether it is strategic is one clause.

    `particular`: leave that one out when there are others.
    """
    answers = dict(result.because)
    support = supporting(flow, condition, answers)
    deciding = {leaf.question for leaf in flow.strategic.leaves()}
    clauses = []
    if deciding.intersection(support):
        id = "strategic" if result.strategic else "provisional" if result.provisional else "light"
        clauses.append(t(f"because.{id}", reasons=control_reasons(flow, t, answers)))
    others = [t(f"option.{id}.{answers[id]}.because") for id in support if id not in deciding]
    wish = WISHES.get(answers.get("mode", ""), result.outcome.id)
    if "mode" in support and wish != result.outcome.id and len(others) > 1:
        # The wish comes first, as its question does, and what stands in its way follows.
        others[:2] = [t("because.but", wish=others[0], obstacle=others[1])]
    return others if particular and others else clauses + others


def control_reasons(flow: Flow, t: Translations, answers: Answers) -> str:
    """Return the names of the true reasons to keep control: "a, b and c"."""
    true = (leaf for condition in flow.control if condition.evaluate(answers) for leaf in condition.leaves())
    return join_and(t, [t(f"control.reason.{leaf.question}") for leaf in true])


def what_would_change(flow: Flow, t: Translations, answers: Answers, result: Recommendation) -> Iterable[str]:
    """Yield a sentence for each other result that one changed answer leads to. Not knowing is not worth a sentence."""
    clauses: dict[tuple[str, ...], list[str]] = {}
    criteria = {leaf.question for condition in flow.control for leaf in condition.leaves() if leaf.option == "yes"}
    for change in what_if(flow, answers, result.because, result.outcome.id):
        if change.option not in {"unknown", "undecided"}:
            clauses.setdefault(change.outcomes, []).append(f"{change.question}.{change.option}")
    for outcomes, changes in clauses.items():
        parts = [t(f"option.{change}.if") for change in changes if change.partition(".")[0] not in criteria]
        met = [change for change in changes if change.partition(".")[0] in criteria]
        if len(met) == len(criteria) and all(change.endswith(".yes") for change in met):
            parts.append(t("what_if.any_criterion"))
        else:
            parts += [t(f"option.{change}.if") for change in met]
        first, *others = parts
        clause = join_or(t, [first, *(other[:1].lower() + other[1:] for other in others)])
        phrases = [t(f"outcome.{outcome}.phrase") for outcome in outcomes]
        if len(phrases) == 1:
            yield t("what_if.one", clause=clause, outcome=phrases[0])
        else:
            yield t("what_if.several", clause=clause, outcomes=join_or(t, phrases))


def in_sentence(name: str) -> str:
    """Return a name without the capital at its start. An abbreviation stays as it is."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def capitalized(text: str) -> str:
    """Return the text with a capital at its start, and the rest as it is."""
    return text[:1].upper() + text[1:]
