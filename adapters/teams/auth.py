"""Who sends us activities: checks the token Microsoft signs each request with.

In place of the SDK's check, which accepts tokens that never expire, answers 500 to forged ones, fails for a day after
Microsoft rotates its keys and fetches those with blocking calls.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field

import aiohttp
import jwt

from adapters.teams.settings import TeamsSettings

LEEWAY = 60
"""Seconds two clocks may differ."""
REFRESH_AFTER = 24 * 3600.0
ASK_AGAIN_AFTER = 60.0
"""Seconds between two fetches, so that made-up key ids do not make us flood Microsoft."""
REST_AFTER_FAILURE = 2.0
MAX_TOKENS = 512

log = logging.getLogger(__name__)


class Unauthorized(Exception):
    """The request is not from Teams, or not for us. The message is for the log, not for the sender."""


class KeysUnavailable(Exception):
    """Microsoft's keys cannot be had now: nobody can be let in, and the request should come again."""


@dataclass(frozen=True, slots=True)
class Key:
    key: jwt.PyJWK
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose signature, issuer and audience are good. `begins` and `ends`: seconds since 1970."""

    begins: float
    ends: float
    service_url: str
    endorsements: frozenset[str]


@dataclass(slots=True)
class Keys:
    """Microsoft's signing keys by id: fetched when first needed, renewed daily beside the requests, and at once when a
    token names an unknown one, though seldom."""

    url: str
    session: aiohttp.ClientSession
    _keys: dict[str, Key] = field(default_factory=dict)
    _fetched: float = -math.inf
    _failed: float = -math.inf
    _asked: float = -math.inf
    _fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> Key:
        """Return the key. Raises `Unauthorized`, `KeysUnavailable`."""
        now = time.monotonic()
        if kid in self._keys:
            if now - self._fetched > REFRESH_AFTER and now - self._failed > ASK_AGAIN_AFTER:
                self._fetch_once()
            return self._keys[kid]
        if not self._keys:
            if self._fetching or now - self._failed > REST_AFTER_FAILURE:
                await asyncio.shield(self._fetch_once())
        elif self._fetching or now - self._asked > ASK_AGAIN_AFTER:
            self._asked = now
            await asyncio.shield(self._fetch_once())
        if kid in self._keys:
            return self._keys[kid]
        if self._failed > self._fetched:
            raise KeysUnavailable
        raise Unauthorized("unknown key")

    def _fetch_once(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            self._keys = await self._fetch()
            self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError, TypeError, KeyError) as error:
            log.warning("Microsoft's signing keys cannot be fetched from %s: %r", self.url, error)
            self._failed = time.monotonic()
        finally:
            self._fetching = None

    async def _fetch(self) -> dict[str, Key]:
        limit = aiohttp.ClientTimeout(total=10)
        async with self.session.get(self.url, timeout=limit, raise_for_status=True) as answer:
            url = (await answer.json(content_type=None))["jwks_uri"]
        async with self.session.get(url, timeout=limit, raise_for_status=True) as answer:
            found = (await answer.json(content_type=None))["keys"]
        keys = {}
        for one in found:
            if one.get("kty") == "RSA" and one.get("use", "sig") == "sig" and isinstance(one.get("kid"), str):
                keys[one["kid"]] = Key(jwt.PyJWK(one, "RS256"), frozenset(one.get("endorsements") or ()))
        return keys


class TokenVerifier:
    """Checks the Authorization header of a request against the activity it came with."""

    def __init__(self, settings: TeamsSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._keys = Keys(settings.openid_metadata_url, session)
        # Teams sends the same token for minutes; a signature once checked need not be checked again.
        self._known: dict[str, Token] = {}

    async def verify(self, authorization: str | None) -> Token | None:
        """Return the token if it is good; None where none is needed. Raises `Unauthorized`, `KeysUnavailable`."""
        if self._settings.unauthenticated:
            return None
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text or not self._settings.app_id:
            raise Unauthorized("no bearer token")
        token = self._known.get(text) or await self._decode(text)
        if not token.begins - LEEWAY <= time.time() < token.ends + LEEWAY:
            raise Unauthorized("out of its time")
        return token

    @staticmethod
    def match(token: Token | None, channel: str, service_url: str) -> None:
        """Return if the activity is one the token was made for. Raises `Unauthorized`."""
        if token and channel not in token.endorsements:
            raise Unauthorized("the key is not endorsed for this channel")
        if token and token.service_url != service_url:
            raise Unauthorized("the service URL is not the activity's")

    async def _decode(self, text: str) -> Token:
        try:
            head = jwt.get_unverified_header(text)
            kid = head.get("kid")
            if head.get("alg") != "RS256" or not isinstance(kid, str):
                raise Unauthorized("not RS256 with a key id")
            key = await self._keys.find(kid)
            claims = jwt.decode(
                text,
                key.key,
                algorithms=["RS256"],
                audience=self._settings.app_id,
                issuer=self._settings.token_issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "nbf", "iss", "aud", "serviceurl"], "strict_aud": True},
            )
            life = float(claims["nbf"]), float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthorized(type(error).__name__) from error
        if len(self._known) >= MAX_TOKENS:
            self._known.clear()
        token = self._known[text] = Token(*life, str(claims["serviceurl"]), key.endorsements)
        return token
