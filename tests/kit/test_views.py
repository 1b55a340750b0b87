"""Views take every field by its name, and never a default in the place of one that is not there."""

import pytest
from msgspec import Struct
from pydantic import BaseModel

from services.kit.pydantic_models import copier, fields_of, names_of, view


class Kept(Struct, frozen=True):
    """What is kept."""

    title: str
    pages: int
    lent_to: str | None = None


class Shown(Struct, frozen=True):
    """What is shown of it."""

    title: str
    pages: int
    lent: bool = False


class Sent(BaseModel):
    """What is sent of it."""

    title: str
    pages: int


BOOK = Kept(title="Ledgers", pages=90, lent_to="reader-1")


def test_a_view_has_what_the_source_has_and_what_is_given():
    assert view(Shown, BOOK, lent=True) == Shown(title="Ledgers", pages=90, lent=True)


def test_what_is_given_stands_before_what_the_source_has():
    assert view(Shown, BOOK, pages=1, lent=False).pages == 1


def test_a_field_that_nobody_has_is_refused_although_it_has_a_default():
    with pytest.raises(AttributeError, match="lent"):
        view(Shown, BOOK)


def test_a_model_is_made_like_a_struct():
    assert view(Sent, BOOK) == Sent(title="Ledgers", pages=90)
    assert names_of(Sent) == names_of(Shown)[:2] == ("title", "pages")


def test_the_fields_of_one_kind_are_taken_from_another():
    assert fields_of(Sent, BOOK) == {"title": "Ledgers", "pages": 90}


def test_a_copier_takes_what_both_have_what_is_renamed_and_what_is_given():
    shown = copier(Shown, Kept, "lent", title="lent_to")

    assert shown(BOOK, lent=True) == Shown(title="reader-1", pages=90, lent=True)


def test_a_copier_leaves_at_its_default_what_nobody_has():
    assert copier(Shown, Kept)(BOOK) == Shown(title="Ledgers", pages=90, lent=False)
