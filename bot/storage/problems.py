"""What is wrong with a database, in sentences: the problem, then what to do. Messages of a database may quote a row."""

import re
import sqlite3
from typing import Any

import sqlalchemy as sa

_UNKNOWN = "The database is unavailable ({name}). Is DATABASE_URL right, and is it running?"
_CONNECTING = (
    ("authentication failed", "The database refuses the user or the password of DATABASE_URL. Correct them."),
    (r'database ".*" does not exist', "The database that DATABASE_URL names does not exist. Create it, in UTF8."),
    (
        r'role ".*" does not exist',
        "The user that DATABASE_URL names does not exist. Create it, or correct DATABASE_URL.",
    ),
    (
        "translate host name|resolve host|not known|no address associated",
        "The host that DATABASE_URL names is unknown. Correct it, or the DNS of this machine.",
    ),
    ("refused", "Nothing listens at the host and port of DATABASE_URL. Start the database, or correct DATABASE_URL."),
    ("timeout|timed out", "The host of DATABASE_URL does not answer. Check the firewall between it and this machine."),
    (
        "pg_hba.conf",
        "The database does not let this machine in. Add it to pg_hba.conf, or set sslmode in DATABASE_URL.",
    ),
    ("invalid connection option|invalid .* value", "DATABASE_URL has an option that is not known. Correct it."),
    (
        "SSL|certificate",
        "The encrypted connection to the database fails. Check sslmode and sslrootcert in DATABASE_URL.",
    ),
)
"""Parts of libpq's messages; it gives no codes before there is a session."""
_SENTENCES = {
    "25006": "The database is read-only. Wait for its failover, or give DATABASE_URL the host that can be written to.",
    "3F000": "The database has no schema to create tables in. As its owner: CREATE SCHEMA public AUTHORIZATION {user};",
    "42501": "{user} lacks a right in the database ({subject}). As its owner: {grant};",
    "42P01": "Tables are missing in the database. Run `cm-advisor db upgrade`, or restore a backup.",
    "42P07": "The database has a table of the same name from another program. Give cm-advisor a database of its own.",
    "53100": "The disk of the database is full. Make room.",
    "53300": "The database has no connection left. Raise its max_connections, or use fewer replicas (8 each).",
    "57P03": "The database is starting or stopping. Try again in a moment.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened. Check DATABASE_URL and the rights to its folder.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged. Restore a backup (deploy/README.md).",
    sqlite3.SQLITE_FULL: "The disk of the database file is full. Make room.",
    sqlite3.SQLITE_IOERR: "The disk of the database file fails or is full. Check it (`df`, `dmesg`).",
    sqlite3.SQLITE_LOCKED: "Another program is writing to the database file. Stop it.",
    sqlite3.SQLITE_BUSY: "Another program is writing to the database file. Stop it.",
    sqlite3.SQLITE_NOTADB: "The file of DATABASE_URL is not an SQLite database. Correct it, or restore a backup.",
    sqlite3.SQLITE_PERM: "This user may not open the database file. Correct its permissions.",
    sqlite3.SQLITE_READONLY: "This user may not write to the database file and its folder. Correct their permissions.",
}
"""By SQLSTATE of PostgreSQL, and by code of SQLite."""
REOPEN = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)
"""Codes of SQLite after which the file is opened again: it may have been mounted again or restored."""


def code_of(error: BaseException) -> str | int | None:
    """Return the SQLSTATE of PostgreSQL, or the code of SQLite without its details; None without one."""
    original: Any = getattr(error, "orig", None) or error
    if (code := getattr(original, "sqlite_errorcode", None)) is not None:
        return int(code) & 0xFF
    return getattr(original, "sqlstate", None)


def short_reason(error: Exception) -> str:
    """Return the class of an error, and what is known about its code."""
    sentence = _SENTENCES.get(code_of(error) or "", "")
    name = type(error).__name__
    return f"{name}: {sentence.partition('. ')[0].lower()}" if sentence and "{" not in sentence else name


def describe(error: Exception, url: sa.URL) -> str:
    """Return the sentences for an operator."""
    name, text = type(error).__name__, str(getattr(error, "orig", None) or error)
    code = code_of(error)
    if code is None and url.get_backend_name() != "sqlite":
        found = (sentence for pattern, sentence in _CONNECTING if re.search(pattern, text, re.IGNORECASE))
        return next(found, _UNKNOWN.format(name=name))
    if code == sqlite3.SQLITE_ERROR and "no such table" in text:
        code = "42P01"
    elif code == sqlite3.SQLITE_ERROR and "already exists" in text:
        code = "42P07"
    schema = re.search(r"for schema (\w+)", text)
    tables = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
    return _SENTENCES.get(code or "", _UNKNOWN).format(
        name=name,
        user=url.username,
        subject=f"CREATE on the schema {schema[1]}" if schema else "on its tables",
        grant=f"GRANT {f'USAGE, CREATE ON SCHEMA {schema[1]}' if schema else tables} TO {url.username}",
    )
