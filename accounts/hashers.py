"""Password hashing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at 19 MiB per login (OWASP's figure): at Django's 100 MiB, 200 logins at once take the machine."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
