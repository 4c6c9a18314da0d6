"""What encrypts a state's secrets: the user's own passphrase, or one that is made once and kept on this machine."""

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
    place: StackLocation, around: Mapping[str, str], *, secrets_provider: str = ""
) -> dict[str, str]:
    """The variables with which the engine finds what encrypts the state; empty where `around` has them already.

    UnmoorError for a backend that others share where nothing is said: a passphrase made here would lock them out.
    """
    hosted = place.backend.startswith(("http://", "https://"))
    if secrets_provider not in ("", "passphrase") or hosted or any(name in around for name in GIVEN):
        return {}
    if not place.backend.startswith("file://"):
        rule = f"backend {place.backend}: nothing says what encrypts its secrets, which others must be able to read too"
        remedy = "set PULUMI_CONFIG_PASSPHRASE, or --secrets-provider such as awskms://alias/unmoor"
        raise UnmoorError(f"{rule}; {remedy}")
    states = Path(place.backend.removeprefix("file://")) / ".pulumi" / "stacks"
    return stored_passphrase(data_folder() / "passphrase", making=not any(states.glob("*/*.json")))


def stored_passphrase(file: Path, *, making: bool = True) -> dict[str, str]:
    """The passphrase of this user's states: in the file, else in the OS keyring, else made and put where it can be.

    UnmoorError where there is none and there are states already, which another one would not open.
    """
    if file.is_file():
        return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    if found := _in_keyring():
        return {"PULUMI_CONFIG_PASSPHRASE": found}
    if not making:
        rule = f"the passphrase of the states that are there is neither in {file} nor in the OS keyring"
        raise UnmoorError(f"{rule}; put the file back, or set {GIVEN[0]}")
    made = secrets.token_urlsafe(LENGTH_BYTES)
    if _put_into_keyring(made):
        return {"PULUMI_CONFIG_PASSPHRASE": made}
    _write(file, made)
    return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}


def _write(file: Path, text: str) -> None:
    """Readable by its owner from the first byte on; where another command was faster, its passphrase stays."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as made:
        made.write(text)
        os.fsync(made.fileno())
    try:
        os.link(beside, file)
    except FileExistsError:
        return
    finally:
        beside.unlink()


def _in_keyring() -> str | None:
    if (keyring := _keyring()) is None:
        return None
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, ENTRY)
    except KeyringError as error:
        raise UnmoorError(f"the OS keyring does not answer: {error}; unlock it, or set {GIVEN[0]}") from None


def _put_into_keyring(passphrase: str) -> bool:
    if (keyring := _keyring()) is None:
        return False
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, ENTRY, passphrase)
    except KeyringError:
        return False
    return True


def _keyring():  # the module, whose types are not there without it
    """The package keyring, where it is installed (`pip install 'unmoor[keyring]'`) and this system has a keyring."""
    try:
        import keyring
        from keyring.backends.fail import Keyring as Nothing
    except ImportError:
        return None
    return None if isinstance(keyring.get_keyring(), Nothing) else keyring
