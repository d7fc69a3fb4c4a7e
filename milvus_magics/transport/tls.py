"""The PEM files of a TLS connection, checked before grpc gets them.

grpc takes files that don't parse and then can never connect, without a word on why.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from milvus_magics.errors import NOTHING_SENT, CertificateError, ParameterError


@dataclass(frozen=True)
class TlsFiles:
    """Paths of PEM files, each by the name of the option that gave it; empty where none."""

    server_pem_path: str = ""
    ca_pem_path: str = ""
    client_pem_path: str = ""
    client_key_path: str = ""

    def __bool__(self) -> bool:
        return any((self.server_pem_path, self.ca_pem_path, self.client_pem_path, self.client_key_path))

    def read(self) -> dict[str, bytes]:
        """The files' contents by option.

        Raises:
            ParameterError: when a client certificate comes without its key, or the reverse.
            CertificateError: when a file is missing or doesn't hold what its option says.
        """
        if bool(self.client_pem_path) != bool(self.client_key_path):
            have, want = ("client_pem_path", "client_key_path")[:: 1 if self.client_pem_path else -1]
            raise ParameterError(
                f"{have} needs {want} beside it: a client certificate and its key go together", outcome=NOTHING_SENT
            )
        # Unlike pathlib's, it leaves the home of nobody as it was written.
        paths = {option: Path(os.path.expanduser(path)) for option, path in vars(self).items() if path}
        contents = {option: _read(option, path) for option, path in paths.items()}
        for option in paths.keys() - {"client_key_path"}:
            _check(option, paths[option], lambda path: _context().load_verify_locations(cafile=path), "a certificate")
        if "client_key_path" in paths:
            certificate = paths["client_pem_path"]
            # A key that wants a passphrase would ask for it on a terminal; the empty one makes it an error.
            _check(
                "client_key_path",
                paths["client_key_path"],
                lambda key: _context().load_cert_chain(certificate, key, password=""),
                f"the unencrypted private key of {str(certificate)!r}",
            )
        return contents


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _read(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as exc:  # ValueError: with NUL, or half a character
        reason = (getattr(exc, "strerror", None) or "that is not a valid file name").lower()
        raise CertificateError(f"{option}: cannot read {str(path)!r}: {reason}", outcome=NOTHING_SENT) from exc


def _check(option: str, path: Path, load: Callable[[Path], None], wanted: str) -> None:
    try:
        load(path)
    except (ssl.SSLError, ValueError) as exc:
        raise CertificateError(f"{option}: {str(path)!r} is not {wanted} in PEM form", outcome=NOTHING_SENT) from exc
