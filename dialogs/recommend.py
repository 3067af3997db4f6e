"""The recommendation of a finished walk, and the public JSON of one check. Ids only; texts are in the presenter."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from dialogs.flow import Advice, Answers, Argument, Condition, Flow, Outcome
from dialogs.walk import Step, Walk, walk
from dialogs.what_if import reachable_outcomes, what_if

Json = dict[str, object]


class OutcomeArguments(NamedTuple):
    """What the answers say for and against an outcome, as ids of arguments."""

    outcome: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]

    @property
    def balance(self) -> int:
        """The number of arguments for it, less that against it."""
        return len(self.pros) - len(self.cons)


class Recommendation(NamedTuple):
    """The result of a finished walk.

    `control`: how firmly to keep control, 0 to ``len(flow.control)``. `provisional`: an unknown could still change it.
    `because`: every asked question with its answer. `options`: the outcomes that were compared. `challengers`: those
    that the answers speak for even more than for `outcome`, sorted.
    """

    outcome: Outcome
    strategic: bool
    control: int
    provisional: bool
    advice: tuple[Advice, ...]
    because: tuple[Step, ...]
    open_questions: tuple[str, ...]
    options: tuple[OutcomeArguments, ...]
    challengers: tuple[str, ...]


def recommend(flow: Flow, position: Walk) -> Recommendation | None:
    """Return the recommendation of a finished walk; None while a question is open."""
    return None if position.next_question is not None else _recommend(flow, position.path)


@lru_cache(maxsize=1 << 14)
def _recommend(flow: Flow, path: tuple[Step, ...]) -> Recommendation:
    answers = dict(path)
    outcome = next(outcome for outcome in flow.outcomes if outcome.when.evaluate(answers))
    options = compare_outcomes(flow, answers)
    return Recommendation(
        outcome=outcome,
        strategic=bool(flow.strategic.evaluate(answers)),
        control=control_level(flow, answers),
        provisional=bool(flow.provisional.evaluate(answers)),
        advice=tuple(advice for advice in flow.advice if advice.when.evaluate(answers)),
        because=path,
        open_questions=tuple(step.question for step in path if step.option == "unknown"),
        options=options,
        challengers=_challengers(options, outcome),
    )


def compare_outcomes(flow: Flow, answers: Answers) -> tuple[OutcomeArguments, ...]:
    """Return the arguments for and against each outcome that applies, in the order of the flow."""

    def true(arguments: tuple[Argument, ...]) -> tuple[str, ...]:
        return tuple(argument.id for argument in arguments if argument.when.evaluate(answers))

    return tuple(
        OutcomeArguments(each.outcome, true(each.pros), true(each.cons))
        for each in flow.arguments
        if each.applies.evaluate(answers)
    )


def _challengers(options: tuple[OutcomeArguments, ...], recommended: Outcome) -> tuple[str, ...]:
    balances = {option.outcome: option.balance for option in options}
    highest = max(balances.values(), default=0)
    if highest <= balances.get(recommended.id, highest):
        return ()
    return tuple(sorted(outcome for outcome, balance in balances.items() if balance == highest))


def control_level(flow: Flow, answers: Answers) -> int:
    """Return how many reasons to keep control are sure so far."""
    return sum(condition.evaluate(answers) is True for condition in flow.control)


def supporting(flow: Flow, condition: Condition, answers: Answers) -> tuple[str, ...]:
    """Return the questions, in the order asked, whose answers settle the value of `condition`."""
    support = set(condition.support(answers))
    return tuple(question.id for question in flow.questions if question.id in support)


def check(flow: Flow, answers: Mapping[str, str], *, with_what_if: bool = True) -> Json:
    """Return one check as the public JSON object: ``complete``, or ``partial`` while a question is open.

    `answers` holds valid ids only (see `dialogs.validate`). `with_what_if=False` leaves that list out.
    """
    position = walk(flow, answers)
    recommendation = recommend(flow, position)
    if recommendation is None:
        return {
            "status": "partial",
            "strategic": flow.strategic.evaluate(position.answers),
            "control": control_level(flow, position.answers),
            "next": position.next_question.id if position.next_question else None,
            "possible_outcomes": list(reachable_outcomes(flow, answers)),
            "unused": list(position.unused),
        }
    result: Json = {
        "status": "complete",
        "strategic": recommendation.strategic,
        "control": recommendation.control,
        "provisional": recommendation.provisional,
        "outcome": recommendation.outcome.id,
        "advice": [advice.id for advice in recommendation.advice],
        "open_questions": list(recommendation.open_questions),
        "unused": list(position.unused),
        "because": [
            {"question": question, "answer": option, "source": flow.questions_by_id[question].source}
            for question, option in recommendation.because
        ],
        "options": [
            {"outcome": option.outcome, "for": list(option.pros), "against": list(option.cons)}
            for option in recommendation.options
        ],
        "challengers": list(recommendation.challengers),
    }
    if with_what_if:
        result["what_if"] = [
            {"question": change.question, "answer": change.option, "outcomes": list(change.outcomes)}
            for change in what_if(flow, answers, recommendation.because, recommendation.outcome.id)
        ]
    return result
