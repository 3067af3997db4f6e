"""Views -> Block Kit. One idea a card: a quiet line above, the matter, the way on, and the ways back below it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapters.slack.button_value import ButtonContext, action_id, encode_value
from dialogs.plain_text import plain_text
from dialogs.translations import Translations
from dialogs.views import (
    AdviceLine,
    Announcement,
    AnswerRow,
    Button,
    Control,
    HelpCard,
    Notice,
    PartialResultCard,
    Preview,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

Block = dict[str, Any]
Message = dict[str, Any]
"""``text`` and ``blocks``, as every way of sending a message takes them."""

SECTION = 2900
"""Characters in a section; Slack takes 3,000."""
DANGER = frozenset({"forget_confirm", "delete"})
LEAD = frozenset({"post", "keep_private", "continue", "start", "run_own", "new_check", "retry_post", "details"})
"""Buttons that lead on; the others lead back or aside, and stand in a row of their own."""


def message(
    view: View | Announcement, button_context: ButtonContext, t: Translations, share: str | None = None
) -> Message:
    """Return the view as a message. `share`: a line saying where a post would go."""
    spoken = escape(plain_text(view))
    if isinstance(view, Announcement):
        spoken = spoken.replace("{person}", f"<@{view.owner}>")
    return {"text": spoken, "blocks": list(_blocks(view, button_context, t, share))}


def words_only(said: str, button_context: ButtonContext, buttons: Sequence[Button] = ()) -> Message:
    """Return a short word with buttons."""
    return {"text": escape(said), "blocks": [*_sections(escape(said)), *_rows_of_buttons(buttons, button_context)]}


def escape(said: str) -> str:
    """Return `said` so that Slack shows it and acts on nothing in it."""
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(
    view: View | Announcement, button_context: ButtonContext, t: Translations, share: str | None
) -> Iterator[Block]:
    match view:
        case Notice():
            yield from _sections(escape(view.text))
            yield from _rows_of_buttons(view.buttons, button_context)
        case HelpCard():
            yield header(view.title)
            yield from (block for part in view.parts for block in _sections(escape(part)))
            yield from _rows_of_buttons(view.buttons, button_context)
        case QuestionCard():
            yield from _prompt(view, button_context)
        case ReviewCard():
            yield from _review(view, button_context, t, share)
        case RecommendationCard():
            yield from _recommendation(view, button_context, share)
        case PartialResultCard():
            yield from _verdict(view, button_context, share)
        case Announcement():
            yield from _announcement(view, button_context)


# --- Cards --------------------------------------------------------------------------------------------------------


def _prompt(view: QuestionCard, button_context: ButtonContext) -> Iterator[Block]:
    yield from _notes(view.note)
    yield context(view.progress)
    yield section(f"*{escape(view.text)}*")
    if view.current:
        yield context(view.current)
    for part in view.help:
        yield section(f"*{escape(part.title)}*\n{escape(part.text)}")
    yield actions(view.choices, button_context)
    if view.buttons:
        yield actions(view.buttons, button_context)


def _review(view: ReviewCard, button_context: ButtonContext, t: Translations, share: str | None) -> Iterator[Block]:
    yield from _notes(view.note)
    yield header(view.title)
    yield context(view.intro)
    for row in view.rows:
        change = button(Button("change", view.change, row.question), button_context)
        change["accessibility_label"] = t("slack.change_of", question=row.name)[:75]
        yield section(f"{escape(row.name)}\n*{escape(row.answer)}*") | {"accessory": change}
    if view.unused:
        yield context(f"{view.unused_title}\n" + "\n".join(f"{row.name} · {row.answer}" for row in view.unused))
    if view.preview:
        yield {"type": "divider"}
        yield from _preview(view.preview)
    yield from _share(view.share, share)
    yield from _rows_of_buttons(view.buttons, button_context)


def _preview(preview: Preview) -> Iterator[Block]:
    yield context(preview.title)
    yield section(f"*{escape(preview.outcome)}*\n{escape(preview.summary)}")
    if preview.control:
        yield _control(preview.control)


def _recommendation(view: RecommendationCard, button_context: ButtonContext, share: str | None) -> Iterator[Block]:
    yield from _notes(view.note)
    yield context(view.title)
    yield header(view.outcome)
    yield section(escape(view.summary))
    if view.provisional:
        yield section(f":warning: {escape(view.provisional)}")
    if view.control:
        yield _control(view.control)
    yield {"type": "divider"}
    if view.advice:
        yield section(f"*{escape(view.advice_title)}*")
    for line in view.advice:
        yield section(f"*{escape(line.title)}* · {_source(line)}\n{escape(line.text)}\n{escape(line.step)}")
    yield {"type": "divider"}
    yield from _titled(view.because_title, _answers(view.because, cited=True))
    yield from _titled(view.others_title, _answers(view.others, cited=True))
    yield from _titled(view.what_if_title, map(escape, view.what_if))
    yield from _titled(view.open_title, map(escape, view.open))
    yield from _titled(view.unused_title, _answers(view.unused))
    yield context(view.caveat)
    yield from _share(view.share, share)
    yield from _rows_of_buttons(view.buttons, button_context)


def _verdict(view: PartialResultCard, button_context: ButtonContext, share: str | None) -> Iterator[Block]:
    yield from _notes(view.note)
    yield header(view.title)
    yield section(f"*{escape(view.strategic)}*")
    if about := [line for line in (view.since, view.control) if line]:
        yield context("\n".join(about))
    yield from _titled("", _answers(view.rows))
    yield from _titled(view.possible_title, map(escape, view.possible))
    yield from _titled(view.unused_title, _answers(view.unused))
    if view.next:
        yield section(escape(view.next))
    yield context(view.caveat)
    yield from _share(view.share, share)
    yield from _rows_of_buttons(view.buttons, button_context)


def _announcement(view: Announcement, button_context: ButtonContext) -> Iterator[Block]:
    yield header(view.title)
    yield {"type": "context", "elements": [_mrkdwn(escape(view.by).replace("{person}", f"<@{view.owner}>"))]}
    yield section(f"*{escape(view.headline)}*\n{escape(view.summary)}")
    if view.control:
        yield _control(view.control)
    yield from _titled(view.because_title, _answers(view.because))
    if view.steps:
        steps = (f"*{escape(line.title)}*\n{escape(line.step)}" for line in view.steps)
        yield section(f"*{escape(view.steps_title)}*")
        yield from map(section, steps)
    yield context(f"{view.sources}\n{view.caveat}")
    yield from _rows_of_buttons(view.buttons, button_context)


# --- Pieces -------------------------------------------------------------------------------------------------------


def header(said: str) -> Block:
    """A title: plain text of at most 150 characters."""
    return {"type": "header", "text": {"type": "plain_text", "text": said[:150]}}


def section(mrkdwn: str) -> Block:
    """A paragraph of at most 3,000 characters, already escaped."""
    return {"type": "section", "text": _mrkdwn(mrkdwn)}


def context(said: str) -> Block:
    """A quiet line."""
    return {"type": "context", "elements": [_mrkdwn(escape(said)[:2000])]}


def actions(buttons: Iterable[Button], button_context: ButtonContext) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": [button(each, button_context) for each in buttons]}


def button(view: Button, button_context: ButtonContext) -> Block:
    """A button with exactly the label of the view."""
    drawn: Block = {
        "type": "button",
        "action_id": action_id(view),
        "text": {"type": "plain_text", "text": view.label[:75]},
        "value": encode_value(view, button_context),
    }
    if view.primary:
        drawn["style"] = "primary"
    elif view.action in DANGER:
        drawn["style"] = "danger"
    return drawn


def _rows_of_buttons(buttons: Sequence[Button], button_context: ButtonContext) -> Iterator[Block]:
    leading = [each for each in buttons if each.action in LEAD or each.question]
    for row in (leading, [each for each in buttons if each not in leading]):
        if row:
            yield actions(row, button_context)


def _mrkdwn(said: str) -> Block:
    return {"type": "mrkdwn", "text": said}


def _notes(notes: Iterable[str]) -> Iterator[Block]:
    return (section(f">{escape(note)}") for note in notes)


def _control(control: Control) -> Block:
    return section(f"*{escape(control.title)}*  {control.bar}\n{escape(control.text)}")


def _share(shared: str | None, where: str | None) -> Iterator[Block]:
    if shared:
        yield {"type": "divider"}
        # `where` is ours and may name a channel as Slack does; the rest is only words.
        elements = [_mrkdwn(escape(shared))] if where is None else [_mrkdwn(where), _mrkdwn(escape(shared))]
        yield {"type": "context", "elements": elements}


def _answers(rows: Iterable[AnswerRow], *, cited: bool = False) -> Iterator[str]:
    for row in rows:
        yield f"{escape(row.name)} · *{escape(row.answer)}*" + (f" · {_source(row)}" if cited else "")


def _source(line: AnswerRow | AdviceLine) -> str:
    return f"_{escape(line.source)}_"


def _titled(title: str, lines: Iterable[str]) -> Iterator[Block]:
    # The lines are escaped already.
    if listed := [f"•  {line}" for line in lines]:
        yield from _sections("\n".join([f"*{escape(title)}*", *listed] if title else listed))


def _sections(mrkdwn: str) -> Iterator[Block]:
    """Cut at line ends into as many sections as it takes."""
    part = ""
    for line in mrkdwn.split("\n"):
        if part and len(part) + 1 + len(line) > SECTION:
            yield section(part)
            part = ""
        part = f"{part}\n{line}" if part else line[:SECTION]
    if part:
        yield section(part)
