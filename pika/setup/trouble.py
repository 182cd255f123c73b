"""What an installer says when it fails, and what a person can do about it."""

import sys
from pathlib import Path

_NETWORK = (
    "connection refused",
    "newconnectionerror",
    "name resolution",
    "dns error",
    "name or service not known",
    "nodename nor servname",
    "getaddrinfo failed",
    "network is unreachable",
    "no route to host",
    "timed out",
    "timeouterror",
    "could not connect",
    "connection broken",
    "connection reset",
    "failed to fetch",
    "error sending request",
    "proxyerror",
)
_CERTIFICATE = ("certificate_verify_failed", "certificate verify failed", "unknownissuer", "invalid peer certificate")
# Pip says no more than this when its index does not answer and it was told not to try again.
_ABSENT = ("from versions: none", "no matching distribution", "was not found in the package registry")
_HASH = ("do not match the hashes", "hash mismatch")
_DISK = ("no space left", "disk quota exceeded", "not enough space")

_CERTIFICATE_SENTENCE = (
    "The package index answered with a certificate that is not trusted here. If your network has its own "
    "certificate authority, name its file in PIP_CERT (or SSL_CERT_FILE) and run the same command again."
)
_NETWORK_SENTENCE = (
    "The package index could not be reached. Pika! needs the network this once: check the connection (behind a "
    "proxy set HTTPS_PROXY, with your own package index set PIP_INDEX_URL) and run the same command again."
)
_ABSENT_SENTENCE = (
    "The package index could not be reached, or it does not have a library in the version that is locked. Check the "
    "connection and PIP_INDEX_URL, and run the same command again."
)
_HASH_SENTENCE = (
    "A downloaded file is not the one that was locked, so it was not installed. Run the same command again; "
    "if it stays so, something between here and the package index changes files."
)
_DISK_SENTENCE = "The disk is full. Make about 1 GB free and run the same command again."
_OTHER_SENTENCE = "Run the same command again; if it stays so, the lines above say what is in the way."


def is_lasting(said: str) -> bool:
    """Whether another tool would fail the same way, so that trying it would only cost minutes."""
    return _sentence(said) not in (_OTHER_SENTENCE, _ABSENT_SENTENCE)


def explained(tool: str, said: str) -> str:
    """The last words of the tool, then what failed and what to do."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip() and "Retrying (" not in line]
    last_words = "\n".join(f"    {line[:200]}" for line in lines[-6:])
    return f"{tool} said:\n{last_words}\n\nThe libraries could not be installed. {_sentence(said)}"


def no_installer(venv: Path) -> str:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        "The libraries could not be installed: this machine has neither uv nor pip, and this Python came without "
        "the pip that belongs to it (ensurepip). Install one of them and run the same command again:\n"
        "    Debian, Ubuntu    apt install python3-venv      (or python3-pip)\n"
        "    Fedora            dnf install python3-pip\n"
        "    Alpine            apk add py3-pip\n"
        f"    elsewhere         uv, or a Python {version} from its own makers, which brings pip\n"
        f"(looked on the PATH, beside {sys.executable} and in {venv})"
    )


def _sentence(said: str) -> str:
    lower = said.lower()
    # A refused certificate also reads like a lost connection, so it is asked first.
    for words, sentence in (
        (_CERTIFICATE, _CERTIFICATE_SENTENCE),
        (_DISK, _DISK_SENTENCE),
        (_NETWORK, _NETWORK_SENTENCE),
        (_HASH, _HASH_SENTENCE),
        (_ABSENT, _ABSENT_SENTENCE),
    ):
        if any(word in lower for word in words):
            return sentence
    return _OTHER_SENTENCE
