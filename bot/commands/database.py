"""``cm-advisor db upgrade`` and ``cm-advisor db rotate-keys``."""

import asyncio
import sys
from collections.abc import Callable

from adapters.ports import ServiceUnavailable
from bot.settings import NEW_KEY, InvalidSettings, Settings, load_settings, print_problems
from bot.storage.database import Database
from bot.storage.schema_version import SchemaMismatch
from bot.storage.tokens import EncryptedTokenStore


def upgrade() -> int:
    """Upgrade the tables to this version. Return the exit status."""

    def work(database: Database, _settings: Settings) -> int:
        database.upgrade()
        print("The database is up to date.")
        return 0

    return _with_database(work)


def rotate_keys() -> int:
    """Encrypt every stored token with the first key. Return the exit status: 1 when no key decrypts one of them."""

    def work(database: Database, settings: Settings) -> int:
        if not settings.encryption_keys:
            return print_problems(f"TOKEN_ENCRYPTION_KEY is missing. Set it to NEW,OLD; make NEW with: {NEW_KEY}")
        database.check()
        result = asyncio.run(EncryptedTokenStore(database, settings.encryption_keys).rotate())
        total = result.first_key + result.unreadable
        print(f"Encrypted again: {result.rotated}. With the first key now: {result.first_key} of {total}.")
        if not result.unreadable:
            print("When every server has the first key, you can remove the others.")
            return 0
        print(
            f"No key in TOKEN_ENCRYPTION_KEY decrypts {result.unreadable}: add the key they were encrypted with, or "
            "install the app again in these workspaces.",
            file=sys.stderr,
        )
        return 1

    return _with_database(work)


def _with_database(work: Callable[[Database, Settings], int]) -> int:
    try:
        settings = load_settings(platforms=False)
    except InvalidSettings as error:
        return print_problems(*error.problems)
    database = Database(settings.sqlalchemy_url)
    try:
        return work(database, settings)
    except (SchemaMismatch, ServiceUnavailable) as error:
        return print_problems(str(error))
    finally:
        database.close()
