"""Which process holds which secret: each is told its own, none is handed on with the rest of the environment."""

import os

from joserfc.jwk import OKPKey

from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir
from services.kit.settings import PREFIX, SettingsError, secret_text
from services.kit.signing import signing_key_from

HOLDERS = {
    "IDENTITY_KEY": ("registry", "ledger"),
    "KEY_ENCRYPTION_KEY": ("registry",),
    "SIGNING_KEY": ("registry",),
}
_OF_ONE_PROCESS = ("_DATABASE_URL", "_DATABASES", "_TOKEN_FILE", "_KEY", "_KEY_FILE", "_HOME")


def harmless_environment() -> dict[str, str]:
    """Our environment without what only one process may know."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith(PREFIX) and name.endswith(_OF_ONE_PROCESS))
    }


def secrets_of(service: str, home: StateDir) -> dict[str, str]:
    """The variables of the keys a service holds: as they were given to us, else the files of `home`."""
    files = {
        "IDENTITY_KEY": home.identity_key_file,
        "KEY_ENCRYPTION_KEY": home.key_encryption_key_file,
        "SIGNING_KEY": home.signing_key_file,
    }
    told: dict[str, str] = {}
    for name, holders in HOLDERS.items():
        if service not in holders:
            continue
        given = [each for each in (f"{PREFIX}{name}", f"{PREFIX}{name}_FILE") if os.environ.get(each)]
        if given:
            told |= {each: os.environ[each] for each in given}
        else:
            told[f"{PREFIX}{name}_FILE"] = str(files[name]())
    if service == "registry":
        beside = {"KEY_SHARES_FILE": home.key_shares_file, "EVIDENCE_DIR": home.evidence}
        told |= {
            f"{PREFIX}{name}": os.environ.get(f"{PREFIX}{name}") or str(at) for name, at in beside.items()
        }
    return told


def signing_key(settings: StackSettings, home: StateDir) -> OKPKey:
    """The issuer's key: the one given, else the one of `home`. Raises SettingsError when it cannot be used."""
    variable = f"{PREFIX}SIGNING_KEY"
    file = settings.signing_key_file
    if file is None and settings.signing_key is None:
        file = home.signing_key_file()
    text = secret_text(variable, settings.signing_key, file)
    try:
        return signing_key_from(text)
    except ValueError as error:
        raise SettingsError(f"{variable} cannot be used: {error}") from None


def issuer_of(settings: StackSettings, home: StateDir) -> str:
    """`iss` for a token signed here: the one given, else the registry that runs here, else the default."""
    record = home.read_record()
    if "issuer" in settings.model_fields_set or record is None or not record.supervisor.running:
        return settings.issuer
    return next((each.address for each in record.processes if each.name == "registry"), settings.issuer)
