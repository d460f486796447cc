"""What is measured: a program that is being served, on tables of its own."""

import http.client
import json
from dataclasses import dataclass

from benchmarks.compare.seeds import Tables
from benchmarks.compare.works import PASSWORD
from dev.say import Refusal

# Whose password hash all others get: made by the program itself, with its own costs.
MODEL = {"username": "model-user", "email": "model-user@example.com", "password": PASSWORD}
HASHES = {"billing": "SELECT password_hash FROM accounts_user", "twin": "SELECT password_hash FROM users"}


@dataclass(frozen=True)
class Served:
    """A program that is being served."""

    letter: str
    title: str
    port: int
    pid: int
    tables: Tables

    def fill(self) -> None:
        """Make the rows that are read, once a user of its own has told how it keeps passwords."""
        self.register()
        self.tables.fill(self.tables.psql.ask(f"{HASHES[self.tables.kind]} WHERE username = 'model-user';"))

    def register(self) -> None:
        """Register a user over the API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/api/auth/register", json.dumps(MODEL), headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status != 201:
            raise Refusal(f"{self.title} does not register a user: {answer.status} {text[:500]}")
