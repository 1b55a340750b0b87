"""Sealed records: they open for the right subject and place only, and for nobody once the key is gone."""

import os
from pathlib import Path

import pytest

from services.kit.key_shares import AHEAD, KeyShares
from services.kit.sealing import AES, KEY_SIZE, SM, DestroyedKeyError, KeyWrapper, UnsealableError, share_of

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


class TestAlgorithms:
    @pytest.mark.parametrize("algorithm", [AES, SM])
    def test_every_record_names_its_own(self, algorithm: str) -> None:
        key, wrapped = KeyWrapper([KEK], algorithm=algorithm).new_key("s")
        assert wrapped.startswith(f"{algorithm}:")
        assert key.seal("x", "s").startswith(f"{algorithm}:")
        assert key.seal_bytes(b"x", "s").startswith(f"{algorithm}:".encode())

    @pytest.mark.parametrize(("before", "today"), [(AES, SM), (SM, AES)])
    def test_a_store_of_both_reads(self, before: str, today: str) -> None:
        key, wrapped = KeyWrapper([KEK], algorithm=before).new_key("s")
        old = key.seal("曹雪芹", "s")
        again = KeyWrapper([KEK], algorithm=today).unwrap(wrapped, "s")
        assert again.open(old, "s") == "曹雪芹"
        assert again.open(again.seal("高鹗", "s"), "s") == "高鹗"
        assert again.seal("高鹗", "s").startswith(f"{today}:")

    @pytest.mark.parametrize("algorithm", [AES, SM])
    def test_bytes_are_bound_to_their_context(self, algorithm: str) -> None:
        key, _ = KeyWrapper([KEK], algorithm=algorithm).new_key("s")
        sealed = key.seal_bytes(bytes(range(256)), "file-1")
        assert key.open_bytes(sealed, "file-1") == bytes(range(256))
        for damaged in (sealed[:-1], sealed[:20], b"", b"rot13:" + sealed, sealed + b"x"):
            with pytest.raises(UnsealableError):
                key.open_bytes(damaged, "file-1")
        with pytest.raises(UnsealableError):
            key.open_bytes(sealed, "file-2")

    def test_sm4_gcm_is_what_the_standard_says(self) -> None:
        # RFC 8998, A.1: the primitive below our record.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import SM4
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        key = bytes.fromhex("0123456789abcdeffedcba9876543210")
        sealing = Cipher(SM4(key), GCM(bytes.fromhex("00001234567800000000abcd"))).encryptor()
        sealing.authenticate_additional_data(bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
        text = "".join(letter * 8 for letter in ("aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa"))
        sealed = sealing.update(bytes.fromhex(text)) + sealing.finalize()
        assert sealing.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"
        assert sealed.hex().startswith("17f399f08c67d5ee19d0dc9969c4bb7d")


class TestShares:
    def test_a_key_needs_its_share(self, tmp_path: Path) -> None:
        shares = KeyShares(tmp_path / "shares")
        key, wrapped = KeyWrapper([KEK], shares=shares).new_key("s")
        sealed = key.seal("曹雪芹", "s")
        assert KeyWrapper([KEK], shares=shares).unwrap(wrapped, "s").open(sealed, "s") == "曹雪芹"
        number = share_of(wrapped)
        assert number is not None
        shares.destroy([number])
        with pytest.raises(DestroyedKeyError):
            KeyWrapper([KEK], shares=shares).unwrap(wrapped, "s")

    def test_without_the_file_nothing_opens(self, tmp_path: Path) -> None:
        _, wrapped = KeyWrapper([KEK], shares=KeyShares(tmp_path / "shares")).new_key("s")
        for shares in (None, KeyShares(tmp_path / "other")):
            with pytest.raises(UnsealableError):
                KeyWrapper([KEK], shares=shares).unwrap(wrapped, "s")

    def test_nobody_else_loses_theirs(self, tmp_path: Path) -> None:
        wrapper = KeyWrapper([KEK], shares=KeyShares(tmp_path / "shares"))
        wrapped = [wrapper.new_key(str(each))[1] for each in range(AHEAD + 2)]
        assert wrapper.shares is not None
        wrapper.shares.destroy([share_of(wrapped[5]) or 0])
        for each, record in enumerate(wrapped):
            if each != 5:
                assert wrapper.unwrap(record, str(each))

    def test_two_processes_never_take_the_same(self, tmp_path: Path) -> None:
        one, other = KeyShares(tmp_path / "shares"), KeyShares(tmp_path / "shares")
        taken = [each.take() for _ in range(2 * AHEAD) for each in (one, other)]
        assert len({number for number, _ in taken}) == len({share for _, share in taken}) == 4 * AHEAD
        assert one.store_id == other.store_id
        assert all(other.read(number) == share for number, share in taken)

    def test_a_write_cut_short_is_passed_over(self, tmp_path: Path) -> None:
        KeyShares(tmp_path / "shares").take()
        with (tmp_path / "shares").open("ab") as file:
            file.write(b"torn")
        number, share = KeyShares(tmp_path / "shares").take()
        assert number == AHEAD + 2
        assert len(share) == 32

    @pytest.mark.parametrize("number", [0, -1, 10**6])
    def test_what_was_never_taken_is_not_there(self, tmp_path: Path, number: int) -> None:
        assert KeyShares(tmp_path / "shares").read(number) is None


class TestRotation:
    def test_wraps_anew_and_keeps_the_key(self, tmp_path: Path) -> None:
        shares, new = KeyShares(tmp_path / "shares"), os.urandom(KEY_SIZE)
        key, wrapped = KeyWrapper([KEK], shares=shares).new_key("s")
        sealed = key.seal("x", "s")
        rotating = KeyWrapper([new, KEK], algorithm=SM, shares=shares)
        again = rotating.rewrap(wrapped, "s")
        assert again.startswith(rotating.current)
        assert not wrapped.startswith(rotating.current)
        assert share_of(again) == share_of(wrapped)
        assert KeyWrapper([new], shares=shares).unwrap(again, "s").open(sealed, "s") == "x"

    def test_gives_a_share_to_a_key_without_one(self, tmp_path: Path) -> None:
        _, wrapped = KeyWrapper([KEK]).new_key("s")
        assert share_of(wrapped) is None
        assert share_of(KeyWrapper([KEK], shares=KeyShares(tmp_path / "shares")).rewrap(wrapped, "s")) == 1

    def test_looks_keys_up_again_for_one_it_does_not_know(self) -> None:
        keys = [KEK]
        reader = KeyWrapper(lambda: keys)
        keys.insert(0, os.urandom(KEY_SIZE))
        key, wrapped = KeyWrapper(keys).new_key("s")
        assert reader.unwrap(wrapped, "s").open(key.seal("x", "s"), "s") == "x"
        assert reader.new_key("t")[1].startswith(reader.current)
