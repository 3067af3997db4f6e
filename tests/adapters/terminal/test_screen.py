"""Paragraphs on a terminal, and the menu of a card."""

import io

import pytest
from rich.console import Console

from adapters.terminal.menu import Menu, event_for_button, menu
from adapters.terminal.screen import Screen
from adapters.terminal.session_file import default_path
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.events import Answer, Change, Details, KeepPrivate, Restart, Resume, Review, SetLanguage, Start
from dialogs.reducer import step
from dialogs.session import Actor
from dialogs.translations import translations
from dialogs.views import Button

ANN = Actor("terminal", "you", "en")


def make_screen(width: int, *, colors: bool = False) -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    return Screen(Console(file=output, width=width, force_terminal=colors, highlight=False, markup=False)), output


def test_wrapped_lines_have_a_hanging_indent():
    screen, output = make_screen(20)
    screen.line("one two three four five", prefix="  • ")
    assert output.getvalue() == "  • one two three\n    four five\n"


def test_a_non_breaking_space_is_never_broken():
    screen, output = make_screen(20)
    screen.line("Pourquoi donc cela\u202f? Parce que")
    assert "cela\u202f?" in output.getvalue()


def test_quiet_text_is_dim_on_every_line():
    screen, output = make_screen(24, colors=True)
    screen.line("Brand image: Yes", prefix="• ", quiet="(part 2, criterion 1)")
    assert "\x1b[2m(part\x1b[0m" in output.getvalue() or "\x1b[2m(part" in output.getvalue()
    assert "\x1b[2mcriterion 1)" in output.getvalue() or "criterion 1)\x1b[0m" in output.getvalue()
    assert "\x1b[2m• Brand" not in output.getvalue()


def test_columns_break_only_between_items():
    screen, output = make_screen(20)
    screen.columns(["See the result", "Back", "Quit"])
    assert output.getvalue() == "See the result\nBack · Quit\n"


ITEMS = [("+ ", "one two three four five six seven"), ("− ", "eight")]


def test_a_table_row_has_two_columns():
    screen, output = make_screen(60)
    screen.table_row("In-house, with a lasting role", "", ITEMS, prefix="✓ ")
    assert output.getvalue().splitlines() == [
        "✓ In-house, with a      + one two three four five six seven",
        "  lasting role          − eight",
    ]


def test_a_table_row_is_a_list_on_a_narrow_terminal():
    screen, output = make_screen(30)
    screen.table_row("In-house", "", ITEMS, prefix="✓ ")
    assert output.getvalue().splitlines() == ["✓ In-house", "  + one two three four five", "    six seven", "  − eight"]


def test_a_table_row_without_items_is_its_title():
    screen, output = make_screen(60)
    screen.table_row("In-house", "", [], prefix="✓ ")
    assert output.getvalue() == "✓ In-house\n"


def test_text_after_an_emoji_is_aligned():
    screen, output = make_screen(20)
    screen.line("one two three four five", prefix="🧩 ")
    assert output.getvalue() == "🧩 one two three\n   four five\n"


def test_markup_is_printed_as_text():
    screen, output = make_screen(40)
    screen.line("[bold]not markup[/bold] :smile:")
    assert output.getvalue() == "[bold]not markup[/bold] :smile:\n"


@pytest.mark.parametrize(
    ("line", "action"),
    [("1", "a"), (" 2 ", "b"), ("3", None), ("0", None), ("-1", None), ("²", None), ("go on", "c"), ("GO ON", "c")],
)
def test_a_line_chooses_by_number_or_label(line, action):
    choices = Menu((Button("a", "Yes"), Button("b", "No")), (Button("c", "Go on"),))
    button = choices.find(line)
    assert (button.action if button else None) == action


def test_enter_chooses_the_default_if_there_is_one():
    first = Button("a", "Yes")
    assert Menu((first,), enter=first).find("\n") is first
    assert Menu((first,)).find("") is None


def test_event_for_button():
    assert event_for_button(Button("answer", "Yes", "brand", "yes"), ANN, 3) == Answer(ANN, "brand", "yes", revision=3)
    assert event_for_button(Button("change", "Yes", "brand"), ANN, 3) == Change(ANN, "brand", revision=3)
    assert event_for_button(Button("language", "Français", option="fr"), ANN, 3) == SetLanguage(ANN, "fr")
    assert event_for_button(Button("new_check", "New"), ANN, 3) == Start(ANN, "terminal")
    assert event_for_button(Button("keep_private", "See"), ANN, 3) == KeepPrivate(ANN, revision=3)
    assert event_for_button(Button("restart", "Restart"), ANN, 3) == Restart(ANN, revision=3)
    assert event_for_button(Button("resume", "Resume"), ANN, 3) == Resume(ANN)
    assert event_for_button(Button("unknown", "?"), ANN, 3) == Resume(ANN)


LIGHT = {"orientation": "seo", "brand": "no", "transformation": "no", "presence": "no"}
LIGHT |= {"seo_expert": "no", "light_mode": "in_house"}


@pytest.mark.parametrize("quick", [False, True])
def test_no_card_offers_to_post(quick):
    session, (show, *_) = step(FLOW, None, Start(ANN, "terminal", answers=LIGHT, quick=quick))
    assert isinstance(show, Show)
    choices = menu(show.view, translations("en"))
    assert [button.action for button in choices.named] == ["review", "details", "new_check"]
    review = ["continue"] if quick else ["continue", "restart"]
    for event, actions in ((Details(ANN), ["continue", "review"]), (Review(ANN), review)):
        _, (show, *_) = step(FLOW, session, event)
        assert isinstance(show, Show)
        choices = menu(show.view, translations("en"))
        assert [button.action for button in choices.named] == actions
        assert choices.enter == choices.named[0]


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_default_path_without_xdg_state_home(value, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path({"XDG_STATE_HOME": value}) == tmp_path / ".local/state/cm-advisor/chat.json"


def test_default_path_with_xdg_state_home(tmp_path):
    assert default_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "cm-advisor" / "chat.json"
