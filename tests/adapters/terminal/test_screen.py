"""Paragraphs on a terminal, and what can be chosen on a card."""

import io

import pytest
from rich.console import Console

from adapters.terminal.menu import Menu, event_for_button, menu
from adapters.terminal.screen import Screen
from adapters.terminal.session_file import default_path
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.events import Answer, Change, KeepPrivate, Restart, Resume, SetLanguage, Start
from dialogs.reducer import step
from dialogs.session import Actor
from dialogs.translations import translations
from dialogs.views import Button

ANN = Actor("terminal", "you", "en")


def page(width: int, *, colours: bool = False) -> tuple[Screen, io.StringIO]:
    file = io.StringIO()
    return Screen(Console(file=file, width=width, force_terminal=colours, highlight=False, markup=False)), file


def test_lines_hang_below_their_mark():
    sheet, file = page(20)
    sheet.line("one two three four five", mark="  • ")
    assert file.getvalue() == "  • one two three\n    four five\n"


def test_a_non_breaking_space_is_never_broken():
    sheet, file = page(20)
    sheet.line("Pourquoi donc cela\u202f? Parce que")
    assert "cela\u202f?" in file.getvalue()


def test_what_is_quiet_is_dim_on_whatever_line_it_falls():
    sheet, file = page(24, colours=True)
    sheet.line("Brand image: Yes", mark="• ", quiet="(part 2, criterion 1)")
    assert "\x1b[2m(part\x1b[0m" in file.getvalue() or "\x1b[2m(part" in file.getvalue()
    assert "\x1b[2mcriterion 1)" in file.getvalue() or "criterion 1)\x1b[0m" in file.getvalue()
    assert "\x1b[2m• Brand" not in file.getvalue()


def test_columns_break_between_items_only():
    sheet, file = page(20)
    sheet.columns(["See the result", "Back", "Quit"])
    assert file.getvalue() == "See the result\nBack · Quit\n"


def test_brackets_are_text():
    sheet, file = page(40)
    sheet.line("[bold]not markup[/bold] :smile:")
    assert file.getvalue() == "[bold]not markup[/bold] :smile:\n"


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [("1", "a"), (" 2 ", "b"), ("3", None), ("0", None), ("-1", None), ("²", None), ("go on", "c"), ("GO ON", "c")],
)
def test_a_line_chooses_by_number_or_by_label(typed, chosen):
    choices = Menu((Button("a", "Yes"), Button("b", "No")), (Button("c", "Go on"),))
    button = choices.chosen(typed)
    assert (button.action if button else None) == chosen


def test_enter_alone_takes_the_marked_choice_or_none():
    first = Button("a", "Yes")
    assert Menu((first,), enter=first).chosen("\n") is first
    assert Menu((first,)).chosen("") is None


def test_buttons_mean_events():
    assert event_for_button(Button("answer", "Yes", "brand", "yes"), ANN, 3) == Answer(ANN, "brand", "yes", revision=3)
    assert event_for_button(Button("change", "Yes", "brand"), ANN, 3) == Change(ANN, "brand", revision=3)
    assert event_for_button(Button("language", "Français", option="fr"), ANN, 3) == SetLanguage(ANN, "fr")
    assert event_for_button(Button("new_check", "New"), ANN, 3) == Start(ANN, "terminal")
    assert event_for_button(Button("keep_private", "See"), ANN, 3) == KeepPrivate(ANN, revision=3)
    assert event_for_button(Button("restart", "Restart"), ANN, 3) == Restart(ANN, revision=3)
    assert event_for_button(Button("resume", "Resume"), ANN, 3) == Resume(ANN)
    assert event_for_button(Button("elsewhere", "?"), ANN, 3) == Resume(ANN)


def test_nothing_offers_to_post():
    answers = {"orientation": "seo", "brand": "no", "transformation": "no", "presence": "no"}
    answers |= {"seo_expert": "no", "light_mode": "in_house"}
    for quick in (False, True):
        _, (show, *_) = step(FLOW, None, Start(ANN, "terminal", answers=answers, quick=quick))
        assert isinstance(show, Show)
        choices = menu(show.view, translations("en"))
        assert "post" not in {button.action for button in choices.named}


@pytest.mark.parametrize("given", ["", "relative/folder"])
def test_the_state_folder_has_a_default(given, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path({"XDG_STATE_HOME": given}) == tmp_path / ".local/state/cm-advisor/chat.json"


def test_the_state_folder_can_be_chosen(tmp_path):
    assert default_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "cm-advisor" / "chat.json"
