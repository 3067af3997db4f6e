"""The message for each fault in a quick check."""

from dialogs import presenter
from dialogs.flow import Flow
from dialogs.sentences import join_or
from dialogs.text.parse import Problem
from dialogs.translations import Translations


def problem_text(flow: Flow, t: Translations, fault: Problem) -> str:
    """Return the message for one fault in a quick check, with short names and labels instead of ids."""
    question = flow.questions_by_id.get(fault.question or "")
    name = t(f"question.{question.id}.short") if question else ""
    match fault.kind:
        case "question" if fault.nearest:
            nearest = t(f"question.{fault.nearest[0]}.short")
            return t("invalid.question", given=fault.given, nearest=nearest)
        case "question":
            valid = presenter.question_names(t, flow.questions_by_id)
            return t("invalid.question_plain", given=fault.given, valid=valid)
        case "twice" if question:
            return t("invalid.twice", question=name)
        case "answer" if question:
            valid = join_or(t, [presenter.option_label(t, question.id, option) for option in question.options])
            if fault.nearest:
                nearest = presenter.option_label(t, question.id, fault.nearest[0])
                return t("invalid.answer_nearest", given=fault.given, question=name, nearest=nearest, valid=valid)
            return t("invalid.answer", given=fault.given, question=name, valid=valid)
        case "too_many":
            return t("invalid.too_many", given=fault.given)
    return t("invalid.form", given=fault.given)
