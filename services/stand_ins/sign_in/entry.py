"""Entry of the stand-in in the file of issuers, whoever writes it."""

from typing import get_args

from contracts.sign_in import ClaimNames, Role, SignInIssuer

CLIENT_ID = "xuefen-console"
KEY = "stand-in"


def issuer_of(address: str) -> SignInIssuer:
    """The entry of the issuers' file for a stand-in at this address."""
    return SignInIssuer(
        key=KEY,
        issuer=address,
        name_zh="演示登录（虚构人员）",
        name_en="Demonstration (fictitious people)",
        client_id=CLIENT_ID,
        authorization_url=f"{address}/authorize",
        token_url=f"{address}/token",
        jwks_url=f"{address}/jwks.json",
        claims=ClaimNames(place="place", organization="organization", id_number="id_number"),
        roles={role: role for role in get_args(Role)},
        stand_in=True,
    )
