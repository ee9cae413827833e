# SPDX-License-Identifier: Apache-2.0
"""Whom rtsps:// trusts: FFmpeg itself would take any certificate, and send user and password to whoever answers."""

from __future__ import annotations

import os
from pathlib import Path

# Of Debian and its kin, Fedora and its kin, openSUSE, Alpine. The library in PyAV's wheels knows none of them.
SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def trusting(authorities: str | None) -> dict[str, str]:
    """Return FFmpeg's options with which a server needs a certificate of one of these authorities, for its host's name.

    authorities: a file of certificates in PEM; None: that of SSL_CERT_FILE, or the system's. Raises OSError.
    """
    if authorities is None:
        candidates = (os.environ.get("SSL_CERT_FILE", ""), *SYSTEM)
        authorities = next((one for one in candidates if one and Path(one).is_file()), None)
        if authorities is None:
            raise OSError(0, "no certificates of authorities here: sudo apt install ca-certificates, or give --ca FILE")
    text = Path(authorities).read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in text:
        raise OSError(0, "it holds no certificate in PEM", authorities)
    return {"tls_verify": "1", "ca_file": authorities}
