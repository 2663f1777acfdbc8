"""Sign in as an application, with its secret or a federated token.

MSAL does the work, as it does inside of azure-identity, which takes several times as long to load. Imported when a
token is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msal import ConfidentialClientApplication

from vmss_instance_view.azure.sign_in import SignIn


class Token(NamedTuple):
    """A token, which is nowhere shown, and when it ends, in seconds since 1970."""

    token: str
    expires_on: int


class Application:
    """An application of one tenant."""

    def __init__(
        self, authority: str, client: str, proof: str | Callable[[], str], sign_in: SignIn, *, is_listed: bool
    ) -> None:
        """Ask for nothing yet: what hangs must not come back after another application has taken this one's place.

        authority: the address of the tenant. proof: a secret, or what gives the federated token for a request.
        is_listed: Microsoft's own directory has this cloud; any other cannot be looked up there.
        """
        self._clock = sign_in.clock
        self._make = partial(
            ConfidentialClientApplication,
            client,
            client_credential=proof if isinstance(proof, str) else {"client_assertion": proof},
            authority=authority,
            http_client=sign_in,
            instance_discovery=None if is_listed else False,
        )
        self._made: ConfidentialClientApplication | None = None

    def get_token(self, scope: str, *, claims: str | None = None) -> Token:
        """Return a token. Raises ValueError in the authority's own words, and what `proof` and `sign_in` raise."""
        now = self._clock.now()
        if self._made is None:
            self._made = self._make()  # it asks the authority for its addresses
        answer = self._made.acquire_token_for_client([scope], claims_challenge=claims)
        if not {"access_token", "expires_in"} <= answer.keys():
            said = answer.get("error_description") or answer.get("error")
            raise ValueError(said or "the answer has no token, or does not say how long it is good")
        return Token(answer["access_token"], int(now.timestamp()) + int(answer["expires_in"]))
