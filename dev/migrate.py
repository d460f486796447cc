"""`make migrate`: apply the migrations, in production as in development."""

import os
from contextlib import ExitStack

from dev import environment, postgres, run
from dev.processes import Children
from dev.say import say


def main(_: list[str]) -> int:
    values = environment.given()
    with ExitStack() as stack:
        children = stack.enter_context(Children())
        if "DATABASE_URL" in values:
            env = environment.production(values, needs=("SECRET_KEY", "DATABASE_URL"))
        elif running := environment.read_running():
            env = os.environ | running
        else:
            stack.enter_context(environment.lock("run", refusal=run.already_running()))
            env = os.environ | environment.development(values, postgres.for_run().start(children))
        say(run.manage(children, env, "migrate", "--no-input").strip())
    return 0
