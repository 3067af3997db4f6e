"""The dialog of this terminal, kept in a file between one run and the next."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from dialogs.flow import Flow
from dialogs.reducer import upgrade, valid_answers
from dialogs.session import InvalidSession, Session


def default_path(environment: Mapping[str, str]) -> Path:
    """Return where the dialog is kept: below ``$XDG_STATE_HOME``, or where that would be by default."""
    given = Path(environment.get("XDG_STATE_HOME") or "")
    # The specification has relative paths ignored.
    home = given if given.is_absolute() else Path.home() / ".local" / "state"
    return home / "cm-advisor" / "chat.json"


def load(path: Path, flow: Flow) -> Session | None:
    """Return the session kept in `path`, None where there is none. Raises `InvalidSession`, `OSError`."""
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise InvalidSession(str(error)) from error
    if not isinstance(stored, dict):
        raise InvalidSession("not an object")
    session, _ = upgrade(flow, Session.from_json(stored))
    known = session.changing is None or session.changing in session.answers
    if not known or valid_answers(flow, dict(session.answers)) != session.answers:
        raise InvalidSession("answers that the flow does not know")
    return session


def save(path: Path, session: Session) -> None:
    """Keep `session` in `path`, whole or not at all, for this user's eyes only. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=".chat-", delete=False) as file:
        try:
            json.dump(session.to_json(), file)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be read, so that nothing of it is lost; return its new name. Raises `OSError`."""
    aside = path.with_suffix(".unreadable.json")
    path.replace(aside)
    return aside
