"""The passphrase that encrypts a state's secrets: the user's, or one that is generated and stored on this machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from unmoor.errors import UnmoorError
from unmoor.local_folders import data_folder
from unmoor.stacks.stack_location import StackLocation

# https://www.pulumi.com/docs/iac/concepts/secrets/#changing-the-secrets-provider-for-a-stack
GIVEN = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
SERVICE, ENTRY = "unmoor", "state-passphrase"
LENGTH_BYTES = 32


def passphrase_environment(
    place: StackLocation, environment: Mapping[str, str], *, secrets_provider: str = ""
) -> dict[str, str]:
    """The engine's variables for encrypting the state; empty if `environment` has them.

    UnmoorError for a shared backend without either, because a passphrase generated here would lock others out, and for
    a passphrase file that does not exist.
    """
    hosted = place.backend.startswith(("http://", "https://"))
    if secrets_provider not in ("", "passphrase") or hosted or GIVEN[0] in environment:
        return {}
    if GIVEN[1] in environment:
        if not Path(environment[GIVEN[1]]).is_file():
            raise UnmoorError(f"{GIVEN[1]}: {environment[GIVEN[1]]} does not exist; correct it, or set {GIVEN[0]}")
        return {}
    if not place.backend.startswith("file://"):
        rule = f"backend {place.backend}: other users share this backend, so the encryption of its secrets must be set"
        remedy = "set PULUMI_CONFIG_PASSPHRASE, or --secrets-provider such as awskms://alias/unmoor"
        raise UnmoorError(f"{rule}; {remedy}")
    states = Path(place.backend.removeprefix("file://")) / ".pulumi" / "stacks"
    return stored_passphrase(data_folder() / "passphrase", may_create=not any(states.glob("*/*.json")))


def stored_passphrase(file: Path, *, may_create: bool = True) -> dict[str, str]:
    """The passphrase of this user's states: from the file, else the OS keyring, else a new one that is stored.

    UnmoorError if there is none and states exist, which a new one could not decrypt.
    """
    if file.is_file():
        return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    if found := _read_keyring():
        return {"PULUMI_CONFIG_PASSPHRASE": found}
    if not may_create:
        rule = f"the passphrase of the existing states is neither in {file} nor in the OS keyring"
        raise UnmoorError(f"{rule}; put the file back, or set {GIVEN[0]}")
    created = secrets.token_urlsafe(LENGTH_BYTES)
    if _write_keyring(created):
        return {"PULUMI_CONFIG_PASSPHRASE": created}
    _write(file, created)
    return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}


def _write(file: Path, text: str) -> None:
    """Create the file readable only by its owner; the passphrase of a faster command is not overwritten."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
        os.fsync(output.fileno())
    try:
        os.link(beside, file)
    except FileExistsError:
        return
    finally:
        beside.unlink()


def _read_keyring() -> str | None:
    if (keyring := _keyring()) is None:
        return None
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, ENTRY)
    except KeyringError as error:
        raise UnmoorError(f"the OS keyring does not respond: {error}; unlock it, or set {GIVEN[0]}") from None


def _write_keyring(passphrase: str) -> bool:
    if (keyring := _keyring()) is None:
        return False
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, ENTRY, passphrase)
    except KeyringError:
        return False
    return True


def _keyring():  # untyped: the package is optional
    """The package keyring, if it is installed (`pip install 'unmoor[keyring]'`) and the system has a keyring."""
    try:
        import keyring
        from keyring.backends.fail import Keyring as Nothing
    except ImportError:
        return None
    return None if isinstance(keyring.get_keyring(), Nothing) else keyring
