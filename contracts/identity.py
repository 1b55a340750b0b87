"""Keyed hashes of identity: how two services recognise the same person without keeping who it is.

An ID number has so few possible values that an unkeyed hash of it gives the number away; these hashes are
worth nothing without the deployment's key, which the registry and the ledger both hold.
"""

from __future__ import annotations

import re
import time
import unicodedata
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b, sha256

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

KEY_BYTES_MIN = 32
ALGORITHM = "hs256"
"""HMAC-SHA-256, the algorithm unless another is asked for."""
ALGORITHM_SM = "hsm3"
"""HMAC-SM3 (GB/T 32905), of the profile 国密."""
ALGORITHMS = (ALGORITHM, ALGORITHM_SM)
HASH_PATTERN = r"^(?:hs256|hsm3):[A-Za-z0-9_-]{43}$"
"""What a hash looks like; the algorithm is named in the value. A deployment uses one of them for ever: the same
person under the other would be somebody else."""

_BLOCK_BYTES = 64
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_DOTS = dict.fromkeys(map(ord, "•‧∙・･⋅᛫。．.⸱⸳ꞏ"), "·")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")

_RADICALS = dict(
    zip(
        map(
            ord,
            "⺁⺂⺃⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺎⺏⺐⺑⺒⺓⺔⺕⺖⺗⺘⺙⺛⺜⺝⺞⺟⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩"
            "⺪⺫⺬⺭⺮⺯⺰⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑"
            "⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        ),
        "厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄心扌攵旡日月歺母民氵氺灬爫爫丬牛犭王"
        "𤴔目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑钅長"
        "镸长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
        strict=True,
    )
)
"""CJK Radicals Supplement to the characters they look like (Unicode's EquivalentUnifiedIdeograph), as text copied from a
PDF has them. Kangxi radicals are NFKC's."""

_GBK_FIRST = 0xE815
_GBK = {
    _GBK_FIRST + offset: character
    for offset, character in enumerate(
        "⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱"
        "䎬⺻䏝䓖䙡䙌龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻"
    )
} | {0xE7C7: "ḿ", 0xE7C8: "ǹ"}
"""Private-use code points that systems of GBK have for its characters FE50 to FEA0, A8BC and A8BF, to GB 18030-2022's."""

_SHAPES = _RADICALS | _GBK
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)

_PLAIN = re.compile("[\u4e00-\u9fff]+")
"""Most names by far: nothing in them folds."""


def is_ignorable(character: str) -> bool:
    """Whether a character shows nothing: a zero-width or direction mark, a BOM, a variation selector, a control."""
    return (unicodedata.category(character) in ("Cf", "Cc") and not character.isspace()) or _IGNORABLE.match(
        character
    ) is not None


def normalise_id_number(id_number: str) -> str:
    """The number as it is hashed: one width, one dash, capitals, no space and nothing invisible around or within."""
    if id_number.isascii() and id_number.isalnum():
        return id_number.upper()
    return _settled(id_number, _number)


def normalise_name(name: str) -> str:
    """The name as it is hashed: one form for what looks the same, whoever typed, copied or converted it.

    Composed characters, widths, case, dots, radicals and the private code points of GBK are one each; what shows
    nothing goes. Blanks between Chinese characters are typists' padding (`张 三`) and go; between Latin words one is kept.
    """
    if _PLAIN.fullmatch(name):
        return name
    return _settled(name, _name)


def _settled(text: str, step: Callable[[str], str]) -> str:
    """The text after as many steps as change it: an accent that stood apart may meet its letter only then."""
    while (after := step(text)) != text:
        text = after
    return text


def _number(text: str) -> str:
    return "".join(_shown(text).upper().translate(_DASHES).split())


def _name(text: str) -> str:
    words = _shown(text).casefold().translate(_DOTS).split()
    return (" " if all(word.isascii() for word in words) else "").join(words)


def _shown(text: str) -> str:
    seen = "".join(character for character in text if not is_ignorable(character))
    return unicodedata.normalize("NFKC", seen.translate(_SHAPES))


def algorithm_of(profile: str, chosen: str | None) -> str:
    """The algorithm of a deployment: the one chosen, else that of its profile (`standard` or `gm`, 国密)."""
    return chosen or (ALGORITHM_SM if profile == "gm" else ALGORITHM)


class IdentityHasher:
    """Hashes identities under one secret key.

    The hash of a person is of the document's type and number; the hash of a name is bound to the number too,
    so that equal names of two people have different hashes and a list of common names opens nothing.
    """

    __slots__ = ("_inner", "_keyed", "_outer", "_sm", "algorithm")

    def __init__(self, key: bytes, algorithm: str = ALGORITHM) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"the algorithm must be one of {', '.join(ALGORITHMS)}")
        self.algorithm = algorithm
        self._sm = HMAC(key, SM3()) if algorithm == ALGORITHM_SM else None
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"the identity key must have at least {KEY_BYTES_MIN} bytes")
        self._keyed = blake2b(key=key[:64], digest_size=12)
        # HMAC-SHA256 (RFC 2104) written out: a third of the cost of `hmac.digest` for a short message.
        block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = bytes(byte ^ 0x36 for byte in block)
        self._outer = bytes(byte ^ 0x5C for byte in block)

    @property
    def check_value(self) -> str:
        """What tells one key and algorithm from another, and nothing else: kept beside the hashes made under them."""
        return self._hash(_framed("key check", ""))

    def person(self, id_type: str, id_number: str) -> str:
        """The hash that finds a person: the algorithm's name, a colon and 43 characters of base64url."""
        return self._hash(_framed("person", id_type) + _frame(normalise_id_number(id_number)))

    def name(self, id_type: str, id_number: str, name: str) -> str:
        """The hash that tells whether a name belongs to a number."""
        return self.person_and_name(id_type, id_number, name)[1]

    def person_and_name(self, id_type: str, id_number: str, name: str) -> tuple[str, str]:
        """Both hashes of one document."""
        number = _frame(normalise_id_number(id_number))
        person = self._hash(_framed("person", id_type) + number)
        return person, self._hash(_framed("name", id_type) + number + _frame(normalise_name(name)))

    def suffix(self, whose: str, id_number: str) -> str:
        """The hash of a number's last four characters, bound to whose they are: it tells whether they are the same."""
        return self._hash(_framed("suffix", "") + _frame(whose) + _frame(normalise_id_number(id_number)[-4:]))

    def digest(self, data: bytes) -> str:
        """The digest of what somebody said of a person, which tells the same again: 24 hexadecimal digits."""
        digest = self._keyed.copy()
        digest.update(data)
        return digest.hexdigest()

    def _hash(self, message: bytes) -> str:
        if self._sm is not None:
            mac = self._sm.copy()
            mac.update(message)
            return f"{ALGORITHM_SM}:{_text(mac.finalize())}"
        digest = sha256(self._outer + sha256(self._inner + message).digest()).digest()
        return f"{ALGORITHM}:{_text(digest)}"


Keys = Sequence[bytes] | Callable[[], Sequence[bytes]]
"""Identity keys, or where to look them up: they are looked up again while they are used."""
LOOK_SECONDS = 1.0


class IdentityHashers:
    """Hashers of every identity key that is held: one, and two while the key is rotated.

    The first hashes whatever comes in; all of them recognise. Keys that are looked up are looked up again after
    `look_seconds`, so that a rotation needs no restart; where that fails those of before are kept.
    """

    def __init__(self, keys: Keys, algorithm: str = ALGORITHM, *, look_seconds: float = LOOK_SECONDS) -> None:
        """Raises ValueError for a key that is too short, for none, and for an unknown algorithm."""
        self._look: Callable[[], Sequence[bytes]] = keys if callable(keys) else lambda: keys
        self._look_seconds = look_seconds if callable(keys) else float("inf")
        self.algorithm = algorithm
        self._keys = tuple(self._look())
        self._hashers = tuple(IdentityHasher(key, algorithm) for key in self._keys)
        if not self._hashers:
            raise ValueError("there is no identity key")
        self._next = time.monotonic() + self._look_seconds

    @property
    def held(self) -> tuple[IdentityHasher, ...]:
        """One for each key, the first first."""
        if time.monotonic() >= self._next:
            self.look_again()
        return self._hashers

    @property
    def current(self) -> IdentityHasher:
        """The one of the first key."""
        return self.held[0]

    @property
    def checks(self) -> tuple[str, ...]:
        """The check values of the keys."""
        return tuple(each.check_value for each in self.held)

    def persons(self, id_type: str, id_number: str) -> tuple[str, ...]:
        """The hashes that a person may be found by."""
        return tuple(each.person(id_type, id_number) for each in self.held)

    def pairs(self, id_type: str, id_number: str, name: str) -> tuple[tuple[str, str], ...]:
        """Both hashes of one document, under each key."""
        return tuple(each.person_and_name(id_type, id_number, name) for each in self.held)

    def suffixes(self, whose: str, id_number: str) -> tuple[str, ...]:
        """The hash of a number's last four characters under each key."""
        return tuple(each.suffix(whose, id_number) for each in self.held)

    def look_again(self) -> None:
        """Look the keys up now."""
        self._next = time.monotonic() + self._look_seconds
        try:
            keys = tuple(self._look())
            if keys != self._keys and keys:
                self._hashers = tuple(IdentityHasher(key, self.algorithm) for key in keys)
                self._keys = keys
        except Exception:  # whatever a look-up raises: going on as before loses nothing, stopping would
            return


def pair_like(pairs: Sequence[tuple[str, str]], *known: str) -> tuple[str, str]:
    """The pair whose number has a hash that is known already, else the first: both hashes are of one key."""
    return next((pair for pair in pairs if pair[0] in known), pairs[0])


def _text(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).translate(_URLSAFE, b"=").decode()


def _frame(part: str) -> bytes:
    """The part after its length, which keeps ("ab", "c") and ("a", "bc") apart."""
    raw = part.encode()
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(maxsize=64)
def _framed(purpose: str, id_type: str) -> bytes:
    return _frame(purpose) + _frame(id_type)
