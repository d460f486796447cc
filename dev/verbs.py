"""The verbs of `make`, and what each needs before it can begin."""

import importlib
import os
import sys
from typing import NamedTuple

from dev import install
from dev.environment import PYTHON, ROOT, given, make_local
from dev.processes import Stopped
from dev.say import Refusal, say

# The fuller set has the smaller one in it.
TO_SERVE = (install.RUNTIME, install.DEVELOPMENT)
TO_DEVELOP = (install.DEVELOPMENT,)


class Verb(NamedTuple):
    module: str
    needs: tuple[str, ...]
    purpose: str


VERBS = {
    "run": Verb("dev.run", TO_DEVELOP, "serve with demo data, on port $PORT (8000), with a private PostgreSQL"),
    "test": Verb("dev.suite", TO_DEVELOP, "run the tests; ARGS='-k confirm' goes to pytest"),
    "lint": Verb("dev.lint", TO_DEVELOP, "run every check: style, types, imports, templates, translations, schema"),
    "serve": Verb("dev.serve", TO_SERVE, "serve in production; see .env.example for what to set"),
    "migrate": Verb("dev.migrate", TO_SERVE, "bring the database to the present migrations"),
    "migrations-check": Verb("dev.lint", TO_DEVELOP, "tell whether a model changed without a migration"),
    "messages": Verb("dev.translations", TO_DEVELOP, "collect the texts to translate into locale/, and compile them"),
    "schema": Verb("dev.schema", TO_DEVELOP, "write docs/openapi.yaml anew from the code"),
    "bench": Verb("dev.bench", TO_DEVELOP, "measure beside a FastAPI twin and pgbench, ~6 minutes; ARGS='--quick'"),
    "bench-check": Verb("dev.bench", TO_DEVELOP, "tell whether it has fallen behind the twin by more than a fifth"),
    "clean": Verb("dev.clean", (), "remove .venv and .local, the development database included"),
}


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    name = arguments[0] if arguments else "help"
    try:
        return start(name, arguments[1:])
    except Refusal as refusal:
        problem = str(refusal)
    except Stopped:
        return 130
    except OSError as error:
        problem = explain(error)
    sys.stdout.flush()
    sys.stderr.write(f"make {name}: {problem}\n")
    return 1


def start(name: str, arguments: list[str]) -> int:
    verb = VERBS.get(name)
    if verb is None:
        for known, (_, _, purpose) in VERBS.items():
            say(f"make {known:<17} {purpose}")
        return 0 if name == "help" else 2
    if verb.needs:
        make_local()
        # Where no database is named, migrating brings up the private one.
        private = name == "migrate" and "DATABASE_URL" not in given()
        install.ensure(*TO_DEVELOP if private else verb.needs)
        if not install.inside():
            os.execv(PYTHON, [str(PYTHON), "-m", "dev", name, *arguments])
        importlib.import_module("dev.catalogs").compile_stale()
    return int(importlib.import_module(verb.module).main([name, *arguments]))


def explain(error: OSError) -> str:
    reasons = {
        28: "There is no space left on the disk. Free some, then run the same again.",
        30: "The checkout cannot be written to; copy it to a place that can.",
        13: f"{error.filename} belongs to another user: run this as that user, or `make clean` as that user first.",
    }
    return reasons.get(error.errno or 0, f"{error.strerror}: {error.filename}")
