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
from dialogs.session import Actor, InvalidSession, Session, Status
from dialogs.translations import translations

pty = pytest.importorskip("pty")

SCRIPT = Path(sys.executable).with_name("cm-advisor")
ALL_ANSWERS = ["1", "1", "2", "3", "2", "1", "2", "1"]
"""Choices that answer every question of the longest path; the outcome is an agency."""

EN = translations("en")


def flat(text: str) -> str:
    """Return `text` without colors and line breaks."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split())


def environment(state: Path, **more: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "NO_COLOR"))}
    return env | {"XDG_STATE_HOME": str(state), "PYTHONUTF8": "1", "TERM": "xterm-256color", "LC_ALL": "en_US"} | more


def run_chat(state: Path, *lines: str, status: int = 0, arguments: tuple[str, ...] = (), **more: str) -> str:
    process = subprocess.run(
        [SCRIPT, "chat", *arguments],
        check=False,
        input="".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"),
        capture_output=True,
        env=environment(state, **more),
        timeout=60,
    )
    assert process.stderr == b""
    assert process.returncode == status
    return process.stdout.decode()


def read_session(state: Path) -> Any:
    return json.loads((state / "cm-advisor" / "chat.json").read_text())


class Terminal:
    """A chat in a pseudo-terminal."""

    def __init__(self, state: Path, *arguments: str, columns: int = 80, **more: str) -> None:
        self.output = ""
        self.position = 0
        size = {"COLUMNS": str(columns), "LINES": "50"}
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
            os.execve(SCRIPT, [str(SCRIPT), "chat", *arguments], environment(state, **size, **more))

    def wait_for(self, text: str) -> str:
        """Read until `text` and a prompt appear; return the output since the last call."""
        wanted, deadline = flat(text), time.monotonic() + 30
        while wanted not in (new := flat(self.output[self.position :])) or not self.output.rstrip(" ").endswith(">"):
            assert time.monotonic() < deadline, f"{wanted!r} is not in {new!r}"
            if select.select([self.file], [], [], 0.2)[0]:
                self.output += os.read(self.file, 65536).decode(errors="replace")
        self.position = len(self.output)
        time.sleep(0.2)  # until the line editor behind the prompt is ready
        return new

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def wait(self, *, key: str = "") -> int:
        """Wait for the process to end and return its exit status; send `key` every 5 seconds."""
        while True:
            try:
                # The line editor misses a signal that arrives just before it is ready.
                while key and not select.select([self.file], [], [], 5)[0]:
                    self.type(key)
                block = os.read(self.file, 65536)
            except OSError:  # on Linux: the process has ended
                break
            if not block:
                break
            self.output += block.decode(errors="replace")
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# --- In a pseudo-terminal ------------------------------------------------------------------------------------------


def test_ctrl_c_saves_the_answers_and_the_next_run_offers_to_resume(tmp_path):
    chat = Terminal(tmp_path)
    chat.wait_for(EN("question.orientation.text"))
    chat.type("2\r")
    chat.wait_for(EN("question.brand.text"))
    chat.type("yep\r")
    chat.wait_for(EN("question.transformation.text"))
    chat.type("\x03")
    assert chat.wait(key="\x03") == 130
    assert flat(EN("terminal.bye.kept")) in flat(chat.output)
    assert "Traceback" not in chat.output
    assert read_session(tmp_path)["answers"] == {"orientation": "key", "brand": "yes"}

    second = Terminal(tmp_path)
    second.wait_for(EN.plural("terminal.kept.open", 2))
    second.type("\r")
    second.wait_for(EN("question.transformation.text"))
    second.type("\x04")
    assert second.wait() == 0

    third = Terminal(tmp_path)
    third.wait_for(EN.plural("terminal.kept.open", 2))
    third.type("2\r")
    third.wait_for(EN("question.orientation.text"))
    assert read_session(tmp_path)["answers"] == {}
    third.type("quit\r")
    assert third.wait() == 0


def test_a_whole_dialog_with_colors(tmp_path):
    chat = Terminal(tmp_path)
    chat.wait_for(EN("question.orientation.text"))
    chat.type("".join(f"{number}\r" for number in ALL_ANSWERS))
    output = chat.wait_for(EN("recommendation.steps"))
    assert flat(EN("outcome.agency.title")) in output
    assert flat(EN("recommendation.what_if")) not in output
    assert "\x1b[1;32m" in chat.output
    chat.type("\r")
    chat.wait_for(EN("recommendation.what_if"))
    chat.type("q\r")
    assert chat.wait() == 0
    assert len(read_session(tmp_path)["answers"]) == 8


def test_no_color_is_respected(tmp_path):
    chat = Terminal(tmp_path, NO_COLOR="1")
    chat.wait_for(EN("question.orientation.text"))
    chat.type("q\r")
    assert chat.wait() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", chat.output)


# --- Through pipes ------------------------------------------------------------------------------------------------


def test_numbers_lead_to_the_recommendation_without_any_text_about_posting(tmp_path):
    output = flat(run_chat(tmp_path, *ALL_ANSWERS, "", "quit"))
    assert flat(EN("outcome.agency.summary")) in output
    assert flat(EN("label.new_check")) in output
    for id in ("label.post", "label.keep_private", "review.share", "notice.kept"):
        assert flat(EN(id)) not in output
    assert "\x1b" not in output


@pytest.mark.parametrize(
    ("language", "details", "answers", "back"),
    [
        ("en", "details", "my answers", "back"),
        ("en", "in detail", "summary", "go back"),
        ("fr", "détails", "mes réponses", "retour"),
        ("fr", "le détail", "relire", "précédent"),
    ],
)
def test_details_and_answers_lead_back_to_the_recommendation(tmp_path, language, details, answers, back):
    t = translations(language)
    lines = (*ALL_ANSWERS, details, back, answers, back, details, answers, "")
    output = flat(run_chat(tmp_path, *lines, arguments=("--lang", language)))
    assert output.count(flat(t("details.options"))) == 2
    assert output.count(flat(t("terminal.review"))) == 2
    assert output.count(flat(t("recommendation.steps"))) == 4
    assert len(read_session(tmp_path)["answers"]) == 8


def test_details_have_the_address_of_the_article(tmp_path):
    url = "https://example.org/article"
    assert url in flat(run_chat(tmp_path, *ALL_ANSWERS, "details", "", ARTICLE_URL=url))
    assert "javascript:" not in flat(run_chat(tmp_path, "details", "", ARTICLE_URL="javascript:alert(1)"))


def test_back_from_the_recommendation_asks_the_last_question_again(tmp_path):
    run_chat(tmp_path, *ALL_ANSWERS, "back")
    assert len(read_session(tmp_path)["answers"]) == 7


def test_a_finished_dialog_can_be_followed_by_a_new_one(tmp_path):
    run_chat(tmp_path, *ALL_ANSWERS, "new check", "2")
    assert read_session(tmp_path)["answers"] == {"orientation": "key"}


def test_typed_answers_back_change_why_restart_review_and_language(tmp_path):
    output = flat(
        run_chat(tmp_path, "why", "the key", "not really", "back", "yes", "change", "1", "3", "français", "2")
    )
    assert flat(EN("question.orientation.why")) in output
    assert flat(EN("prompt.changing")) in output
    assert flat(translations("fr")("notice.language")) in output
    assert read_session(tmp_path)["language"] == "fr"
    assert read_session(tmp_path)["answers"] == {"orientation": "unknown", "brand": "yes", "transformation": "no"}
    output = flat(run_chat(tmp_path, "1", "recommencer", "2", "recommencer", "1"))
    assert flat(translations("fr").plural("terminal.kept.open", 3)) in output
    assert read_session(tmp_path)["answers"] == {}


def test_the_lang_option_overrides_the_language_of_the_stored_session(tmp_path):
    run_chat(tmp_path, "1", arguments=("--lang", "fr"))
    assert flat(translations("fr").plural("terminal.kept.open", 1)) in flat(run_chat(tmp_path))
    assert flat(EN.plural("terminal.kept.open", 1)) in flat(run_chat(tmp_path, arguments=("--lang", "en")))


def test_help_includes_the_part_about_the_terminal(tmp_path):
    output = flat(run_chat(tmp_path, "help", ""))
    assert flat(EN("terminal.help")) in output
    assert output.count(flat(EN("question.orientation.text"))) == 2


def test_unknown_input_changes_nothing(tmp_path):
    output = flat(run_chat(tmp_path, "1", "xyzzy", "\udcff\udcfe", "99999999999999999999", "x" * 100_000, "", "   "))
    assert "I didn’t understand" in output
    assert read_session(tmp_path)["answers"] == {"orientation": "seo"}


def test_end_of_input_prints_goodbye(tmp_path):
    assert flat(run_chat(tmp_path)).endswith(flat(EN("terminal.bye")))
    assert flat(run_chat(tmp_path, "1")).endswith(flat(EN("terminal.bye.kept")))


def test_a_finished_dialog_can_be_reopened_and_changed(tmp_path):
    run_chat(tmp_path, *ALL_ANSWERS, "")
    output = flat(run_chat(tmp_path, "1", "review", "5", "1", ""))
    assert flat(EN("terminal.kept.done")) in output
    assert flat(EN("outcome.agency.title")) in output
    assert flat(EN("outcome.in_house.summary")) in output
    assert read_session(tmp_path)["answers"]["mode"] == "in_house"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [30, 50, 80])
def test_no_line_is_wider_than_the_terminal(tmp_path, width, language):
    lines = ("why", *ALL_ANSWERS, "2", "1", "", "help", "", "hmm", "review")
    output = run_chat(tmp_path, *lines, arguments=("--lang", language), COLUMNS=str(width))
    wide = [line for line in output.splitlines() if len(line) > width]
    assert not wide


# --- The file -----------------------------------------------------------------------------------------------------


def test_only_the_owner_can_read_the_file_and_no_other_file_is_left(tmp_path):
    run_chat(tmp_path, "1", "2")
    folder = tmp_path / "cm-advisor"
    assert [file.name for file in folder.iterdir()] == ["chat.json"]
    assert stat.S_IMODE((folder / "chat.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"id": "terminal"}', b'{"answers": {"brand": "maybe"}}'],
)
def test_an_unreadable_file_is_renamed_and_reported(tmp_path, content):
    file = tmp_path / "cm-advisor" / "chat.json"
    file.parent.mkdir()
    file.write_bytes(content)
    output = run_chat(tmp_path, "1")
    assert "chat.unreadable.json" in output.replace("\n", "")
    assert file.with_name("chat.unreadable.json").read_bytes() == content
    assert read_session(tmp_path)["answers"] == {"orientation": "seo"}


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
def test_load_rejects_a_session_that_does_not_fit_the_flow(tmp_path, wrong):
    file = tmp_path / "chat.json"
    session, _ = step(FLOW, None, Start(Actor("terminal", "you", "fr"), "terminal", answers={"brand": "yes"}))
    assert session is not None
    save(file, session)
    assert load(file, FLOW) == session
    file.write_text(json.dumps(session.to_json() | wrong))
    with pytest.raises(InvalidSession):
        load(file, FLOW)


def test_load_upgrades_a_session_of_an_older_flow(tmp_path):
    file = tmp_path / "chat.json"
    save(file, Session("terminal", "terminal", "you", "fr", version=0, answers={"x": "yes"}, changing="x"))
    loaded = load(file, FLOW)
    assert loaded is not None
    assert (loaded.version, loaded.answers, loaded.changing) == (FLOW.version, {}, None)


def test_a_check_that_was_finished_under_version_1_keeps_its_advice(tmp_path):
    answers = {"orientation": "key", "brand": "no", "transformation": "no", "presence": "no"}
    answers |= {"mode": "agency", "agency_link": "no", "person": "nobody", "routine": "no"}
    file = tmp_path / "cm-advisor" / "chat.json"
    save(file, Session("terminal", "terminal", "you", "en", version=1, answers=answers, status=Status.KEPT))
    output = flat(run_chat(tmp_path, "", "details"))
    assert flat(EN("terminal.kept.done")) in output
    assert flat(EN("recommendation.what_if")) in output
    assert flat(EN("details.options")) not in output
    assert read_session(tmp_path)["version"] == 1


def test_the_dialog_goes_on_when_the_file_cannot_be_written(tmp_path):
    (tmp_path / "cm-advisor").write_text("in the way")
    output = flat(run_chat(tmp_path, *ALL_ANSWERS, ""))
    assert output.count("cannot be stored") == 1
    assert flat(EN("outcome.agency.summary")) in output
    assert output.endswith(flat(EN("terminal.bye")))


def test_answers_survive_sigkill(tmp_path):
    process: Any
    with subprocess.Popen(
        [SCRIPT, "chat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
        process.stdin.write(b"1\n2\n")
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not (tmp_path / "cm-advisor" / "chat.json").exists() or len(read_session(tmp_path)["answers"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert read_session(tmp_path)["answers"] == {"orientation": "seo", "brand": "no"}


def test_small_talk_and_unclear_text(tmp_path: Path) -> None:
    output = run_chat(tmp_path, "hello", "thanks a lot!", "it depends", "post", "lang de", "quit")
    assert output.count(EN("progress.question", number=1, total=8)) == 2, "hello shows the card again"
    assert EN("small_talk.thanks") in flat(output)
    for id in ("did_you_mean", "post_too_early", "which_language"):
        assert EN(f"notice.{id}") in flat(output)
    assert flat(output).count(EN("question.orientation.text")) == 4
    assert EN("notice.did_you_mean") in output.splitlines(), "on a line of its own, below the question"
