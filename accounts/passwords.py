"""How passwords are hashed: argon2id with bounded memory."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """OWASP's first choice (m=46 MiB, t=1, p=1): a storm of logins must not eat the machine."""

    time_cost = 1
    memory_cost = 47104
    parallelism = 1
