"""TeamsBot: what the app does with each activity: typed text, buttons, forms, installation and removal."""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from adapters.ports import (
    Application,
    OutcomeUnknown,
    PermanentFailure,
    RetryLater,
    ServiceUnavailable,
    TurnResult,
    new_session_id,
)
from adapters.shared import router
from adapters.shared.background import BackgroundTasks
from adapters.shared.replies import forgotten, offer_buttons, short_reply
from adapters.teams import cards
from adapters.teams.adaptive_cards import CARD_TYPE, Json, mark_buttons
from adapters.teams.bot_framework import ActivityHandler, TurnContext
from adapters.teams.button_value import ButtonValue
from adapters.teams.channels import Channels, choose_channel
from adapters.teams.conversation import ConversationRef
from adapters.teams.gateway import TeamsGateway, shown_view
from adapters.teams.request import PRIVATE, IncomingRequest
from adapters.teams.task_modules import TaskModules
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.effects import Notify
from dialogs.events import ConfirmPost, Event, Resume, SetLanguage, Start
from dialogs.session import Session, Status
from dialogs.text.parse import Ambiguous, Command, NoMatch, Parsed, Problems
from dialogs.text.problems import problem_text
from dialogs.translations import translations
from dialogs.views import DetailsCard, Notice, View

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
BUTTON = "adaptiveCard/action"
MAX_CHECKS_TO_SEARCH = 100
TEXT_RULES = router.TextRules(start_commands=frozenset({"start"}))
FILES_RULES = replace(TEXT_RULES, start_on_empty=False)

Invoke = Callable[[IncomingRequest], Awaitable[Json]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ButtonResult:
    """What the person who pressed a button sees: a card in place of the pressed one, or a text.

    `shown`: everybody sees the result already, so that a client without invoke responses needs no other message.
    """

    card: Json | None = None
    text: str = ""
    shown: bool = False


class TeamsBot(ActivityHandler):  # type: ignore[misc]  # the SDK has no types
    """The listeners by activity type, as the SDK's methods, and by the name of an invoke, in `_invokes`.

    Raises `ServiceUnavailable` if the activity should be delivered again.
    """

    def __init__(
        self,
        application: Application,
        gateway: TeamsGateway,
        channels: Channels,
        forms: TaskModules,
        tasks: BackgroundTasks,
    ) -> None:
        self._application = application
        self._gateway = gateway
        self._channels = channels
        self._tasks = tasks
        self._invokes: Mapping[str, Invoke] = {
            BUTTON: self._on_button,
            "task/fetch": forms.open,
            "task/submit": forms.submit,
            "composeExtension/fetchTask": forms.open,
            "composeExtension/submitAction": forms.submit,
        }

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """Answer typed text, or a button of a client that does not support Action.Execute."""
        request = await self._with_language(turn_context.activity)
        self._tasks.start(self._channels.add_team(request))
        try:
            if request.button is None:
                await self._on_text(request)
                return
            result = await self._press_button(request, request.button)
            if not result.shown:
                card = result.card or cards.render(Notice("text", result.text))
                await self._gateway.send_privately(request, card)
        except (RetryLater, OutcomeUnknown, PermanentFailure) as error:
            log.warning("answer to a message not sent: %r", error)

    async def on_invoke_activity(self, turn_context: TurnContext) -> Json | None:
        """Return the response body of an invoke, also after an error: Teams would show its own error message."""
        request: IncomingRequest = turn_context.activity
        listener = self._invokes.get(request.name or "")
        if listener is None:
            return None
        try:
            request = await self._with_language(request)
            return await listener(request)
        except (RetryLater, OutcomeUnknown, PermanentFailure, ServiceUnavailable) as error:
            log.warning("invoke failed: %r", error)
        except Exception:
            log.exception("invoke failed")
        return message_response(request, request.t("notice.error"))

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        """Store what happened to a team, and welcome after the installation. Teams sends most of it more than once."""
        request: IncomingRequest = turn_context.activity
        if request.installed is None and not request.team_event:
            return
        is_new = await self._channels.update_team(request)
        if not request.installed or (request.team and not is_new):
            return
        try:
            await self._send_welcome(await self._with_language(request))
        except (RetryLater, OutcomeUnknown, PermanentFailure) as error:
            log.warning("welcome not sent: %r", error)

    on_installation_update = on_conversation_update_activity

    async def _with_language(self, request: IncomingRequest) -> IncomingRequest:
        """Return the request with the language the person chose. A dialog has its own, so a cached one is enough."""
        tenant, person = request.actor.tenant, request.actor.person
        language = await self._application.get_language(tenant, person, allow_cached=request.name == BUTTON)
        return request.with_language(language)

    async def _send_welcome(self, request: IncomingRequest) -> None:
        """Send one welcome to a conversation. In a channel or group it names the person who installed the app."""
        ref = request.ref.root
        if await self._application.is_duplicate(f"teams:welcome:{ref.conversation}"):
            return
        name = ""
        if ref.shared:
            with suppress(PermanentFailure):
                name = request.person_name or await self._gateway.member_name(ref, request.actor.person)
        await self._gateway.send_patiently(ref, cards.welcome(request.t, name, shared=ref.shared))

    # --- Typed text ---

    async def _on_text(self, request: IncomingRequest) -> None:
        session = await self._application.find_running(request.actor, request.ref.key)
        rules = FILES_RULES if request.has_files else TEXT_RULES
        match router.route_text(request.text, request.actor, running=session is not None, rules=rules):
            case router.StartDialog(answers, quick):
                await self._start(request, answers, quick=quick)
            case router.ApplyEvent(event) if session:
                await self._apply_below(request, session, event)
            case router.ChangeLanguage(language):
                await self._change_language(request, session, language)
            case router.Reply(parsed):
                if not await self._application.is_duplicate(request.idempotency_key):
                    await self._reply(request, parsed)

    async def _apply_below(self, request: IncomingRequest, session: Session, event: Event) -> None:
        """Apply an event, and show the result below the typed text."""
        result = await self._application.turn(request.turn(event, session.id))
        view, notices = shown_view(result), _notices(result)
        if result.session and view:
            await self._gateway.move(session, result.session, view, result.card, request.ref, *_texts(notices))
        elif notices:
            await self._gateway.send(request.ref, cards.render(notices[-1], result.session))

    async def _change_language(self, request: IncomingRequest, session: Session | None, language: str) -> None:
        actor = request.actor._replace(language=language)
        await self._application.set_language(actor, language)
        if session:
            return await self._apply_below(request, session, SetLanguage(actor, language))
        if await self._application.is_duplicate(request.idempotency_key):
            return None
        t = translations(language)
        notice = presenter.notice(t, "language", presenter.buttons(t, "start", primary="start"))
        return await self._gateway.send_patiently(request.ref, cards.render(notice))

    async def _reply(self, request: IncomingRequest, parsed: Parsed) -> None:
        t = request.t
        help_card = cards.short_help if request.ref.shared else cards.help_card
        match parsed:
            case Command("my_checks"):
                card = cards.checks(t, await self._application.list_checks(request.actor), request.time_zone)
                return await self._gateway.send_privately(request, card, t("teams.in_private"))
            case Command("forget_me"):
                card = cards.confirm_forget(t, request.actor.person)
            case Command("form"):
                buttons = presenter.buttons(t, "open_form", "start", primary="open_form")
                card = cards.render(Notice("form", t("teams.form_offer"), buttons))
            case Ambiguous(candidates) if buttons := offer_buttons(t, candidates, _encode):
                card = cards.offers(t, buttons)
            case Problems(problems):
                card = help_card(t, *(problem_text(FLOW, t, problem) for problem in problems))
            case Command() if short := short_reply(t, parsed):
                card = cards.render(short, language=t.language)
            case NoMatch() | Ambiguous():
                card = help_card(t, t("notice.nothing_understood"))
            case _:
                card = help_card(t)
        return await self._gateway.send_patiently(request.ref, card)

    # --- Buttons ---

    async def _on_button(self, request: IncomingRequest) -> Json:
        result = await self._press_button(request, request.button or ButtonValue())
        if result.card is None:
            return message_response(request, result.text)
        card = mark_buttons(result.card, PRIVATE) if request.ref.only else result.card
        return {"statusCode": 200, "type": CARD_TYPE, "value": card}

    async def _press_button(self, request: IncomingRequest, button: ButtonValue) -> ButtonResult:
        if button.action == "refresh":
            return await self._owners_card(request, button.session)
        if button.action == "more_channels":
            return await self._choose_channel(request, replace(button, page=button.page + 1))
        if button.action == "open_check":
            return await self._open_check(request, button.check or button.session or "")
        known = button.session is not None
        intent = router.route_button(
            button.action, request.actor, button.question, button.option, button.revision, has_session=known
        )
        match intent:
            case router.ApplyEvent(event):
                return await self._apply(request, event, button.session)
            case router.StartDialog(answers, quick):
                return await self._start(request, answers, quick=quick)
            case router.PostRecommendation():
                return await self._post(request, button)
            case router.RetryPost():
                retried = await self._application.retry_post(request.actor, button.session or "")
                return ButtonResult(text=request.t("notice.posting" if retried else "notice.gone"))
            case router.ChangeLanguage(language):
                actor = request.actor._replace(language=language)
                await self._application.set_language(actor, language)
                if button.session:
                    event = SetLanguage(actor, language, revision=button.revision)
                    return await self._apply(request, event, button.session)
                return ButtonResult(cards.help_card(translations(language)))
        return await self._press_personal_button(request, button, intent)

    async def _press_personal_button(
        self, request: IncomingRequest, button: ButtonValue, intent: router.Intent
    ) -> ButtonResult:
        """Press a button about the person, not about one dialog."""
        t, actor = request.t, request.actor
        match intent:
            case router.Reply(Command("help")):
                return ButtonResult(cards.help_card(t))
            case router.Reply(Command("my_checks")):
                return ButtonResult(cards.checks(t, await self._application.list_checks(actor), request.time_zone))
            case router.Reply(Command("forget_me")):
                return ButtonResult(cards.confirm_forget(t, actor.person))
            case router.ForgetPerson() | router.Dismiss() if button.person != actor.person:
                return ButtonResult(text=t("notice.not_yours"))
            case router.ForgetPerson():
                text = forgotten(t, await self._application.forget_person(actor))
                return ButtonResult(cards.render(Notice("forgotten", text)))
            case router.Dismiss():
                return ButtonResult(cards.render(Notice("closed", t("teams.not_deleted"))))
        return ButtonResult(text=t("notice.unknown"))

    async def _start(self, request: IncomingRequest, answers: Mapping[str, str], *, quick: bool) -> ButtonResult:
        """Start a dialog with a new card at the end of the conversation."""
        ref = request.ref.at(None)
        event = Start(request.actor, session=new_session_id(), answers=answers, quick=quick)
        result = await self._application.turn(request.turn(event, None, ref))
        await self._gateway.show_new(result, ref)
        return ButtonResult(text=request.t("teams.below"), shown=True)

    async def _apply(self, request: IncomingRequest, event: Event, session: str | None) -> ButtonResult:
        return await self._show(request, await self._application.turn(request.turn(event, session or "")))

    async def _show(self, request: IncomingRequest, result: TurnResult) -> ButtonResult:
        """Show the result of a turn: update the card, then return what the person who pressed the button sees."""
        session = result.session
        if session and (session.tenant, session.owner) != request.actor[:2]:
            session = None
        view, notices = shown_view(result), _notices(result)
        if session and isinstance(view, DetailsCard):
            # For the owner alone: the card of the dialog stays as it is, with its buttons.
            return ButtonResult(cards.render(view, session, request.ref))
        if session and view:
            stored = request.ref if result.card == request.card else ConversationRef.from_json(result.card)
            if stored and not stored.activity:
                stored = None  # the response to its sending was lost, but it is here
            ref = stored or request.ref
            # Pressed on the post: its author alone sees the recommendation there, not folded to one line.
            on_post = session.status is Status.POSTED and ref != request.ref
            card = cards.render(view, session, None if on_post else request.ref)
            public = cards.render_public(view, session, ref, card if ref == request.ref else None)
            await self._gateway.update_soon(session, view, ref, stored=stored is not None, card=public)
            notes = _texts(notices)
            return ButtonResult(cards.with_notes(card, *notes), shown=not notes and ref == request.ref)
        if notices and not result.duplicate:
            view = notices[-1]
            if isinstance(view, Notice) and not view.buttons:
                return ButtonResult(text=view.text)
            return ButtonResult(cards.render(view, session, language=request.t.language))
        if session is None:
            return ButtonResult(text=request.t("teams.answer_received"))
        return ButtonResult(cards.render(presenter.current(FLOW, session), session, request.ref), shown=True)

    async def _post(self, request: IncomingRequest, button: ButtonValue) -> ButtonResult:
        """Post to the conversation of the dialog. In a personal chat, ask for a channel first."""
        if request.ref.kind == "personal":
            if not button.channel:
                return await self._choose_channel(request, button, "teams.choose_one" if button.picker else "")
            found = await self._channels.find(request, button.channel)
            if found is None:
                return ButtonResult(text=request.t("teams.held.not_member"))
            ref, more = found
        else:
            # A person who posts to the conversation of the button is in it, and the request has the name.
            ref, more = request.ref.root, {"by": request.person_name, "team": request.team[0] if request.team else ""}
        destination = json.dumps({**ref.to_json(), **more}, ensure_ascii=False)
        event = ConfirmPost(request.actor, destination, revision=button.revision)
        return await self._apply(request, event, button.session)

    async def _choose_channel(self, request: IncomingRequest, button: ButtonValue, note: str = "") -> ButtonResult:
        channels = await self._channels.list_choices(request)
        t, partial, ids = request.t, button.option == presenter.PARTIAL, (button.session or "", button.revision)
        note = t(note) if note else ""
        return ButtonResult(choose_channel(t, channels, *ids, button.page, partial=partial, note=note))

    async def _owners_card(self, request: IncomingRequest, session: str | None) -> ButtonResult:
        """Return the owner's card of a recommendation that is kept private. Clients ask for it at each view."""
        for check in await self._application.list_checks(request.actor, MAX_CHECKS_TO_SEARCH):
            if check.session.id == session:
                return ButtonResult(cards.render(presenter.current(FLOW, check.session), check.session))
        return ButtonResult(text=request.t("notice.gone"))

    async def _open_check(self, request: IncomingRequest, session: str) -> ButtonResult:
        """Open a check of the person's list again, as a new card where it continues."""
        result = await self._application.turn(request.turn(Resume(request.actor), session))
        opened, view = result.session, shown_view(result)
        if request.ref.shared or not (opened and view and opened.owner == request.actor.person):
            return await self._show(request, result)
        await self._gateway.move(opened, opened, view, result.card, request.ref)
        return ButtonResult(text=request.t("teams.below"), shown=True)


def message_response(request: IncomingRequest, text: str) -> Json:
    """Return the response body of an invoke that shows a text."""
    if request.name == BUTTON:
        return {"statusCode": 200, "type": MESSAGE_TYPE, "value": text}
    return {"task": {"type": "message", "value": text}}


def _notices(result: TurnResult) -> list[View]:
    return [effect.view for effect in result.effects if isinstance(effect, Notify)]


def _texts(views: Iterable[View]) -> list[str]:
    return [view.text for view in views if isinstance(view, Notice)]


def _encode(answers: Mapping[str, str]) -> str:
    return " ".join(f"{question}={option}" for question, option in answers.items())
