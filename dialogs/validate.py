"""Check answers from outside. All faults are reported at once, each with the nearest valid id."""

from typing import TypedDict

from dialogs.flow import Flow
from dialogs.translations import Translations

MAX_QUOTED = 40
"""Characters of an invalid id that a message repeats."""

MAX_COMPARED = 20
"""Invalid ids for which the nearest valid id is searched: the search is slow, and nobody reads more messages."""


class AnswerError(TypedDict):
    """One fault, as in the public JSON. `question`: the id as received; None if the fault is not about one."""

    question: str | None
    message: str


def validate(flow: Flow, answers: object, t: Translations) -> tuple[dict[str, str], list[AnswerError]]:
    """Return those of `answers` that are valid, and a fault for each of the others, in the order received.

    `answers` should be a mapping of question ids to option ids; anything else is a fault, never an exception.
    Ids must match exactly. Synonyms are used only to find the nearest id.
    """
    if not isinstance(answers, dict):
        return {}, [answer_error(t, "not_object")]
    valid: dict[str, str] = {}
    errors: list[AnswerError] = []
    for id, option in answers.items():
        question = flow.questions_by_id.get(id)
        compare = len(errors) < MAX_COMPARED
        if question is None:
            errors.append(_unknown_question(flow, str(id), t, compare=compare))
        elif not isinstance(option, str):
            errors.append(answer_error(t, "not_text", id))
        elif option not in question.options:
            quoted, options = printable(option), ", ".join(question.options)
            if nearest := _nearest(option, question.options) if compare else None:
                errors.append(answer_error(t, "answer_nearest", id, given=quoted, nearest=nearest, valid=options))
            else:
                errors.append(answer_error(t, "answer", id, given=quoted, valid=options))
        else:
            valid[id] = option
    return valid, errors


def answer_error(t: Translations, id: str, question: str | None = None, /, **values: str) -> AnswerError:
    """Return the fault ``invalid.<id>``, its message filled with `values`."""
    if question is not None:
        values["question"] = printable(question)
    return {"question": question, "message": t(f"invalid.{id}", **values)}


def printable(text: str) -> str:
    """Return text from outside as a message may repeat it: shortened, unprintable characters replaced."""
    shortened = text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"
    return "".join(character if character.isprintable() else "�" for character in shortened)


def _unknown_question(flow: Flow, id: str, t: Translations, *, compare: bool) -> AnswerError:
    ids = tuple(flow.questions_by_id)
    if nearest := _nearest(id, ids) if compare else None:
        message = t("invalid.question", given=printable(id), nearest=nearest)
    else:
        message = t("invalid.question_plain", given=printable(id), valid=", ".join(ids))
    return {"question": id, "message": message}


def _nearest(id: str, valid: tuple[str, ...]) -> str | None:
    # Imported here because it loads the lexicon, which valid answers do not need.
    from dialogs.text.lexicon import nearest

    # A text this long is not a misspelled id, and comparing it would be slow.
    return nearest(id, valid) if len(id) <= MAX_QUOTED else None
