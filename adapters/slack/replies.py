"""Answers to what is not about one dialog: help, a person's own checks, their language, their data."""

from datetime import datetime

from adapters.ports import CheckSummary
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext, encode_answers
from adapters.slack.context import Context, short
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import RUNNING, Actor, Status
from dialogs.text.parse import Ambiguous, Command, Match, Parsed, Problems, QuickCheck, parse, parse_quick_check
from dialogs.translations import Translations, translations
from dialogs.views import Button, HelpCard
from dialogs.walk import walk

HELP = frozenset({"help", "hello"})
ELSEWHERE = frozenset({"my_checks", "forget_me", "form"})
"""Commands that are about the person, not about the dialog at hand."""


def parse_typed(said: str, *, loose: bool) -> Parsed:
    """Read words typed outside a dialog. `loose`: a single bare answer is a quick check, too."""
    found = parse(said, FLOW, None)
    if not loose or isinstance(found, Command | QuickCheck | Problems):
        return found
    row = parse_quick_check(said, FLOW)
    return row if isinstance(row, QuickCheck | Problems) else found


async def reply(context: Context, actor: Actor, found: Parsed) -> block_kit.Message:
    """Return the answer to words that are not about one dialog."""
    match found:
        case Command("my_checks"):
            return checks(actor, await context.application.list_checks(actor))
        case Command("forget_me"):
            return short(actor, "forget.confirm", "forget_confirm", "close")
        case Command("form"):
            return short(actor, "slack.form_offer", "open_form", primary="open_form")
        case Command("language"):
            return short(actor, "slack.which_language", "language", "close")
        case Ambiguous() | Problems():
            return nearest(actor, found)
        case Command(name) if name in HELP:
            return help_card(actor)
    return help_card(actor, translations(actor.language)("slack.not_understood"))


def help_card(actor: Actor, note: str | None = None) -> block_kit.Message:
    """Return what this is and how to use it in Slack."""
    t = translations(actor.language)
    card = presenter.help_card(t)
    parts = (*([note] if note else ()), *card.parts, t("slack.help"))
    also = tuple(Button(id, t(f"label.{id}")) for id in ("open_form", "my_checks"))
    return block_kit.message(HelpCard(card.title, parts, (*card.buttons, *also)), ButtonContext("notice"), t)


def nearest(actor: Actor, found: Ambiguous | Problems) -> block_kit.Message:
    """Return what was wrong with words, and what may have been meant."""
    t = translations(actor.language)
    if isinstance(found, Problems):
        lines = [presenter.problem(FLOW, t, problem) for problem in found.problems]
        return block_kit.words_only("\n".join((*lines, t("help.quick"))), ButtonContext("notice"), _help(t))
    offers = [offer for each in found.candidates if (offer := _offer(t, each))]
    once = dict.fromkeys((*offers, *_help(t)))
    return block_kit.words_only(t("notice.did_you_mean"), ButtonContext("notice"), tuple(once))


def checks(actor: Actor, found: list[CheckSummary]) -> block_kit.Message:
    """Return a person's own checks as a message."""
    t = translations(actor.language)
    if not found:
        return short(actor, "checks.none", "start", primary="start")
    drawn = [block_kit.header(t("checks.title")), *check_blocks(t, found, "notice")]
    said = "\n".join((t("checks.title"), *(check_text(t, each)[1] for each in found)))
    return {"text": block_kit.escape(said), "blocks": drawn}


def check_blocks(t: Translations, found: list[CheckSummary], surface: str) -> list[block_kit.Block]:
    """Return a section a check, each with the way to it."""
    drawn = []
    for each in found:
        running = each.session.status in RUNNING
        action = "resume" if running else "see_recommendation"
        button_context = ButtonContext("home" if surface == "home" else "notice", each.session.id)
        # The id of the session makes the button's own id unique.
        way = block_kit.button(Button(action, t(f"label.{action}")), button_context)
        way["action_id"] = f"{action}:{each.session.id}"
        drawn.append(block_kit.section(check_text(t, each)[0]) | {"accessory": way})
    return drawn


def check_text(t: Translations, check: CheckSummary) -> tuple[str, str]:
    """Return one check in a line, as Slack's mrkdwn and as plain words."""
    session = check.session
    result = recommend(FLOW, walk(FLOW, session.answers))
    title = t(f"outcome.{result.outcome.id}.title") if result else t("verdict.title")
    status = {Status.POSTED: "posted", Status.KEPT: "kept"}.get(session.status, "in_progress")
    outcome = title if result or session.status not in RUNNING else t("checks.in_progress")
    line = t("checks.item", date="{date}", outcome=outcome)
    stamp = t(f"checks.{status}")
    link = (check.post or {}).get("link")
    shown = f"<{link}|{block_kit.escape(stamp)}>" if link else block_kit.escape(stamp)
    plain_date = check.updated_at.strftime("%d/%m/%Y" if t.language == "fr" else "%Y-%m-%d")
    drawn = block_kit.escape(line).replace("{date}", _date(check.updated_at, plain_date))
    return f"*{drawn}*\n{shown}", f"{line.replace('{date}', plain_date)} ({stamp})"


def _date(moment: datetime, fallback: str) -> str:
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}}|{fallback}>"


def _help(t: Translations) -> tuple[Button, ...]:
    return (Button("help", t("label.help")),)


def _offer(t: Translations, meant: Match) -> Button | None:
    match meant:
        case QuickCheck(answers):
            named = (
                f"{t(f'question.{question}.short')} · {presenter.option_label(t, question, option)}"
                for question, option in answers.items()
            )
            label = ", ".join(named)
            return Button("quick", label if len(label) <= 75 else f"{label[:74]}…", option=encode_answers(answers))
        case Command("language", str(language)):
            return Button("language", translations(language)("language.own"), option=language)
        case Command("form"):
            return Button("open_form", t("label.open_form"))
        case Command(name) if name in {*ELSEWHERE, "help", "start"}:
            return Button(name, t(f"label.{name}"))
        case Command("resume" | "hello"):
            return Button("start", t("label.start"))
    return None
