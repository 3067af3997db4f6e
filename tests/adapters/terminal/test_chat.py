"""The dialog in a real terminal (a pseudo-terminal) and through pipes."""

import json
import os
import re
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.terminal.session_file import load, save
from dialogs.community_flow import FLOW
from dialogs.events import Start
from dialogs.reducer import step
from dialogs.session import Actor, InvalidSession, Session
from dialogs.translations import translations

pty = pytest.importorskip("pty")

SCRIPT = Path(sys.executable).with_name("cm-advisor")
FULL = ["1", "1", "2", "3", "2", "1", "2", "1"]
"""Numbers that answer every question of the longest path: to an agency."""

EN = translations("en")


def flat(text: str) -> str:
    """Return text without colours and without the breaks of lines."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split())


def environment(state: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "NO_COLOR"))}
    return kept | {"XDG_STATE_HOME": str(state), "PYTHONUTF8": "1", "TERM": "xterm-256color", "LC_ALL": "en_US"} | more


def piped(state: Path, *lines: str, status: int = 0, arguments: tuple[str, ...] = (), **more: str) -> str:
    done = subprocess.run(
        [SCRIPT, "chat", *arguments],
        check=False,
        input="".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"),
        capture_output=True,
        env=environment(state, **more),
        timeout=60,
    )
    assert done.stderr == b""
    assert done.returncode == status
    return done.stdout.decode()


def kept(state: Path) -> Any:
    return json.loads((state / "cm-advisor" / "chat.json").read_text())


class Terminal:
    """A chat at a pseudo-terminal."""

    def __init__(self, state: Path, *arguments: str, columns: int = 80, **more: str) -> None:
        self.shown = ""
        self.mark = 0
        size = {"COLUMNS": str(columns), "LINES": "50"}
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
            os.execve(SCRIPT, [str(SCRIPT), "chat", *arguments], environment(state, **size, **more))

    def until(self, text: str) -> str:
        """Read until `text` shows, from where the last look ended; return what showed."""
        wanted, ends = flat(text), time.monotonic() + 30
        while wanted not in (seen := flat(self.shown[self.mark :])) or not self.shown.rstrip(" ").endswith(("> ", ">")):
            assert time.monotonic() < ends, f"{wanted!r} does not show in {seen!r}"
            if select.select([self.file], [], [], 0.2)[0]:
                self.shown += os.read(self.file, 65536).decode(errors="replace")
        self.mark = len(self.shown)
        time.sleep(0.2)  # a person does not type between the prompt and the line editor behind it either
        return seen

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def end(self, *, pressing: str = "") -> int:
        """Wait for the end, pressing a key again and again until it is heard; return the exit status."""
        while True:
            try:
                # The line editor can miss a signal that comes just before it listens: people press again.
                while pressing and not select.select([self.file], [], [], 5)[0]:
                    self.type(pressing)
                block = os.read(self.file, 65536)
            except OSError:  # Linux says so when the other side is gone
                break
            if not block:
                break
            self.shown += block.decode(errors="replace")
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# --- At a terminal ------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_answers_and_the_next_start_offers_them(tmp_path):
    chat = Terminal(tmp_path)
    chat.until(EN("question.orientation.text"))
    chat.type("2\r")
    chat.until(EN("question.brand.text"))
    chat.type("yep\r")
    chat.until(EN("question.transformation.text"))
    chat.type("\x03")
    assert chat.end(pressing="\x03") == 130
    assert flat(EN("terminal.bye.kept")) in flat(chat.shown)
    assert "Traceback" not in chat.shown
    assert kept(tmp_path)["answers"] == {"orientation": "key", "brand": "yes"}

    again = Terminal(tmp_path)
    again.until(EN.plural("terminal.kept.open", 2))
    again.type("\r")
    again.until(EN("question.transformation.text"))
    again.type("\x04")
    assert again.end() == 0

    anew = Terminal(tmp_path)
    anew.until(EN.plural("terminal.kept.open", 2))
    anew.type("2\r")
    anew.until(EN("question.orientation.text"))
    assert kept(tmp_path)["answers"] == {}
    anew.type("quit\r")
    assert anew.end() == 0


def test_a_whole_dialog_with_colours(tmp_path):
    chat = Terminal(tmp_path)
    chat.until(EN("question.orientation.text"))
    chat.type("".join(f"{number}\r" for number in FULL))
    chat.until(EN("review.title"))
    chat.type("\r")
    shown = chat.until(EN("recommendation.what_if"))
    assert flat(EN("outcome.agency.title")) in shown
    assert "\x1b[1;32m" in chat.shown
    chat.type("q\r")
    assert chat.end() == 0
    assert kept(tmp_path)["status"] == "kept"


def test_no_color_is_respected(tmp_path):
    chat = Terminal(tmp_path, NO_COLOR="1")
    chat.until(EN("question.orientation.text"))
    chat.type("q\r")
    assert chat.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", chat.shown)


# --- Through pipes ------------------------------------------------------------------------------------------------


def test_numbers_lead_to_the_recommendation_and_nothing_is_said_of_posting(tmp_path):
    shown = flat(piped(tmp_path, *FULL, "", "quit"))
    assert flat(EN("outcome.agency.summary")) in shown
    assert flat(EN("label.see_recommendation")) in shown
    for id in ("label.post", "label.keep_private", "review.share", "notice.kept"):
        assert flat(EN(id)) not in shown
    assert "\x1b" not in shown


def test_words_back_change_why_restart_review_and_language(tmp_path):
    shown = flat(piped(tmp_path, "why", "the key", "not really", "back", "yes", "change", "1", "3", "français", "2"))
    assert flat(EN("question.orientation.why")) in shown
    assert flat(EN("prompt.changing")) in shown
    assert flat(translations("fr")("notice.language")) in shown
    assert kept(tmp_path)["language"] == "fr"
    assert kept(tmp_path)["answers"] == {"orientation": "unknown", "brand": "yes", "transformation": "no"}
    resumed = flat(piped(tmp_path, "1", "recommencer"))
    assert flat(translations("fr").plural("terminal.kept.open", 3)) in resumed
    assert kept(tmp_path)["answers"] == {}


def test_the_language_asked_for_comes_before_the_one_kept(tmp_path):
    piped(tmp_path, "1", arguments=("--lang", "fr"))
    assert flat(translations("fr").plural("terminal.kept.open", 1)) in flat(piped(tmp_path))
    assert flat(EN.plural("terminal.kept.open", 1)) in flat(piped(tmp_path, arguments=("--lang", "en")))


def test_help_says_what_holds_in_a_terminal(tmp_path):
    shown = flat(piped(tmp_path, "help", ""))
    assert flat(EN("terminal.help")) in shown
    assert shown.count(flat(EN("question.orientation.text"))) == 2


def test_what_is_not_understood_changes_nothing(tmp_path):
    shown = flat(piped(tmp_path, "1", "xyzzy", "\udcff\udcfe", "99999999999999999999", "x" * 100_000, "", "   "))
    assert "We did not understand" in shown
    assert kept(tmp_path)["answers"] == {"orientation": "seo"}


def test_the_end_of_the_input_is_a_goodbye(tmp_path):
    assert flat(piped(tmp_path)).endswith(flat(EN("terminal.bye")))
    assert flat(piped(tmp_path, "1")).endswith(flat(EN("terminal.bye.kept")))


def test_a_finished_dialog_can_be_seen_again_and_changed(tmp_path):
    piped(tmp_path, *FULL, "")
    shown = flat(piped(tmp_path, "1", "review", "5", "1", ""))
    assert flat(EN("terminal.kept.done")) in shown
    assert flat(EN("outcome.agency.title")) in shown
    assert flat(EN("outcome.in_house.summary")) in shown
    assert kept(tmp_path)["answers"]["mode"] == "in_house"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [30, 50, 80])
def test_nothing_is_wider_than_the_terminal(tmp_path, width, language):
    lines = ("why", *FULL, "2", "1", "", "help", "", "hmm", "review")
    shown = piped(tmp_path, *lines, arguments=("--lang", language), COLUMNS=str(width))
    wide = [line for line in shown.splitlines() if len(line) > width]
    assert not wide


# --- The file -----------------------------------------------------------------------------------------------------


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left_behind(tmp_path):
    piped(tmp_path, "1", "2")
    folder = tmp_path / "cm-advisor"
    assert [file.name for file in folder.iterdir()] == ["chat.json"]
    assert stat.S_IMODE((folder / "chat.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"id": "terminal"}', b'{"answers": {"brand": "maybe"}}'],
)
def test_a_file_that_cannot_be_read_is_put_aside_and_said(tmp_path, content):
    file = tmp_path / "cm-advisor" / "chat.json"
    file.parent.mkdir()
    file.write_bytes(content)
    shown = piped(tmp_path, "1")
    assert "chat.unreadable.json" in shown.replace("\n", "")
    assert file.with_name("chat.unreadable.json").read_bytes() == content
    assert kept(tmp_path)["answers"] == {"orientation": "seo"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"answers": {"brand": "maybe"}},
        {"answers": {"x": "yes"}},
        {"changing": "mode"},
        {"version": "1"},
        {"status": ""},
    ],
)
def test_a_session_that_the_flow_does_not_know_is_not_loaded(tmp_path, wrong):
    file = tmp_path / "chat.json"
    session, _ = step(FLOW, None, Start(Actor("terminal", "you", "fr"), "terminal", answers={"brand": "yes"}))
    assert session is not None
    save(file, session)
    assert load(file, FLOW) == session
    file.write_text(json.dumps(session.to_json() | wrong))
    with pytest.raises(InvalidSession):
        load(file, FLOW)


def test_a_session_of_an_older_flow_goes_on_in_the_present_one(tmp_path):
    file = tmp_path / "chat.json"
    save(file, Session("terminal", "terminal", "you", "fr", version=0, answers={"x": "yes"}, changing="x"))
    loaded = load(file, FLOW)
    assert loaded is not None
    assert (loaded.version, loaded.answers, loaded.changing) == (FLOW.version, {}, None)


def test_where_nothing_can_be_kept_the_dialog_goes_on(tmp_path):
    (tmp_path / "cm-advisor").write_text("in the way")
    shown = flat(piped(tmp_path, *FULL, ""))
    assert shown.count("cannot be kept") == 1
    assert flat(EN("outcome.agency.summary")) in shown
    assert shown.endswith(flat(EN("terminal.bye")))


def test_it_is_killed_without_harm(tmp_path):
    process: Any
    with subprocess.Popen(
        [SCRIPT, "chat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
        process.stdin.write(b"1\n2\n")
        process.stdin.flush()
        ends = time.monotonic() + 30
        while not (tmp_path / "cm-advisor" / "chat.json").exists() or len(kept(tmp_path)["answers"]) < 2:
            assert time.monotonic() < ends
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert kept(tmp_path)["answers"] == {"orientation": "seo", "brand": "no"}
