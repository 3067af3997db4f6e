"""Authorization headers that must be rejected."""

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from adapters.playground.teams.server import SigningKey, TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions

HOUR = 3600
_OTHER = str(uuid.uuid4())


def token(teams: TeamsSimulator, **changes: Any) -> str:
    return TeamsUserActions(teams, "").token(**changes)


def _at(teams: TeamsSimulator, hours: int) -> str:
    """A token that is valid for an hour, so many hours from now."""
    then = int(time.time()) + hours * HOUR
    return token(teams, iat=then, nbf=then, exp=then + HOUR - 1)


def _tampered(teams: TeamsSimulator) -> str:
    """Claims of another token under a valid signature."""
    head, _, signature = token(teams).split(".")
    return ".".join((head, token(teams, aud=_OTHER).split(".")[1], signature))


def _with_algorithm(teams: TeamsSimulator, algorithm: str, key: str) -> str:
    """The claims of a valid token, signed with another algorithm."""
    claims = jwt.decode(token(teams), options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": teams.signing.kid})


def _with_public_key(teams: TeamsSimulator) -> str:
    """A token that is accepted if the public key is used with the algorithm in the header."""
    public = teams.signing.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = _with_algorithm(teams, "HS256", "x" * 32).rpartition(".")[0]
    signature = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url_encode(signature).decode()}"


def _key_with_same_id(teams: TeamsSimulator) -> SigningKey:
    """Another key with the id of the signing key."""
    return SigningKey(teams.signing.kid, teams.unpublished.private, ())


def _bearer(make: Callable[[TeamsSimulator], str]) -> Callable[[TeamsSimulator], str]:
    return lambda teams: f"Bearer {make(teams)}"


FORGERIES: dict[str, Callable[[TeamsSimulator], str | None]] = {
    "no header": lambda _: None,
    "empty bearer": lambda _: "Bearer ",
    "other scheme": lambda teams: f"Basic {token(teams)}",
    "garbage": lambda _: "Bearer x.y.z",
    "wrong audience": _bearer(lambda teams: token(teams, aud=_OTHER)),
    "no audience": _bearer(lambda teams: token(teams, aud=None)),
    "wrong issuer": _bearer(lambda teams: token(teams, iss="https://evil.example")),
    "wrong service url": _bearer(lambda teams: token(teams, serviceurl="https://evil.example/amer/")),
    "no service url": _bearer(lambda teams: token(teams, serviceurl=None)),
    "expired": _bearer(lambda teams: _at(teams, -2)),
    "not yet valid": _bearer(lambda teams: _at(teams, 1)),
    "expiry of 400 digits": _bearer(lambda teams: token(teams, exp=10**400)),
    "start of 400 digits": _bearer(lambda teams: token(teams, nbf=-(10**400))),
    "endless expiry": _bearer(lambda teams: token(teams, exp=float("inf"))),
    "expiry that is no number": _bearer(lambda teams: token(teams, exp=float("nan"))),
    "deep header": lambda _: f"Bearer {base64url_encode(b'[' * 5_000).decode()}.e30.x",
    "no expiry": _bearer(lambda teams: token(teams, exp=None)),
    "bad signature": _bearer(lambda teams: token(teams, key=_key_with_same_id(teams))),
    "tampered claims": _bearer(_tampered),
    "unknown key": _bearer(lambda teams: token(teams, key=teams.unpublished)),
    "no key id": _bearer(lambda teams: token(teams, key=teams.unpublished, header={"kid": None, "x5t": None})),
    "alg none": _bearer(lambda teams: _with_algorithm(teams, "none", "")),
    "HS256 with the public key": _bearer(_with_public_key),
    "unendorsed key": _bearer(lambda teams: token(teams, key=teams.unendorsed)),
    "other tenant": _bearer(
        lambda teams: token(teams, iss=f"https://sts.windows.net/{_OTHER}/", tid=_OTHER, appid=_OTHER, ver="1.0")
    ),
}
"""The header by case; None: no header. The response to each is 401."""
