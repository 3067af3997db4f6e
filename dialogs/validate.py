"""Check answers that come from outside: every fault at once, each with the nearest valid id."""

from typing import TypedDict

from dialogs.model import Flow, Question
from dialogs.words import Words

MOST_SHOWN = 40
"""How many characters of what somebody gave a message repeats."""

MOST_COMPARED = 20
"""How many wrong ids get the nearest valid one named: finding it takes long, and nobody reads more of them."""


class Fault(TypedDict):
    """One thing wrong, as in the public JSON. `question`: as it was given; None when the fault is not about one."""

    question: str | None
    message: str


def validate(flow: Flow, answers: object, text: Words) -> tuple[dict[str, str], list[Fault]]:
    """Return those of `answers` that are valid, and the faults of all others, in the order given.

    `answers` should be a mapping of question ids to option ids; anything else is a fault, never an exception.
    Ids are taken as they are: words and aliases only help to name the nearest one.
    """
    if not isinstance(answers, dict):
        return {}, [fault(text, "not_object")]
    valid: dict[str, str] = {}
    faults: list[Fault] = []
    for given, option in answers.items():
        question = flow.question(given)
        if question is None:
            faults.append(_unknown_question(flow, str(given), text, compare=len(faults) < MOST_COMPARED))
        elif not isinstance(option, str):
            faults.append(fault(text, "not_text", question.id))
        elif option not in question.options:
            faults.append(_unknown_answer(question, option, text, compare=len(faults) < MOST_COMPARED))
        else:
            valid[question.id] = option
    return valid, faults


def fault(text: Words, id: str, question: str | None = None, /, **values: str) -> Fault:
    """Return the fault ``invalid.<id>``, its message filled with `values`."""
    if question is not None:
        values["question"] = shown(question)
    return {"question": question, "message": text.text(f"invalid.{id}", **values)}


def shown(given: str) -> str:
    """Return what somebody gave as a message may repeat it: short, and printable on any terminal."""
    cut = given if len(given) <= MOST_SHOWN else f"{given[: MOST_SHOWN - 1]}…"
    return "".join(character if character.isprintable() else "�" for character in cut)


def _unknown_question(flow: Flow, given: str, text: Words, *, compare: bool) -> Fault:
    ids = tuple(question.id for question in flow.questions)
    close = _nearest(given, ids) if compare else None
    if close is None:
        message = text.text("invalid.question_plain", given=shown(given), valid=", ".join(ids))
    else:
        message = text.text("invalid.question", given=shown(given), nearest=close)
    return {"question": given, "message": message}


def _unknown_answer(question: Question, given: str, text: Words, *, compare: bool) -> Fault:
    close = _nearest(given, question.options) if compare else None
    valid = ", ".join(question.options)
    if close is None:
        return fault(text, "answer", question.id, given=shown(given), valid=valid)
    return fault(text, "answer_nearest", question.id, given=shown(given), nearest=close, valid=valid)


def _nearest(given: str, ids: tuple[str, ...]) -> str | None:
    # Only what is wrong has to wait for the words that people use.
    from dialogs.understand import nearest

    # Nothing that long is a slip of the pen, and comparing it would take long.
    return nearest(given, ids) if len(given) <= MOST_SHOWN else None
