"""The command line, run as a process."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from adapters.terminal.session_file import default_path
from bot.cli import COMMANDS
from bot.commands.batch import parse_arguments
from dialogs.community_flow import FLOW
from dialogs.recommend import check
from dialogs.translations import languages, translations

SCRIPT = Path(sys.executable).with_name("cm-advisor")
PATH = {
    "orientation": "seo",
    "brand": "yes",
    "transformation": "no",
    "presence": "unknown",
    "mode": "agency",
    "agency_link": "yes",
    "person": "interns",
    "routine": "yes",
}
ARGUMENTS = [f"{question}={option}" for question, option in PATH.items()]


def run(*arguments: str, language: str | None = "en", **environment: str) -> subprocess.CompletedProcess:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "COLUMNS"))}
    if language:
        environment["LC_ALL"] = f"{language}_XX.UTF-8"
    return subprocess.run(
        [SCRIPT, *arguments],
        check=False,
        capture_output=True,
        env=inherited | {"PYTHONUTF8": "1"} | environment,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


def printed(*arguments: str, language: str | None = "en", **environment: str) -> str:
    completed = run(*arguments, language=language, **environment)
    assert (completed.returncode, completed.stderr) == (0, "")
    return str(completed.stdout)


# --- check --json -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [{}, {"brand": "yes"}, PATH, PATH | {"seo_expert": "no"}])
@pytest.mark.parametrize("what_if", [True, False])
def test_json_is_one_line(answers, what_if):
    arguments = [f"{question}={option}" for question, option in answers.items()]
    output = printed("check", "--json", *([] if what_if else ["--no-what-if"]), *arguments)
    assert output.count("\n") == 1
    assert output == json.dumps(check(FLOW, answers, with_what_if=what_if)) + "\n"


def test_json_keeps_accents():
    shown = run("check", "--json", "x", language="fr").stdout
    assert "«\u00a0x\u00a0» n’est pas" in shown
    assert shown.count("\n") == 1
    ascii_only = run("check", "--json", "x", language="fr", PYTHONIOENCODING="ascii").stdout
    assert ascii_only.isascii()
    assert json.loads(ascii_only) == json.loads(shown)


def test_json_has_all_errors_in_order():
    completed = run("check", "--json", "brand", "mode=agncy", "brnad=yes", "routine=yes", "routine=no", "=x", "person=")
    output = json.loads(completed.stdout)
    assert (completed.returncode, completed.stderr, output["status"]) == (2, "", "invalid")
    assert [error["question"] for error in output["errors"]] == [None, "routine", None, None, "mode", "brnad"]
    assert all(set(error) == {"question", "message"} for error in output["errors"])


# --- check, to read -----------------------------------------------------------------------------------------------


def test_errors_are_printed_to_standard_error():
    completed = run("check", "brnad=oui", "mode=agncy", "x")
    assert (completed.returncode, completed.stdout) == (2, "")
    lines = completed.stderr.splitlines()
    assert len(lines) == 3
    assert "question=answer" in lines[0]
    assert "“brand”" in lines[1]
    assert "“agency”" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "answers"),
    [
        (["marque=oui", "mode=agence"], {"brand": "yes", "mode": "agency"}),
        (["Brand image=yes", "mode=both"], {"brand": "yes", "mode": "both"}),
        (["mode=une", "agence,", "personne=stagiaires"], {"mode": "agency", "person": "interns"}),
        (["oui", "non", "oui"], {"brand": "yes", "transformation": "no", "presence": "yes"}),
        (["image de marque: non"], {"brand": "no"}),
        ([" brand = yes "], {"brand": "yes"}),
        ([], {}),
    ],
)
def test_arguments_are_ids_or_words_of_both_languages(arguments, answers):
    assert parse_arguments(FLOW, arguments, translations("en")) == (answers, [])


@pytest.mark.parametrize(
    ("arguments", "answers", "questions"),
    [
        (["marque=oui", "x"], {"brand": "yes"}, [None]),
        (["marque=oui", "brand=no"], {"brand": "yes"}, ["brand"]),
        (["marque=bleu", "brnad=oui"], {"brand": "bleu", "brnad": "oui"}, []),
    ],
)
def test_arguments_that_are_understood_count_beside_those_that_are_not(arguments, answers, questions):
    parsed, errors = parse_arguments(FLOW, arguments, translations("en"))
    assert (parsed, [error["question"] for error in errors]) == (answers, questions)


def test_the_same_answer_twice_is_accepted():
    assert printed("check", "brand=yes", "brand=yes", "--json")


@pytest.mark.parametrize("language", languages())
def test_a_recommendation_is_printed_in_full(language):
    t = translations(language)
    output = " ".join(printed("check", *ARGUMENTS, language=language, COLUMNS="50").split())
    result: Any = check(FLOW, PATH)
    texts = [f"outcome.{result['outcome']}.title", "recommendation.what_if", "article.title", "control.title"]
    texts += ["recommendation.steps", "details.options", "recommendation.open"]
    texts += [
        f"argument.{option['outcome']}.{argument}"
        for option in result["options"]
        for argument in (*option["for"], *option["against"])
    ]
    outcome = result["outcome"]
    for advice in FLOW.advice:
        if advice.id in result["advice"]:
            wording = f".{outcome}" if outcome in advice.text_by_outcome else ""
            texts += [f"advice.{advice.id}.title", f"advice.{advice.id}.step{wording}"]
    texts += [f"question.{step['question']}.short" for step in result["because"]]
    texts += [f"source.{step['source']}" for step in result["because"]]
    for id in texts:
        assert " ".join(t(id).split()).lower() in output.lower()
    assert t("label.post") not in output
    assert "None" not in output


def test_no_what_if():
    title = translations("en")("recommendation.what_if")
    assert title in printed("check", *ARGUMENTS)
    assert title not in printed("check", "--no-what-if", *ARGUMENTS)


def test_a_partial_result_is_printed_with_the_next_question():
    output = printed("check", "brand=yes", "mode=agency", "light_mode=outsource")
    for id in ("fact.strategic.true", "outcome.agency.title", "recommendation.unused", "question.orientation.text"):
        assert " ".join(translations("en")(id).split()) in " ".join(output.split())
    assert "orientation=seo, orientation=key, or orientation=unknown" in output


@pytest.mark.parametrize("width", [20, 50, 80, 200])
@pytest.mark.parametrize("language", languages())
def test_nothing_is_wider_than_the_terminal(width, language):
    for arguments in (ARGUMENTS, ["brand=yes"], []):
        output = printed("check", *arguments, language=language, COLUMNS=str(width))
        assert max(map(len, output.splitlines())) <= min(width, 80)
        assert output == "".join(line.rstrip() + "\n" for line in output.splitlines())


def test_no_colors_outside_a_terminal():
    assert "\x1b" not in printed("check", "brand=yes", TERM="xterm-256color")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_US"}, "en"),
        ({"LC_ALL": "fr_CA.utf8", "LANG": "en_US"}, "fr"),
        ({"LC_ALL": "", "LANG": "en_US@euro"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LC_ALL": "tlh_QO.UTF-8", "LANG": "fr_FR"}, "en"),
    ],
)
def test_the_language_of_the_environment(environment, language):
    assert translations(language)("partial.title") in printed("check", language=None, **environment)


def test_lang_overrides_the_environment():
    assert translations("en")("partial.title") in printed("check", "--lang", "en", LC_ALL="fr_FR.UTF-8", language=None)


def test_an_ascii_terminal():
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environment = inherited | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    completed = subprocess.run([SCRIPT, "check", *ARGUMENTS], check=True, capture_output=True, env=environment)
    assert completed.stdout.isascii()
    assert completed.stderr == b""


def test_a_closed_pipe_is_no_failure():
    process: Any
    with subprocess.Popen([SCRIPT, "flow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


COMMAND_LINES = [
    "check brand=yes",
    "check brand=yes --json",
    "check --batch -",
    "flow",
    "prove",
    "doctor",
    "manifest slack",
    "db upgrade",
    "chat",
    "serve",
    "--version",
]


@pytest.mark.parametrize("redirection", [">&-", "<&-", "2>&-", ">&- 2>&- <&-", ">/dev/full", ">/dev/full 2>/dev/full"])
def test_closed_streams_and_a_full_disk(redirection: str, tmp_path: Path) -> None:
    for line in COMMAND_LINES:
        completed = subprocess.run(
            ["/bin/sh", "-c", f"{SCRIPT} {line} {redirection}"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            text=True,
            timeout=60,
        )
        output = completed.stdout + completed.stderr
        assert "Traceback" not in output, line
        assert "Exception ignored" not in output, line
        assert completed.returncode in {0, 1, 2}, line
        if redirection == ">&-" and line not in {"serve", "--version"}:
            assert (completed.returncode, output) == (1, "cm-advisor: standard output is closed.\n"), line
        if redirection == ">/dev/full" and line not in {"serve", "check --batch -"}:
            assert completed.returncode == 1, line
            assert output.endswith("cm-advisor: No space left on device.\n"), line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "--batch", "nothing.jsonl"], "nothing.jsonl: No such file"),
        (["check", "--batch", "."], "Is a directory"),
        (["check", "--batch", "/proc/self/mem"], "cm-advisor: Input/output error."),
        (["playground", "--port", "99999"], "give a number from 1 to 65535"),
        (["playground", "--port", "²"], "give a number from 1 to 65535"),
        (["manifest", "slack", "--public-url", "https://["], "PUBLIC_URL (or --public-url) must be"),
    ],
)
def test_what_a_person_can_do_wrong_is_a_sentence(arguments: list[str], sentence: str) -> None:
    completed = run(*arguments)
    assert completed.returncode in {1, 2}
    assert sentence in completed.stderr
    assert "Traceback" not in completed.stderr


def test_without_a_home_a_chat_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(OSError, match="set HOME or XDG_STATE_HOME"):
        default_path({})


# --- The other commands -------------------------------------------------------------------------------------------


def test_version():
    assert printed("--version") == f"cm-advisor {version('cm-advisor')}\n"


def test_help_lists_every_command_with_examples():
    output = printed("--help")
    for name in COMMANDS:
        assert name in output
        assert printed(name, "--help").startswith("usage: cm-advisor")
    assert "cm-advisor check brand=yes" in printed("check", "--help")


def test_without_a_command_the_help_is_printed():
    assert printed() == printed("--help")


@pytest.mark.parametrize("arguments", [["chekc"], ["check", "--lang", "tlh"], ["flow", "--format", "png"]])
def test_unknown_arguments_are_usage_errors(arguments):
    completed = run(*arguments)
    assert completed.returncode == 2
    assert completed.stderr.startswith("usage: ")


def test_prove_prints_what_it_checked():
    output = printed("prove")
    assert "7944 paths" in output


def test_prove_reports_every_fault(monkeypatch, capsys):
    from bot import cli
    from dialogs import verify

    report = verify.Report(faults=("option a=b: one", "text c: two"))
    monkeypatch.setattr(verify, "verify", lambda flow: report)
    assert cli.main(["prove"]) == 1
    assert capsys.readouterr().err == "option a=b: one\ntext c: two\n"


def test_a_check_does_not_import_platforms():
    source = (
        "import sys; from bot.cli import main; main(['check', 'brand=yes', '--json']);"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    completed = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    for heavy in ("aiohttp", "slack_bolt", "botbuilder", "sqlalchemy", "rich", "pydantic"):
        assert f"'{heavy}'" not in completed.stdout
