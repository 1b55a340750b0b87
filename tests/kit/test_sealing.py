"""Sealed records: they open for the right subject and place only, and for nobody once the key is gone."""

import os

import pytest

from services.kit.sealing import KEY_SIZE, KeyWrapper, UnsealableError

KEK = os.urandom(KEY_SIZE)


class TestSealing:
    def test_a_record_opens_under_its_key_and_context(self) -> None:
        key, wrapped = KeyWrapper([KEK]).new_key("subject-1")
        sealed = key.seal("曹雪芹", "subject-1", "field")
        assert sealed.startswith("a256gcm:")
        assert "曹" not in sealed
        assert KeyWrapper([KEK]).unwrap(wrapped, "subject-1").open(sealed, "subject-1", "field") == "曹雪芹"

    def test_the_same_text_is_sealed_differently_each_time(self) -> None:
        key, _ = KeyWrapper([KEK]).new_key("s")
        assert key.seal("x", "s") != key.seal("x", "s")

    @pytest.mark.parametrize("context", [("subject-2", "field"), ("subject-1", "other"), ("subject-1",), ()])
    def test_a_record_moved_elsewhere_does_not_open(self, context: tuple[str, ...]) -> None:
        key, _ = KeyWrapper([KEK]).new_key("subject-1")
        with pytest.raises(UnsealableError):
            key.open(key.seal("x", "subject-1", "field"), *context)

    def test_a_key_wrapped_for_somebody_else_does_not_unwrap(self) -> None:
        _, wrapped = KeyWrapper([KEK]).new_key("subject-1")
        with pytest.raises(UnsealableError):
            KeyWrapper([KEK]).unwrap(wrapped, "subject-2")

    def test_an_older_key_encryption_key_still_opens(self) -> None:
        _, wrapped = KeyWrapper([KEK]).new_key("s")
        assert KeyWrapper([os.urandom(KEY_SIZE), KEK]).unwrap(wrapped, "s")
        with pytest.raises(UnsealableError):
            KeyWrapper([os.urandom(KEY_SIZE)]).unwrap(wrapped, "s")

    @pytest.mark.parametrize(
        "record", ["", "a256gcm:", "a256gcm:!", "rot13:abcd", "a256gcm:AAAA", "a256gcm:" + "A" * 64]
    )
    def test_a_damaged_record_does_not_open(self, record: str) -> None:
        key, _ = KeyWrapper([KEK]).new_key("s")
        with pytest.raises(UnsealableError):
            key.open(record, "s")

    def test_a_short_key_encryption_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            KeyWrapper([b"short"])
