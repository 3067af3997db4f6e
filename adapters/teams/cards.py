"""Render views as Adaptive Cards, and the cards that only Teams has. All texts of a view are in the view."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

from adapters.ports import CardRef, CheckSummary
from adapters.shared.replies import check_lines
from adapters.teams import adaptive_cards as ac
from adapters.teams.adaptive_cards import Json
from adapters.teams.conversation import ConversationRef
from dialogs import presenter
from dialogs.plain_text import plain_text
from dialogs.session import Session, Status
from dialogs.text.notices import PassedCard
from dialogs.translations import Translations, languages, translations
from dialogs.views import (
    AdviceLine,
    Announcement,
    Button,
    DetailsCard,
    HelpCard,
    HelpPart,
    Notice,
    Option,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

_RESULTS = DetailsCard | PartialResultCard | RecommendationCard | ReviewCard
"""Views with answers or a result: not for others when they are kept private."""


def render(
    view: View, session: Session | None = None, ref: ConversationRef | None = None, *, language: str = ""
) -> Json:
    """Return the card of a view.

    `session`: the dialog of its buttons. `ref`: where it is shown to others, too. `language`: of the view, if it is
    not the session's.
    """
    ids: Json = {"session": session.id, "revision": session.revision} if session else {}
    if session and isinstance(view, RecommendationCard | PartialResultCard) and view.share:
        view = replace(view, share=_share(view.share, session, ref))
    if session and ref and ref.kind != "personal" and ref.only is None:
        view = _in_public(view, session)
    t = translations(language or (session.language if session else ""))
    match view:
        case QuestionCard():
            return _question(view, ids, t)
        case ReviewCard():
            return _review(view, ids)
        case RecommendationCard():
            return _recommendation(view, ids)
        case DetailsCard():
            return _details(view, ids, t)
        case PartialResultCard():
            return _partial_result(view, ids)
        case HelpCard():
            parts = (ac.text(part) for part in view.parts)
            return ac.card([ac.heading(view.title), *parts, *ac.actions(view.buttons, ids)], plain_text(view))
        case Notice():
            lines = (ac.literal(line) for line in view.text.split("\n") if line)  # may quote what a person typed
            return ac.card([*lines, *ac.actions(view.buttons, ids)], view.text)


def _in_public(view: View, session: Session) -> View:
    """Return the view for a conversation of several people. It says so, and folds once the post is there as well."""
    t = translations(session.language)
    match view:
        case QuestionCard():
            return replace(view, audience=t("teams.public"))
        case ReviewCard():
            reader = t("teams.kept_review" if session.status is Status.KEPT else "teams.public")
            return replace(view, intro=f"{view.intro} {reader}")
        case RecommendationCard() | PartialResultCard() if session.status is Status.POSTED:
            return presenter.folded(view, t)
    return view


def render_public(view: View, session: Session, ref: ConversationRef, owners: Json | None = None) -> Json:
    """Return the card that everybody in the conversation sees. `owners`: the owner's card, if it is rendered already.

    A recommendation that is kept private is not on it. The client of its owner asks for the owner's card (``refresh``).
    """
    private = session.status is Status.KEPT and isinstance(view, _RESULTS)
    if not (private and ref.shared):
        return owners or render(view, session, ref)
    t = translations(session.language)
    card = render(Notice("kept", t("teams.kept"), (Button("run_own", t("label.run_own")),)), session)
    action = ac.execute(Button("refresh", t("label.see_recommendation")), {"session": session.id})
    return card | {"refresh": {"action": action, "userIds": [session.owner]}}


def announcement(view: Announcement, person: str, *, short: bool = False) -> Json:
    """Return the card of a post, at most 400 px high at a width of 500 px.

    `person`: the name of its author. `short`: without what a button shows as well.
    """
    by = view.by.replace("{person}", person)
    headline = f"{view.mark} {view.headline}".strip()
    body = [
        ac.rich_text(*(ac.run(value, isSubtle=True, size="Small") for value in (view.title, " · ", by))),
        ac.heading(headline, size="Large", spacing="None"),
        *_provisional(view.provisional, size="Small", spacing="None"),
        ac.text(view.because, spacing="Small"),
        *(() if short else _first_steps(view)),
        *ac.actions(view.buttons, {"session": view.session}, spacing="Small"),
    ]
    speak = f"{by}. {view.headline}. {view.because}"
    return ac.card(body, plain_text(replace(view, by=by)), speak=speak, wide=True)


def _first_steps(view: Announcement) -> Iterable[Json]:
    """Return the steps, each as one paragraph, below a line with their title and the control meter."""
    if view.control:
        title = ac.column([ac.subtle(view.steps_title)], align="Center")
        yield ac.columns(title, ac.column([ac.meter(view.control)], "auto", "Center"), spacing="Small")
    for number, line in enumerate(view.steps):
        spacing = "Small" if number else "None"
        yield ac.rich_text(ac.run(f"{line.title}. ", weight="Bolder"), ac.run(line.step), spacing=spacing)


def with_notes(card: Json, *notes: str) -> Json:
    """Return a card with lines above it for one person."""
    return {**card, "body": [*_notes(notes), *card["body"]]} if notes else card


def notice(language: str, id: str, *actions: str) -> Notice:
    """Return the notice with the text ``teams.<id>``, with buttons."""
    t = translations(language)
    return Notice(id, t(f"teams.{id}"), presenter.buttons(t, *actions))


def passed(view: PassedCard) -> Json:
    """Return what a card says after typed text continued the dialog below it."""
    texts = [*([view.question] if view.question else ()), *view.answers]
    lines = (ac.text(text, spacing="None") for text in texts)
    return ac.card([*lines, ac.subtle(view.below)], "\n".join((*texts, view.below)))


def _notes(notes: Sequence[str]) -> list[Json]:
    return [ac.container([ac.text(note, spacing="Small") for note in notes], "accent")] if notes else []


# --- The cards of a dialog ---


def _share(text: str, session: Session, ref: ConversationRef | None) -> str:
    """Return the text about who sees the answers: in a shared conversation, everybody does before the post.

    Unless they are kept private.
    """
    public = ref and ref.shared and session.status is not Status.KEPT
    return f"{translations(session.language)('teams.share')} {text}" if public else text


def _question(view: QuestionCard, ids: Json, t: Translations) -> Json:
    body = [
        *_notes(view.note),
        ac.progress(view.bar, view.progress),
        ac.heading(view.text, spacing="Small"),
        *([ac.subtle(view.current, spacing="Small")] if view.current else ()),
        *help_parts(view.help),
        *ac.actions(view.choices, ids),
        *ac.actions(_navigation(view, t), ids, separator=True, spacing="Medium"),
        *([ac.subtle(view.audience, spacing="Small")] if view.audience else ()),
    ]
    return ac.card(body, plain_text(view))


def help_parts(parts: Sequence[HelpPart]) -> list[Json]:
    """Return the help on a question; nothing if there is none."""
    lines = [
        line for part in parts for line in (ac.text(part.title, weight="Bolder"), ac.text(part.text, spacing="None"))
    ]
    return [ac.container(lines)] if lines else []


def _navigation(view: QuestionCard, t: Translations) -> Sequence[Button]:
    """Return the buttons below the answers: all, or as many as Teams allows with *More* at the end."""
    room = ac.MAX_ACTIONS - len(view.choices)
    if len(view.buttons) <= room:
        return view.buttons
    return (*view.buttons[: room - 1], *presenter.buttons(t, "more"))


def _review(view: ReviewCard, ids: Json) -> Json:
    change: list[Json] = []
    if view.rows:
        choices = [(f"{row.name} · {row.answer}", row.question) for row in view.rows]
        choice = ac.choice_set("change", view.intro, choices, style="compact", value=view.rows[0].question)
        change = [choice, *ac.actions([Button("change", view.change)], ids, spacing="Small")]
    body = [
        *_notes(view.note),
        ac.heading(view.title),
        *ac.facts((row.name, row.answer) for row in view.rows),
        *ac.answers(view.unused_title, view.unused),
        *change,
        *ac.actions(view.buttons, ids, separator=True, spacing="Medium"),
    ]
    return ac.card(body, plain_text(view))


def _recommendation(view: RecommendationCard, ids: Json) -> Json:
    body = [*_notes(view.note), *recommendation(view), *ac.actions(view.buttons, ids)]
    return ac.card(body, plain_text(view), speak=f"{view.title}. {view.outcome}. {view.because}", wide=True)


def recommendation(view: RecommendationCard) -> list[Json]:
    """Return the elements of a recommendation: the outcome, why, what to do first, and who will see it."""
    return [
        *_outcome(view),
        ac.text(view.because, spacing="Small"),
        *_provisional(view.provisional),
        ac.subtle(view.summary),
        *ac.control(view.control),
        *ac.section(view.steps_title, _steps(view.steps)),
        *([ac.subtle(view.share, separator=True, spacing="Large")] if view.share else ()),
    ]


def _outcome(view: RecommendationCard | DetailsCard) -> list[Json]:
    headline = f"{view.mark} {view.outcome}".strip()
    return [ac.subtle(view.title), ac.heading(headline, size="Large", spacing="Small")]


def _provisional(text: str | None, **style: object) -> list[Json]:
    return [ac.text(text, color="Warning", **style)] if text else []


def _details(view: DetailsCard, ids: Json, t: Translations) -> Json:
    body = [
        *_notes(view.note),
        *_outcome(view),
        *_provisional(view.provisional),
        *ac.section(view.options_title, (_option(option, t) for option in view.options)),
        *([ac.text(view.challengers, weight="Bolder", spacing="Medium")] if view.challengers else ()),
        *ac.section(view.advice_title, _advice(view.advice)),
        *ac.bullets(view.what_if_title, view.what_if),
        *ac.bullets(view.open_title, view.open),
        *ac.answers(view.rows_title, view.rows, cited=True),
        *ac.answers(view.unused_title, view.unused),
        ac.subtle(view.caveat, separator=True, spacing="Large"),
        *([ac.subtle(f"[{view.article.label}]({view.article.url})", spacing="None")] if view.article else ()),
        *ac.actions(view.buttons, ids),
    ]
    return ac.card(body, plain_text(view), speak=f"{view.title}. {view.outcome}", wide=True)


def _option(option: Option, t: Translations) -> Json:
    """Return an outcome with its arguments beside it. The recommended one says so."""
    if option.recommended:
        title = ac.text(t("details.recommended", outcome=option.title), weight="Bolder", color="Accent")
    else:
        title = ac.text(option.title, weight="Bolder")
    arguments = [*(("+ ", argument) for argument in option.pros), *(("− ", argument) for argument in option.cons)]
    # Not a TextBlock: Markdown turns a line that starts with a plus sign into a list.
    lines = [
        ac.rich_text(ac.run(sign, weight="Bolder"), ac.run(argument), spacing="None") for sign, argument in arguments
    ]
    return ac.columns(ac.column([title]), ac.column(lines), spacing="Medium")


def _partial_result(view: PartialResultCard, ids: Json) -> Json:
    body = [
        *_notes(view.note),
        ac.subtle(view.title),
        ac.heading(view.strategic, spacing="Small"),
        *(ac.text(line, spacing="Small") for line in (view.since, view.control) if line),
        *ac.bullets(view.possible_title, view.possible),
        *ac.facts(((row.name, row.answer) for row in view.rows), separator=True, spacing="Medium"),
        *([ac.text(view.next, weight="Bolder", separator=True, spacing="Medium")] if view.next else ()),
        *ac.answers(view.unused_title, view.unused),
        *_ending(view, ids),
    ]
    return ac.card(body, plain_text(view), wide=True)


def _ending(view: PartialResultCard, ids: Json) -> Iterable[Json]:
    yield ac.subtle(view.caveat, separator=True, spacing="Large")
    if view.share:
        yield ac.subtle(view.share)
    yield from ac.actions(view.buttons, ids)


def _advice(lines: Iterable[AdviceLine]) -> Iterable[Json]:
    for line in lines:
        yield ac.text(line.title, weight="Bolder", spacing="Medium")
        if line.reason:
            yield ac.subtle(line.reason, spacing="None")
        yield ac.text(line.text, spacing="Small")
        yield ac.text(f"→ {line.step}", spacing="Small")
        yield ac.subtle(line.source, spacing="None")


def _steps(lines: Iterable[AdviceLine]) -> Iterable[Json]:
    for line in lines:
        yield ac.text(line.title, weight="Bolder", spacing="Small")
        yield ac.text(line.step, spacing="None")


# --- The cards that are not about one dialog ---


def welcome(t: Translations, by: str = "", *, shared: bool = False) -> Json:
    """Return the first message. It is in every language: Teams does not tell a language before a person acts.

    `t`: the language that comes first. `by`: the name of the person who installed the app, for shared conversations.
    """
    usage = t("teams.how_shared" if shared else "teams.how_personal")
    others = [translations(language) for language in languages() if language != t.language]
    body = [
        ac.heading(t("welcome.title")),
        *([ac.literal(t("teams.welcome_by", person=by), isSubtle=True, size="Small")] if by else ()),
        ac.text(t("welcome.text")),
        ac.text(usage, spacing="Small"),
        *(
            ac.container([ac.text(other("welcome.title"), weight="Bolder"), ac.text(other("welcome.text"))])
            for other in others
        ),
        *ac.actions(_buttons(t, "start", "help", "language"), {}),
    ]
    texts = (f"{other('welcome.title')}\n{other('welcome.text')}" for other in others)
    return ac.card(body, "\n".join((t("welcome.title"), t("welcome.text"), usage, *texts)))


def help_card(t: Translations, *notes: str) -> Json:
    """Return what the app is and how to use it. `notes`: what was wrong with the typed text."""
    view = presenter.help_card(t)
    parts = (*view.parts, t("teams.commands"))
    body = [
        *_problems(notes),
        ac.heading(view.title),
        *(ac.text(part) for part in parts),
        *ac.actions(_buttons(t, "start", "open_form", "my_checks", "language", "forget_me"), {}),
    ]
    return ac.card(body, "\n".join((*notes, view.title, *parts)))


def short_help(t: Translations, *notes: str) -> Json:
    """Return what replaces the help card where others read: only the person who presses *Help* sees the help."""
    text = t("teams.help_short")
    body = [*_problems(notes), ac.text(text), *ac.actions(_buttons(t, "start", "help"), {})]
    return ac.card(body, "\n".join((*notes, text)))


def _problems(notes: Sequence[str]) -> list[Json]:
    return [ac.container([ac.literal(line) for line in notes], "accent")] if notes else []


def offers(t: Translations, buttons: Sequence[Button]) -> Json:
    """Return a button for each meaning that typed text may have."""
    note = t("notice.did_you_mean")
    return ac.card([ac.text(note), *ac.actions((*buttons, *presenter.buttons(t, "help")), {})], note)


def checks(t: Translations, summaries: Sequence[CheckSummary], zone: tzinfo = UTC) -> Json:
    """Return a person's latest checks, each with its outcome or next question. `zone`: the person's time zone."""
    if not summaries:
        none = t("checks.none")
        return ac.card([ac.text(none), *ac.actions(_buttons(t, "start", "help", "language"), {})], none)
    lines = check_lines(t, summaries, lambda ref: _place(t, ref), zone)
    choices = [(f"{line.title} · {line.when}", line.session) for line in lines]
    choice = ac.choice_set("check", t("teams.which_check"), choices, style="compact", value=choices[0][1])
    body = [ac.heading(t("checks.title"))]
    for line in lines:
        about = ac.literal(f"{line.when} · {line.status}", isSubtle=True, size="Small")  # names a channel
        body += [ac.text(line.title, weight="Bolder", separator=True), about | {"spacing": "None"}]
    body += [
        {**choice, "separator": True, "spacing": "Medium"},
        *ac.actions(_buttons(t, "open_check", "new_check", "language", "forget_me"), {}),
    ]
    texts = (f"- {line.title} · {line.when} · {line.status}" for line in lines)
    return ac.card(body, "\n".join((t("checks.title"), *texts)))


def _place(t: Translations, ref: CardRef) -> str | None:
    """Return the name or kind of a conversation; None if only the person sees it."""
    place = ConversationRef.from_json(ref)
    if place is None or not place.shared:
        return None
    return str(ref.get("name") or t(f"teams.place.{place.kind}"))


def confirm_forget(t: Translations, person: str) -> Json:
    """Ask for confirmation before all data is deleted. `person`: the only one whose press has an effect."""
    question = t("forget.confirm")
    buttons = presenter.buttons(t, "forget_confirm", "close")
    return ac.card([ac.text(question), *ac.actions(buttons, {"person": person})], question)


def _buttons(t: Translations, *actions: str) -> tuple[Button, ...]:
    """Return buttons, the first one as the primary one."""
    return presenter.buttons(t, *actions, primary=actions[0])
