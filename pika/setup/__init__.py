"""From a fresh clone to a running house: install, secrets, locks, servers. Below everything, imports no app."""


class Refused(SystemExit):
    """A sentence for a person instead of a traceback; the process ends with exit code 1."""
