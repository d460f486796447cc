"""Two at once with one letter, and a control that shows what happens without the lock."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet

from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.views import ResetConfirmViewSet
from tests.calling import Caller
from tests.racing import meeting, race

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def confirm_twice(alice, settings):
    """Confirm one reset of Alice's twice at the same time, each with a password of its own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])
    sent = {"user_id": alice.pk, "token": default_token_generator.make_token(alice)}

    def confirm(password):
        return lambda: Caller().post("/api/auth/password-reset/confirm", sent | {"new_password": password}).status_code

    return lambda: race(confirm("the first new horse"), confirm("the second new horse"))


def test_of_two_confirmations_of_one_reset_one_counts(confirm_twice, alice):
    statuses = confirm_twice()
    assert sorted(statuses) == [204, 400]
    won = "the first new horse" if statuses[0] == 204 else "the second new horse"
    assert User.objects.get(pk=alice.pk).check_password(won)


def test_control_without_the_lock_both_do(confirm_twice, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_options: rows)
    user_of = ResetConfirmViewSet.user_of
    monkeypatch.setattr(ResetConfirmViewSet, "user_of", staticmethod(met_after(user_of)))
    assert confirm_twice() == [204, 204]


def met_after(act):
    """Return `act` made to wait for the other once it is done."""
    meet = meeting(2, lambda: None)

    def act_and_wait(*args):
        found = act(*args)
        meet()
        return found

    return act_and_wait
