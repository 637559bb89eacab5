# SPDX-License-Identifier: BSD-3-Clause
"""What a client answers to a challenge, computed from the password."""

import hashlib
import re


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def is_right(value, method, uri, digest, user="alice", password="secret", realm="r"):
    """RFC 8760 and 3261 section 22: the answer to a challenge with qop=auth."""
    parts = dict(re.findall(r'(\w+)="?([^",]+)"?', value))
    first, second = digest(f"{user}:{realm}:{password}"), digest(f"{method}:{parts['uri']}")
    wanted = digest(f"{first}:{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:auth:{second}")
    return parts["response"] == wanted and parts["username"] == user and parts["uri"] == uri
