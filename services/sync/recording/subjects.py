"""How what is said about a person's year is named."""


def year_subject(person_id: str, year: int) -> str:
    """The subject of what is said about a person's year."""
    return f"{person_id}:{year}"
