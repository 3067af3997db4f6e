"""The file that keeps the terminal's session between runs."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from dialogs.flow import Flow
from dialogs.session import InvalidSession, Session, upgrade, valid_answers


def default_path(environment: Mapping[str, str]) -> Path:
    """Return the file's path: below ``$XDG_STATE_HOME``, by default ``~/.local/state``.

    Raises `OSError` without a home directory.
    """
    state = Path(environment.get("XDG_STATE_HOME") or "")
    if not state.is_absolute():  # the XDG specification: ignore relative paths
        try:
            state = Path.home() / ".local" / "state"
        except RuntimeError:  # no HOME, and a user without an entry in /etc/passwd
            raise FileNotFoundError("no home directory: set HOME or XDG_STATE_HOME") from None
    return state / "cm-advisor" / "chat.json"


def load(path: Path, flow: Flow) -> Session | None:
    """Return the session in `path`; None when the file does not exist. Raises `InvalidSession`, `OSError`."""
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise InvalidSession(str(error)) from error
    if not isinstance(stored, dict):
        raise InvalidSession("not a JSON object")
    session, _ = upgrade(flow, replace(Session.from_json(stored), page=None))
    is_known = session.changing is None or session.changing in session.answers
    if not is_known or valid_answers(flow, dict(session.answers)) != session.answers:
        raise InvalidSession("answers that are not in the flow")
    return session


def save(path: Path, session: Session) -> None:
    """Write `session` to `path` atomically, readable by this user only. Raises `OSError`."""
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
    """Rename an unreadable file, so that it is not overwritten; return its new path. Raises `OSError`."""
    renamed = path.with_suffix(".unreadable.json")
    path.replace(renamed)
    return renamed
