"""A check digit is the standard's, and of nothing but seventeen digits."""

import pytest

from services.kit.check_digits import mod_11_2


class TestMod112:
    def test_agrees_with_the_worked_example_of_the_standard(self):
        # GB 11643 works out the check digit of these seventeen: X.
        assert mod_11_2("11010519491231002") == "X"

    @pytest.mark.parametrize(
        "body", ["", "1101051949123100", "110105194912310022", "1101051949123100X", "１" * 17]
    )
    def test_is_of_seventeen_digits(self, body: str):
        with pytest.raises(ValueError, match="seventeen"):
            mod_11_2(body)
