"""The elements of the Adaptive Cards. Colors are named by meaning, so that every theme has its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dialogs.views import AnswerRow, Button, Control

Json = dict[str, Any]

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
MAX_ACTIONS = 6
MAX_FALLBACK_LENGTH = 2_500


def text(value: str, **style: object) -> Json:
    """A paragraph of our own text, which contains no Markdown."""
    return {"type": "TextBlock", "text": value, "wrap": True, **style}


def heading(value: str, **style: object) -> Json:
    return text(value, **({"style": "heading", "weight": "Bolder", "size": "Medium"} | style))


def subtle(value: str, **style: object) -> Json:
    return text(value, isSubtle=True, size="Small", **style)


def run(value: str, **style: object) -> Json:
    """A part of a rich text. It is never read as Markdown."""
    return {"type": "TextRun", "text": value, **style}


def rich_text(*runs: Json, **style: object) -> Json:
    """A paragraph of parts that look different."""
    return {"type": "RichTextBlock", "inlines": list(runs), **style}


def literal(value: str, **style: object) -> Json:
    """A line that contains text of a person, for example a name, which may look like Markdown."""
    return rich_text(run(value, **style))


def container(items: Sequence[Json], style: str = "emphasis", **more: object) -> Json:
    return {"type": "Container", "style": style, "items": list(items), **more}


def section(title: str, items: Iterable[Json]) -> list[Json]:
    """A heading and its elements; nothing if there are no elements."""
    elements = list(items)
    return [heading(title, separator=True, spacing="Large"), *elements] if elements else []


def bullets(title: str, items: Iterable[str]) -> list[Json]:
    return section(title, (text(f"• {item}", spacing="Small") for item in items))


def answers(title: str, rows: Iterable[AnswerRow], *, cited: bool = False) -> list[Json]:
    """A section with questions and their answers. `cited`: with the places in the article."""
    pairs = ((row.name, f"{row.answer} ({row.source})" if cited else row.answer) for row in rows)
    return section(title, facts(pairs, spacing="Small"))


def facts(pairs: Iterable[tuple[str, str]], **style: object) -> list[Json]:
    """A list of titles and values; nothing if it is empty."""
    items = [{"title": title, "value": value} for title, value in pairs]
    return [{"type": "FactSet", "facts": items, **style}] if items else []


def column(items: Sequence[Json], width: str = "stretch", align: str = "Top") -> Json:
    return {"type": "Column", "width": width, "items": list(items), "verticalContentAlignment": align}


def columns(*items: Json, **style: object) -> Json:
    """Columns side by side. Empty ones are left out."""
    return {"type": "ColumnSet", "columns": [item for item in items if item["items"]], **style}


def control(view: Control | None) -> list[Json]:
    """How much control to keep: a bar with its text beside it. A screen reader reads the numbers."""
    if not view:
        return []
    bar = text(view.bar, color="Accent", weight="Bolder", size="Large", spacing="None")
    title = text(f"{view.title} ({view.level}/{view.max_level})", weight="Bolder")
    explained = column([title, text(view.text, spacing="None")])
    return [columns(column([bar], "auto", "Center"), explained, spacing="Medium")]


def meter(view: Control) -> Json:
    """How much control to keep, in one line without the text."""
    title = f"  {view.title} ({view.level}/{view.max_level})"
    return rich_text(run(view.bar, color="Accent", weight="Bolder"), run(title, isSubtle=True, size="Small"))


def progress(bar: str, words: str) -> Json:
    """How far a dialog is: a bar, if there is one, and the same in words."""
    if not bar:
        return rich_text(run(words, size="Small"))
    return rich_text(run(bar, color="Accent", weight="Bolder"), run(f"  {words}", size="Small"))


def choice_set(id: str, label: str, choices: Iterable[tuple[str, str]], **style: object) -> Json:
    """A choice from a list of titles and values."""
    items = [{"title": title, "value": value} for title, value in choices]
    return {"type": "Input.ChoiceSet", "id": id, "label": label, "choices": items, **style}


def execute(button: Button, ids: Mapping[str, object]) -> Json:
    """A button. Clients that do not support Action.Execute use the Action.Submit in `fallback`, with the same data."""
    data: Json = {"action": button.action, **ids}
    if button.question is not None:
        data["question"] = button.question
    if button.option is not None:
        data["option"] = button.option
    look = {"title": f"{button.sign} {button.label}".strip()}
    if button.sign and not button.option:
        look["tooltip"] = button.label  # a screen reader would read the sign
    if button.url:
        return {"type": "Action.OpenUrl", **look, "url": button.url}
    if button.action == "forget_confirm":
        look["style"] = "destructive"
    elif button.primary:
        look["style"] = "positive"
    if button.action == "open_form":
        # Only Action.Submit opens a task module.
        return {"type": "Action.Submit", **look, "data": {**data, "msteams": {"type": "task/fetch"}}}
    fallback = {"type": "Action.Submit", **look, "data": data}
    return {"type": "Action.Execute", **look, "verb": button.action, "data": data, "fallback": fallback}


def submit(button: Button, data: Mapping[str, object]) -> Json:
    """A button of a form in a task module."""
    action: Json = {"type": "Action.Submit", "title": button.label, "data": {"action": button.action, **data}}
    return action | ({"style": "positive"} if button.primary else {})


def actions(buttons: Sequence[Button], ids: Mapping[str, object], **style: object) -> list[Json]:
    """The buttons as an ActionSet: outside one, older clients ignore `fallback`."""
    items = [execute(button, ids) for button in buttons]
    return [{"type": "ActionSet", "actions": items, **style}] if items else []


def card(body: Sequence[Json], fallback: str, *, speak: str | None = None, wide: bool = False) -> Json:
    """A card. `fallback`: its whole text, for clients that cannot show it. `speak`: what is read aloud instead."""
    # What is read aloud may be parsed as SSML.
    spoken = (speak or fallback)[:MAX_FALLBACK_LENGTH]
    value: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": list(body),
        "fallbackText": fallback[:MAX_FALLBACK_LENGTH],
        "speak": spoken.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    }
    return value | ({"msteams": {"width": "Full"}} if wide else {})


def mark_buttons(value: Json, mark: str) -> Json:
    """Return a card with ``{mark: true}`` in the data of every button."""

    def marked(node: Any) -> Any:
        if isinstance(node, list):
            return [marked(item) for item in node]
        if not isinstance(node, dict):
            return node
        copy = {key: marked(item) for key, item in node.items() if key != "data"}
        return copy | ({"data": {**node["data"], mark: True}} if "data" in node else {})

    card: Json = marked(value)
    return card


def attachment(value: Json) -> Json:
    """Return a card as an attachment."""
    return {"contentType": CARD_TYPE, "content": value}
