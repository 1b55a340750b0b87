"""Check digits of numbers that people write down (ISO 7064), for whoever has to tell a number from a slip of the pen."""

_BODY_LENGTH = 17
_CHECKS = "1X864209753"


def mod_11_2(body: str) -> str:
    """The last character for seventeen digits by MOD 11-2 (GB 11643). Raises ValueError for anything else."""
    if len(body) != _BODY_LENGTH or not (body.isascii() and body.isdigit()):
        raise ValueError("seventeen digits come before the check digit")
    # The weights are powers of two modulo 11, and so are those of thirteen: the digits read as a number of base 13.
    return _CHECKS[int(body, 13) % 11]
