"""Check answers that come from outside: every fault at once, each with the nearest valid id."""

from typing import TypedDict

from dialogs.flow import Flow, Question
from dialogs.translations import Translations

MAX_QUOTED = 40
"""How many characters of what somebody gave a message repeats."""

MAX_COMPARED = 20
"""How many wrong ids get the nearest valid one named: finding it takes long, and nobody reads more of them."""


class AnswerError(TypedDict):
    """One thing wrong, as in the public JSON. `question`: as it was given; None when the fault is not about one."""

    question: str | None
    message: str


def validate(flow: Flow, answers: object, t: Translations) -> tuple[dict[str, str], list[AnswerError]]:
    """Return those of `answers` that are valid, and the faults of all others, in the order given.

    `answers` should be a mapping of question ids to option ids; anything else is a fault, never an exception.
    Ids are taken as they are: words and aliases only help to name the nearest one.
    """
    if not isinstance(answers, dict):
        return {}, [answer_error(t, "not_object")]
    valid: dict[str, str] = {}
    faults: list[AnswerError] = []
    for given, option in answers.items():
        question = flow.question(given)
        if question is None:
            faults.append(_unknown_question(flow, str(given), t, compare=len(faults) < MAX_COMPARED))
        elif not isinstance(option, str):
            faults.append(answer_error(t, "not_text", question.id))
        elif option not in question.options:
            faults.append(_unknown_answer(question, option, t, compare=len(faults) < MAX_COMPARED))
        else:
            valid[question.id] = option
    return valid, faults


def answer_error(t: Translations, id: str, question: str | None = None, /, **values: str) -> AnswerError:
    """Return the fault ``invalid.<id>``, its message filled with `values`."""
    if question is not None:
        values["question"] = printable(question)
    return {"question": question, "message": t(f"invalid.{id}", **values)}


def printable(given: str) -> str:
    """Return what somebody gave as a message may repeat it: short, and printable on any terminal."""
    cut = given if len(given) <= MAX_QUOTED else f"{given[: MAX_QUOTED - 1]}…"
    return "".join(character if character.isprintable() else "�" for character in cut)


def _unknown_question(flow: Flow, given: str, t: Translations, *, compare: bool) -> AnswerError:
    ids = tuple(question.id for question in flow.questions)
    close = _nearest(given, ids) if compare else None
    if close is None:
        message = t("invalid.question_plain", given=printable(given), valid=", ".join(ids))
    else:
        message = t("invalid.question", given=printable(given), nearest=close)
    return {"question": given, "message": message}


def _unknown_answer(question: Question, given: str, t: Translations, *, compare: bool) -> AnswerError:
    close = _nearest(given, question.options) if compare else None
    valid = ", ".join(question.options)
    if close is None:
        return answer_error(t, "answer", question.id, given=printable(given), valid=valid)
    return answer_error(t, "answer_nearest", question.id, given=printable(given), nearest=close, valid=valid)


def _nearest(given: str, ids: tuple[str, ...]) -> str | None:
    # Only what is wrong has to wait for the words that people use.
    from dialogs.text.parse import nearest

    # Nothing that long is a slip of the pen, and comparing it would take long.
    return nearest(given, ids) if len(given) <= MAX_QUOTED else None
