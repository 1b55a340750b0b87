"""Pages as templates filled: what every page shows is no page's own to change."""

import pytest

from services.console.pages import Pages


@pytest.mark.parametrize("name", ["person", "csrf", "menu", "t"])
def test_a_page_may_not_say_anew_who_looks_at_it(name: str):
    with pytest.raises(ValueError, match="may not stand for"):
        Pages(()).render("problem.html", language="zh", path="/", session=None, **{name: "another"})
