"""The command line: ``cm-advisor``.

A command imports what it needs when it runs, so that `check` starts fast.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from bot.standard_streams import discard_output, open_closed_streams
from dialogs.translations import language_for_locale, languages, translations

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130
INVALID = 2
LANGUAGE_OF_UNKNOWN_LOCALE = "en"
"""For no locale, or one without translations. In the chats it is the default of `dialogs.translations`."""

Arguments = argparse.Namespace
Run = Callable[[Arguments], int]
AddArgument = Callable[[argparse.ArgumentParser], object]


class Command(NamedTuple):
    """A command. `examples`: the end of its help. `run` returns the exit status."""

    summary: str
    examples: str
    arguments: tuple[AddArgument, ...]
    run: Run


COMMANDS: dict[str, Command] = {}


def main(arguments: list[str] | None = None) -> int:
    """Run ``cm-advisor`` and return its exit status. `arguments`: None for those of the process."""
    can_print = open_closed_streams()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # no text fails, whatever the encoding of the terminal
    try:
        status = _run(arguments, can_print=can_print)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()  # the reader of a pipe has ended
        return 0
    except OSError as error:  # a full disk, a file that cannot be read
        discard_output()
        return _fail(": ".join(filter(None, (str(error.filename or ""), error.strerror or str(error)))))
    return status


def _run(arguments: list[str] | None, *, can_print: bool) -> int:
    try:
        parsed = _parser().parse_args(arguments)
        run: Run = parsed.run
        return run(parsed) if can_print or run is _serve else _fail("standard output is closed")
    except SystemExit as error:  # of argparse
        return error.code if isinstance(error.code, int) else 1


def _fail(sentence: str) -> int:
    with suppress(OSError):
        print(f"cm-advisor: {sentence}.", file=sys.stderr, flush=True)
    discard_output()
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cm-advisor", description="Should your community management stay in-house or be outsourced?"
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.set_defaults(run=_print_help, parser=parser)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, (summary, examples, add_arguments, run) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"examples:\n{examples}" if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for add_argument in add_arguments:
            add_argument(command)
        command.set_defaults(run=run, parser=command)
    return parser


def _print_help(arguments: Arguments) -> int:
    parser: argparse.ArgumentParser = arguments.parser
    parser.print_help()
    return 0


class _Version(argparse.Action):
    """Looks up the version only when needed: it takes longer than a check."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"cm-advisor {version('cm-advisor')}")
        parser.exit()


def _command(name: str, summary: str, examples: str = "", *arguments: AddArgument) -> Callable[[Run], Run]:
    """Add a function to `COMMANDS`."""

    def add(run: Run) -> Run:
        COMMANDS[name] = Command(summary, examples, arguments, run)
        return run

    return add


def _argument(*names: str, **options: Any) -> AddArgument:
    """Return an argument of a command. The parameters are those of ``ArgumentParser.add_argument``."""
    return methodcaller("add_argument", *names, **options)


def _port(text: str) -> int:
    """Return the number of a port; 0 is any free one. Raises `ArgumentTypeError`."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65_535):
        raise argparse.ArgumentTypeError("give a number from 1 to 65535, or 0 for any free port")
    return int(text)


_LANGUAGE = _argument(
    "--lang",
    choices=languages(),
    help="language of the texts (default: that of $LC_ALL, $LC_MESSAGES or $LANG, else English)",
)
_JSON = _argument("--json", action="store_true", help="print JSON on one line")


def _language(arguments: Arguments) -> str:
    """Return the language: that of ``--lang``, else of the environment, else English."""
    if arguments.lang:
        return str(arguments.lang)
    # POSIX: the first one that is not empty decides.
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return language_for_locale(locale.split(".")[0].split("@")[0]) or LANGUAGE_OF_UNKNOWN_LOCALE


def _console() -> "Console":
    """Return the console of standard output, with colors on a terminal unless $NO_COLOR is set."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


@_command(
    "check",
    "recommend from the given answers, or ask for the missing ones",
    """  cm-advisor check brand=yes mode=agency
  cm-advisor check marque=oui mode=agence
  cm-advisor check orientation=seo brand=no transformation=no presence=no --json --lang en
  echo '{"id": 1, "answers": {"brand": "yes"}}' | cm-advisor check --batch -

Exit status: 0, also when answers are missing; 2 when some are not valid.

A line of a batch is {"answers": {QUESTION: ANSWER, ...}, "id": anything}, with ids only. Its result is one line, with
the same id. Blank lines are skipped. A line that is not valid is answered as such; the exit status is then 0.""",
    _argument(
        "answers",
        nargs="*",
        metavar="QUESTION=ANSWER",
        help="known answers, in any order: ids, or words in French or English",
    ),
    _JSON,
    _argument("--batch", metavar="FILE", help="answer the JSON Lines of FILE, or of standard input for -"),
    _argument("--no-what-if", dest="what_if", action="store_false", help="leave out what would change it"),
    _LANGUAGE,
)
def _check(arguments: Arguments) -> int:
    if arguments.batch is None:
        return _check_one(arguments)
    if arguments.answers:
        arguments.parser.error("give either answers or --batch, not both")
    return _check_batch(arguments)


def _check_one(arguments: Arguments) -> int:
    from bot.commands.batch import encode, invalid_result, parse_arguments
    from dialogs.community_flow import FLOW
    from dialogs.recommend import check
    from dialogs.validate import validate

    t = translations(_language(arguments))
    parsed, malformed = parse_arguments(FLOW, arguments.answers, t)
    answers, invalid = validate(FLOW, parsed, t)
    errors = [*malformed, *invalid]
    if arguments.json:
        result = invalid_result(errors) if errors else check(FLOW, answers, with_what_if=arguments.what_if)
        print(encode(result, sys.stdout.encoding))
    elif errors:
        print(*(error["message"] for error in errors), sep="\n", file=sys.stderr)
    else:
        from adapters.terminal.check_output import print_check

        flow = FLOW.with_article(_article_url())
        print_check(flow, answers, _console(), t.language, with_what_if=arguments.what_if)
    return INVALID if errors else 0


def _check_batch(arguments: Arguments) -> int:
    from bot.commands.batch import BatchChecker, batch
    from dialogs.community_flow import FLOW

    t = translations(_language(arguments))
    checker = BatchChecker(FLOW, t, with_what_if=arguments.what_if)
    with _open_batch(arguments) as source, _progress(source) as advance:
        totals = batch(source, sys.stdout.buffer, checker, advance)
    if totals.invalid:
        print(t.plural("terminal.batch.invalid", totals.invalid, total=totals.checks), file=sys.stderr)
    return 0


def _open_batch(arguments: Arguments) -> BinaryIO:
    if arguments.batch == "-":
        return sys.stdin.buffer
    try:
        return Path(arguments.batch).open("rb")
    except OSError as error:
        parser: argparse.ArgumentParser = arguments.parser
        parser.error(f"{arguments.batch}: {error.strerror}")


@contextmanager
def _progress(source: BinaryIO) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal, unless the answers are printed there."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    size = os.fstat(source.fileno()).st_size
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=size or None)
        yield lambda done: progress.advance(task, done)


def _article_url() -> str | None:
    """Return the setting of that name. Importing `bot.settings` would make these commands start slowly."""
    from bot.setting_values import clean

    url = clean(os.environ.get("ARTICLE_URL", ""))
    return url if url.startswith("https://") else None


@_command(
    "chat",
    "answer the questions one by one, in this terminal",
    """  cm-advisor chat --lang en

Leave at any time, also with Ctrl-C: the next chat offers to go on.""",
    _LANGUAGE,
)
def _chat(arguments: Arguments) -> int:
    from adapters.terminal.chat import run
    from adapters.terminal.session_file import default_path
    from dialogs.community_flow import FLOW

    path = default_path(os.environ)
    flow = FLOW.with_article(_article_url())
    return run(flow, path, _console(), _language(arguments), switch=arguments.lang is not None)


@_command(
    "playground",
    "try it as in Slack and Teams on a local page, without account or internet",
    "  cm-advisor playground --no-browser",
    _argument("--port", type=_port, metavar="PORT", help="of the page (default: 3980, or another when that is taken)"),
    _argument("--no-browser", dest="browser", action="store_false", help="do not open the page"),
    _LANGUAGE,
)
def _playground(arguments: Arguments) -> int:
    gc.disable()
    from bot.commands.playground import playground

    return playground(arguments.port, _language(arguments), browser=arguments.browser)


@_command(
    "flow",
    "draw the flow of questions",
    """  cm-advisor flow --format svg --lang en > flow.svg
  cm-advisor flow --format dot | dot -Tpdf > flow.pdf""",
    _argument("--format", choices=("json", "mermaid", "svg", "dot"), default="json", help="default: json"),
    _LANGUAGE,
)
def _flow(arguments: Arguments) -> int:
    from dialogs.community_flow import FLOW
    from dialogs.diagram import graph, svg

    formats = {"json": graph.as_json, "mermaid": graph.mermaid, "svg": svg.svg, "dot": graph.dot}
    output = formats[arguments.format](FLOW, translations(_language(arguments)))
    sys.stdout.buffer.write(output.encode())  # these formats are UTF-8 on every terminal
    return 0


@_command(
    "serve",
    "serve Slack and Teams",
    """  HOST=0.0.0.0 PORT=3978 cm-advisor serve

Settings come from the environment and from .env. SIGTERM finishes running work.""",
)
def _serve(_: Arguments) -> int:
    gc.disable()  # imports create no garbage, and collecting took a tenth of the start; `bot.server` enables it
    from bot.server import serve

    return serve()


@_command(
    "db",
    "upgrade the database or rotate its encryption keys",
    """  cm-advisor db upgrade
  TOKEN_ENCRYPTION_KEY=NEW,OLD cm-advisor db rotate-keys

Both are safe while servers run. Exit status of rotate-keys: 1 when no key opens some token, else 0.""",
    _argument(
        "what",
        choices=("upgrade", "rotate-keys"),
        help="upgrade: bring the tables to this version; "
        "rotate-keys: encrypt every stored token with the first key of TOKEN_ENCRYPTION_KEY",
    ),
)
def _db(arguments: Arguments) -> int:
    from bot.commands.database import rotate_keys, upgrade

    return upgrade() if arguments.what == "upgrade" else rotate_keys()


def _add_platforms(command: argparse.ArgumentParser) -> None:
    platforms = command.add_subparsers(required=True, metavar="PLATFORM", dest="platform")
    slack = platforms.add_parser("slack", help="print the app manifest")
    teams = platforms.add_parser("teams", help="write the app package")
    teams.add_argument("--out", metavar="FILE.zip", required=True, help="the file to write")
    teams.add_argument("--app-id", metavar="GUID", help="default: $MICROSOFT_APP_ID")
    for platform in (slack, teams):
        platform.add_argument("--public-url", metavar="URL", help="default: $PUBLIC_URL")


@_command(
    "manifest",
    "create the app manifest for Slack or the app package for Teams",
    """  cm-advisor manifest slack --public-url https://advisor.example.org > manifest.json
  cm-advisor manifest teams --out cm-advisor.zip""",
    _add_platforms,
)
def _manifest(arguments: Arguments) -> int:
    from bot.commands.manifest import slack, teams

    return (slack if arguments.platform == "slack" else teams)(arguments)


@_command(
    "doctor",
    "check settings, credentials, reachability, scopes, clock and database",
    """  cm-advisor doctor
  cm-advisor doctor --json

Exit status: 1 when something fails, else 0.""",
    _JSON,
)
def _doctor(arguments: Arguments) -> int:
    from bot.commands.doctor import doctor

    return doctor(as_json=arguments.json)


@_command("prove", "check every path of the flow and report all faults")
def _prove(_: Arguments) -> int:
    from dialogs.community_flow import FLOW
    from dialogs.verify import verify

    report = verify(FLOW)
    print(*report.lines(), sep="\n")
    print(*report.faults, sep="\n", end="\n" if report.faults else "", file=sys.stderr)
    return 1 if report.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
