"""How a name and a number are shown to whoever may know that they are there, but has not said why they need them."""

HIDDEN = "*"
HEAD, TAIL = 6, 4
"""Of a resident ID, digits 7 to 14 (the day of birth) are hidden, and what comes before them is shown."""


def masked_name(name: str) -> str:
    """The name with its second character hidden; of a name in Latin letters each word's first letter is shown."""
    if name.isascii():
        return " ".join(word[:1] + HIDDEN * (len(word) - 1) for word in name.split())
    return HIDDEN if len(name) < 2 else name[0] + HIDDEN + name[2:]


def masked_number(number: str) -> str:
    """The number with its last four characters shown, and its first six when it is as long as a resident ID.

    Of a shorter number at least half is hidden.
    """
    if len(number) == 18:
        return number[:HEAD] + HIDDEN * (len(number) - HEAD - TAIL) + number[-TAIL:]
    tail = min(TAIL, len(number) // 2)
    return HIDDEN * (len(number) - tail) + number[len(number) - tail :]


def masked_phone(phone: str) -> str:
    """A telephone number with its last four digits shown."""
    tail = min(TAIL, len(phone) // 2)
    return HIDDEN * (len(phone) - tail) + phone[len(phone) - tail :]
