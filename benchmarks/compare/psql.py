"""SQL by psql, as whoever the address of a database names."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dev.say import Refusal, last_lines

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Psql:
    """A database, and the programs to reach it with."""

    programs: Path
    url: str
    environment: Mapping[str, str]

    @property
    def address(self) -> list[str]:
        """Return what PostgreSQL's own programs take to find the database."""
        parts = urlsplit(self.url)
        return ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username)]

    @property
    def name(self) -> str:
        """Return the name of the database."""
        return urlsplit(self.url).path.removeprefix("/")

    @property
    def secrets(self) -> dict[str, str]:
        """Return the environment in which they log in: among the arguments other users could read the password."""
        return {**self.environment, "PGPASSWORD": urlsplit(self.url).password or ""}

    def ask(self, sql: str, **variables: object) -> str:
        """Run the SQL, with psql's variables set, and return what it answers."""
        given = "".join(f"\\set {name} {value}\n" for name, value in variables.items())
        answer = subprocess.run(  # noqa: S603  (named by ourselves)
            [self.programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", *self.address, self.name],
            capture_output=True,
            check=False,
            env=self.secrets,
            input=given + sql,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C, which is ours to answer
            text=True,
        )
        if answer.returncode:
            raise Refusal(f"The database {self.name} refuses: {last_lines(answer.stderr)}")
        return answer.stdout.strip()

    def run_file(self, name: str, **variables: object) -> str:
        """Run one of the files in sql/."""
        return self.ask((SQL / f"{name}.sql").read_text(encoding="utf-8"), **variables)
