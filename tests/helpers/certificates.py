# SPDX-License-Identifier: Apache-2.0
"""Makes an authority of a test's own, and certificates of servers that it vouches for."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from judges import missing


class Certificates(NamedTuple):
    """Files in PEM: the authority's certificate, and a server's with its key."""

    authority: Path
    certificate: Path
    key: Path


def certificates(folder: Path, name: str = "DNS:localhost,IP:127.0.0.1") -> Certificates:
    """Make an authority in the folder, and a certificate for a server of that name."""
    if shutil.which("openssl") is None:
        missing("no openssl here")
    folder.mkdir(parents=True, exist_ok=True)
    found = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    request, extension = folder / "server.csr", folder / "extension"
    extension.write_text(f"subjectAltName={name}\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    authority_key = folder / "authority.key"
    of_authority = ["-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", authority_key, "-out", found.authority]
    signed_by = ["-CA", found.authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "2"]
    for command in (
        [*new, *of_authority],
        [*new, "-subj", "/CN=server", "-keyout", found.key, "-out", request],
        ["openssl", "x509", "-req", "-in", request, *signed_by, "-extfile", extension, "-out", found.certificate],
    ):
        subprocess.run(list(map(str, command)), capture_output=True, check=True)
    return found
