"""Notices and replies that are not about one dialog, as Slack messages."""

from collections.abc import Mapping, Sequence

from adapters.ports import CardRef, CheckSummary
from adapters.shared.replies import CheckLine, check_lines, offer_buttons, short_reply
from adapters.slack.block_kit import Block, Message, button, escape, header, render, section
from adapters.slack.button_value import ButtonContext, Surface
from adapters.slack.gateway import is_public
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.session import Actor, Session
from dialogs.text.parse import Ambiguous, Command, Parsed, Problems
from dialogs.text.problems import problem_text
from dialogs.translations import Translations, translations
from dialogs.views import Button, HelpCard, Notice, View


def notice(view: View, session: Session | None, language: str) -> Message:
    """Return a notice that only the actor sees."""
    button_context = ButtonContext("notice", session.id, session.revision) if session else ButtonContext("notice")
    return render(view, button_context, translations(language))


def short_notice(actor: Actor, id: str, *actions: str, primary: str | None = None) -> Message:
    """Return the text `id` with a button for each action. `primary`: the action whose button is emphasized."""
    t = translations(actor.language)
    buttons = tuple(Button(action, t(f"label.{action}"), primary=action == primary) for action in actions)
    return notice(Notice(id, t(id), buttons), None, actor.language)


def reply(actor: Actor, parsed: Parsed, checks: Sequence[CheckSummary] = ()) -> Message:
    """Return the answer to text or a button that is not about one dialog. `checks`: for *my checks*."""
    match parsed:
        case Command("my_checks"):
            return check_list(actor, checks)
        case Command("forget_me"):
            return short_notice(actor, "forget.confirm", "forget_confirm", "close")
        case Command("form"):
            return short_notice(actor, "slack.form_offer", "open_form", primary="open_form")
        case Ambiguous() | Problems():
            return suggestions(actor, parsed)
        case Command("help"):
            return help_message(actor)
    t = translations(actor.language)
    if short := short_reply(t, parsed):
        return notice(short, None, actor.language)
    return help_message(actor, t("slack.not_understood"))


def help_message(actor: Actor, note: str | None = None) -> Message:
    """Return what the app does and how to use it in Slack, below a note."""
    t = translations(actor.language)
    card = presenter.help_card(t)
    parts = (*([note] if note else ()), *card.parts, t("slack.help"))
    buttons = (*card.buttons, *(Button(action, t(f"label.{action}")) for action in ("open_form", "my_checks")))
    return notice(HelpCard(card.title, parts, buttons), None, actor.language)


def suggestions(actor: Actor, parsed: Ambiguous | Problems) -> Message:
    """Return what is wrong with typed text, or a button for each thing it may mean."""
    t = translations(actor.language)
    help_button = Button("help", t("label.help"))
    if isinstance(parsed, Problems):
        problems = [problem_text(FLOW, t, problem) for problem in parsed.problems]
        text = "\n".join((*problems, t("help.quick")))
        return notice(Notice("problems", text, (help_button,)), None, actor.language)
    offers = offer_buttons(t, parsed.candidates, encode_answers)
    buttons = tuple(dict.fromkeys((*offers, help_button)))
    return notice(Notice("did_you_mean", t("notice.did_you_mean"), buttons), None, actor.language)


def encode_answers(answers: Mapping[str, str]) -> str:
    """Return answers as the option of a button. `adapters.shared.router.decode_answers` reads them."""
    return ",".join(f"{question}={option}" for question, option in answers.items())


def check_list(actor: Actor, checks: Sequence[CheckSummary]) -> Message:
    """Return a person's checks as a message."""
    t = translations(actor.language)
    if not checks:
        return short_notice(actor, "checks.none", "start", primary="start")
    sections = check_sections(t, checks, "notice")
    lines = (block["text"]["text"] for block in sections)
    return {"text": "\n".join((escape(t("checks.title")), *lines)), "blocks": [header(t("checks.title")), *sections]}


def check_sections(t: Translations, checks: Sequence[CheckSummary], surface: Surface) -> list[Block]:
    """Return a section for each check, with a button that opens it."""
    blocks = []
    for line in check_lines(t, checks, _place):
        open_button = button(Button("open_check", t("label.open_check")), ButtonContext(surface, line.session))
        open_button["action_id"] = f"open_check:{line.session}"  # unique in the list
        link = (line.post or {}).get("link")
        see_post = [f"<{link}|{escape(t('label.open_post'))}>"] if isinstance(link, str) else []
        about = " · ".join((_local_time(t, line), line.status, *see_post))
        blocks.append(section(f"*{escape(line.title)}*\n{about}") | {"accessory": open_button})
    return blocks


def _place(card: CardRef) -> str | None:
    """Return the channel of a post or card; None if only the person sees it."""
    return f"<#{card.get('channel')}>" if is_public(card) and card.get("channel") else None


def _local_time(t: Translations, line: CheckLine) -> str:
    """Return a date that Slack shows in the reader's time zone."""
    shown = (
        t("checks.date_time", date="{date_short_pretty}", time="{time}") if line.with_time else "{date_short_pretty}"
    )
    return f"<!date^{int(line.updated_at.timestamp())}^{shown}|{escape(line.when)}>"
