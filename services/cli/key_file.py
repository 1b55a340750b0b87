"""Key files: the keys of one secret as a deployment is told them, one on a line, and what a rotation does to them."""

from dataclasses import dataclass
from pathlib import Path

from services.cli.state_dir import write_private
from services.kit.settings import SettingsError, secret_keys


@dataclass(frozen=True)
class KeyFile:
    """What stands in a variable, or in the file that `<variable>_FILE` names."""

    variable: str
    value: str | None
    file: Path | None

    def keys(self) -> list[bytes]:
        """The keys as they stand. Raises SettingsError."""
        return secret_keys(self.variable, self.value, self.file)

    def put_in_front(self, key: str) -> None:
        """Make a key the first of the file. Raises SettingsError when the file is not ours to write."""
        self._write([key, *self._lines()])

    def put_behind(self, key: str) -> None:
        """Make a key the last of the file. Raises SettingsError likewise."""
        self._write([*self._lines(), key])

    def turn(self) -> None:
        """Make the last key the first. Raises SettingsError likewise."""
        *others, last = self._lines()
        self._write([last, *others])

    def retire(self) -> Path:
        """Leave the first key only; where the others are now. Raises SettingsError likewise."""
        first, *others = self._lines()
        assert self.file is not None
        kept = self.file.with_name(f"{self.file.name}.retired")
        before = kept.read_text(encoding="utf-8").split() if kept.exists() else []
        write_private(kept, "\n".join(dict.fromkeys([*others, *before])))
        self._write([first])
        return kept

    def _lines(self) -> list[str]:
        if self.value or self.file is None:
            raise SettingsError(f"{self.variable} is a variable: change it there by hand, and use --as-is")
        return self.file.read_text(encoding="utf-8").split()

    def _write(self, lines: list[str]) -> None:
        assert self.file is not None
        try:
            write_private(self.file, "\n".join(lines))
        except OSError as error:
            raise SettingsError(
                f"{self.variable}_FILE cannot be written ({error.strerror}): change its lines by hand, and use --as-is"
            ) from None
