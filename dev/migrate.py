"""`make migrate`: apply the migrations, in production as in development."""

from contextlib import ExitStack

from dev import environment, postgres, run
from dev.environment import OWNER_ENV, Database
from dev.processes import Children
from dev.say import say


def main(_: list[str]) -> int:
    values = environment.given()
    with ExitStack() as stack:
        children = stack.enter_context(Children())
        if database := environment.named_database(values):
            env = environment.production(values, needs=("SECRET_KEY", "DATABASE_URL"))
        elif running := environment.read_running():
            env = environment.without_owner() | running
            database = Database(url := running["DATABASE_URL"], owner_beside(url))
        else:
            stack.enter_context(environment.lock("run", refusal=run.already_running()))
            database = postgres.for_run().start(children)
            env = environment.without_owner() | environment.development(values, database.url)
        say(run.migrate(children, env, database).strip())
    return 0


def owner_beside(url: str) -> str:
    """Return how the `make run` that is under way reaches its database as the owner; an older one has but one role."""
    return environment.read_env_file(OWNER_ENV).get("DATABASE_OWNER_URL", url)
