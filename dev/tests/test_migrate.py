"""`make migrate` in production: as the owner, where one is named; the program's role gets its rights from it."""

import pytest

from dev import environment
from dev.say import Refusal
from dev.tests.conftest import PRODUCTION, wait_until

OWNER_URL = "postgresql://boss:secret@127.0.0.1:1/none"


def migrate(checkout, **variables: str) -> list[str]:
    assert checkout.make("migrate", **PRODUCTION | variables).wait(20) == 0, checkout.said()
    return checkout.commands()


def test_without_an_owner_the_one_role_migrates(checkout):
    assert migrate(checkout) == ["migrate --no-input as nobody"]


def test_the_owner_migrates_and_grants_to_the_programs_role(checkout):
    assert migrate(checkout, DATABASE_OWNER_URL=OWNER_URL) == [
        "migrate --no-input as boss",
        "grant_rights nobody as boss",
    ]


def test_an_owner_that_is_the_same_role_has_nothing_to_grant(checkout):
    assert migrate(checkout, DATABASE_OWNER_URL=PRODUCTION["DATABASE_URL"]) == ["migrate --no-input as nobody"]


def test_the_env_file_may_name_both(checkout):
    values = PRODUCTION | {"DATABASE_OWNER_URL": OWNER_URL}
    (checkout.root / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    assert checkout.make("migrate").wait(20) == 0, checkout.said()
    assert checkout.commands()[-1] == "grant_rights nobody as boss"


def test_a_private_database_is_migrated_as_its_owner(checkout):
    assert checkout.make("migrate").wait(60) == 0, checkout.said()
    assert checkout.commands() == ["migrate --no-input as billing_owner", "grant_rights billing as billing_owner"]


@pytest.mark.parametrize("verb", ["migrate", "run"])
def test_an_owner_without_a_database_is_refused_in_words(checkout, verb):
    assert checkout.make(verb, DATABASE_OWNER_URL=OWNER_URL).wait(20) != 0
    assert "DATABASE_OWNER_URL is set, and DATABASE_URL is not" in checkout.said()
    assert "Traceback" not in checkout.said()


def test_an_address_that_names_no_role_is_refused_in_words(checkout):
    named = PRODUCTION | {"DATABASE_URL": "postgresql://127.0.0.1/none", "DATABASE_OWNER_URL": OWNER_URL}
    assert checkout.make("migrate", **named).wait(20) != 0
    assert "must name their role" in checkout.said()


def test_a_role_may_have_any_name():
    database = environment.Database("postgresql://b%40r%C3%A9:x@h/n", "postgresql://boss:x@h/n")
    assert (database.role, database.has_two_roles) == ("b@ré", True)
    with pytest.raises(Refusal, match="must name their role"):
        _ = environment.Database("postgresql:///n", "postgresql://boss:x@h/n").role


def test_the_server_does_not_know_the_owner(checkout):
    program = checkout.root / "billing_project" / "wsgi.py"
    program.write_text(program.read_text().replace('"ENV_FILES", "-"', '"DATABASE_OWNER_URL", "-"'))
    make = checkout.make("serve", **PRODUCTION, DATABASE_OWNER_URL=OWNER_URL)
    wait_until(lambda: checkout.answer() or make.poll() is not None, 20)
    assert checkout.answer()[2] == "-"
