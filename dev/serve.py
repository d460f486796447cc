"""`make serve`: the production server."""

import os

from dev import environment
from dev.environment import PYTHON
from dev.processes import Children, Failed
from dev.run import manage, refuse_taken, web_server
from dev.say import Refusal, say


def main(_: list[str]) -> int:
    values = environment.given()
    env = environment.production(values, needs=("SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"))
    port = environment.port(values)
    host = values.get("HOST", "127.0.0.1")
    command = web_server(values, host, port, "info")
    refuse_taken(port)
    with Children() as children:
        check(children, env)
    say(f"Serving on http://{host}:{port}/ with {environment.web_processes(values)} processes")
    # From here on the server is this process, so that a service manager sees it and signals reach it.
    os.execve(PYTHON, command, env)


def check(children: Children, env: dict[str, str]) -> None:
    """Refuse to serve with bad settings, without the database, or before its migrations."""
    manage(children, env, "collectstatic", "--no-input")
    try:
        manage(children, env, "migrate", "--check", "--verbosity=0")
    except Failed as failure:
        if "Traceback" in failure.output:
            raise
        raise Refusal("Migrations are missing in this database. Run `make migrate` first.") from None
