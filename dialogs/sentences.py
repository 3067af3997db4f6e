"""Sentences made of clauses: the reasons of a recommendation, and what would change it."""

from collections.abc import Iterable

from dialogs.flow import Answers, Condition, Flow
from dialogs.recommend import Recommendation, supporting
from dialogs.translations import Translations
from dialogs.what_if import what_if


def join_or(t: Translations, items: list[str]) -> str:
    """Return "a, b or c"."""
    if len(items) < 2:
        return "".join(items)
    return t("list.or", first=", ".join(items[:-1]), last=items[-1])


def join_and(t: Translations, items: list[str]) -> str:
    """Return "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return t("list.and", first=", ".join(items[:-1]), last=items[-1])


def because_sentence(t: Translations, clauses: list[str]) -> str:
    """Return "Because a, b and c."."""
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


def capitalized(text: str) -> str:
    """Return the text with a capital at its start, and the rest as it is."""
    return text[:1].upper() + text[1:]
