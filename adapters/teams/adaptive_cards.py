"""The few pieces our Adaptive Cards are made of. Colours are named by meaning only, so that every theme has its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dialogs.views import AnswerRow, Button, Control

Json = dict[str, Any]

MAX_ACTIONS = 6
MAX_FALLBACK_LENGTH = 2_500


def text(words: str, **looks: object) -> Json:
    """A paragraph of our own words, which hold no Markdown."""
    return {"type": "TextBlock", "text": words, "wrap": True, **looks}


def heading(words: str, **looks: object) -> Json:
    return text(words, **({"style": "heading", "weight": "Bolder", "size": "Medium"} | looks))


def quiet(words: str, **looks: object) -> Json:
    return text(words, isSubtle=True, size="Small", **looks)


def literal(words: str, **looks: object) -> Json:
    """A line with somebody's own words in it, a name for one: a run of text is never read as Markdown."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": words, **looks}]}


def box(items: Sequence[Json], style: str = "emphasis", **looks: object) -> Json:
    return {"type": "Container", "style": style, "items": list(items), **looks}


def section(title: str, items: Iterable[Json], *, apart: bool = True) -> list[Json]:
    """A heading with what belongs under it; nothing where that is empty."""
    found = list(items)
    return [heading(title, separator=apart, spacing="Large" if apart else "Medium"), *found] if found else []


def listed(title: str, items: Iterable[str]) -> list[Json]:
    return section(title, (text(f"• {item}", spacing="Small") for item in items))


def rows(title: str, given: Iterable[AnswerRow], *, apart: bool = True, cited: bool = False) -> list[Json]:
    """Questions with their answers, and `cited` with their places in the article."""
    facts = [{"title": row.name, "value": f"{row.answer} ({row.source})" if cited else row.answer} for row in given]
    return section(title, [{"type": "FactSet", "facts": facts, "spacing": "Small"}] if facts else [], apart=apart)


def control(found: Control | None) -> list[Json]:
    """How firmly to keep control: a bar and its words, side by side; a screen reader gets the figures."""
    if not found:
        return []
    bar = text(found.bar, color="Accent", weight="Bolder", size="Large", spacing="None")
    return [
        {
            "type": "ColumnSet",
            "spacing": "Medium",
            "columns": [
                {"type": "Column", "width": "auto", "items": [bar], "verticalContentAlignment": "Center"},
                {
                    "type": "Column",
                    "width": "stretch",
                    "items": [
                        text(f"{found.title} ({found.level}/{found.max_level})", weight="Bolder"),
                        text(found.text, spacing="None"),
                    ],
                },
            ],
        }
    ]


def choice_set(id: str, label: str, choices: Iterable[tuple[str, str]], **looks: object) -> Json:
    """A choice from a list of titles and values."""
    listed_choices = [{"title": title, "value": value} for title, value in choices]
    return {"type": "Input.ChoiceSet", "id": id, "label": label, "choices": listed_choices, **looks}


def execute(button: Button, ids: Mapping[str, object], style: str = "default") -> Json:
    """A button. Clients that know no Action.Execute fall back to Action.Submit, with the same data."""
    data: Json = {"action": button.action, **ids}
    data |= {"question": button.question} if button.question is not None else {}
    data |= {"option": button.option} if button.option is not None else {}
    look = {"title": button.label} | ({} if style == "default" else {"style": style})
    if button.action == "open_form":
        # Only Action.Submit opens a task module.
        return {"type": "Action.Submit", **look, "data": {**data, "msteams": {"type": "task/fetch"}}}
    fallback = {"type": "Action.Submit", **look, "data": data}
    return {"type": "Action.Execute", **look, "verb": button.action, "data": data, "fallback": fallback}


def submit(button: Button, data: Mapping[str, object]) -> Json:
    """A button of a form in a task module."""
    made: Json = {"type": "Action.Submit", "title": button.label, "data": {"action": button.action, **data}}
    return made | ({"style": "positive"} if button.primary else {})


def actions(buttons: Iterable[Button], ids: Mapping[str, object], **looks: object) -> list[Json]:
    """A row of buttons, an ActionSet: outside one, older clients do not honour the fallback."""
    found = [execute(button, ids, _style(button)) for button in buttons]
    return [{"type": "ActionSet", "actions": found, **looks}] if found else []


def _style(button: Button) -> str:
    if button.action == "forget_confirm":
        return "destructive"
    return "positive" if button.primary else "default"


def card(body: Sequence[Json], words: str, *, speak: str | None = None, wide: bool = False) -> Json:
    """The whole card. `words`: all it says, for clients that cannot draw it."""
    made: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": list(body),
        "fallbackText": words[:MAX_FALLBACK_LENGTH],
        "speak": _spoken(speak or words),
    }
    return made | ({"msteams": {"width": "Full"}} if wide else {})


def _spoken(words: str) -> str:
    """What is read aloud may be taken for SSML, in which these have a meaning."""
    return words[:MAX_FALLBACK_LENGTH].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
