import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError, call_command

from accounts.models import Token, User
from payments.demo import PASSWORD, PLANS, STORIES
from payments.models import Payment, Receipt
from subscriptions.models import Plan, Subscription


@pytest.fixture
def in_development(settings):
    settings.DEBUG = True


def everything():
    models = (User, Token, Plan, Subscription, Payment, Receipt)
    return [list(model.objects.order_by("pk").values()) for model in models]


def status_of(name):
    return Subscription.objects.get(user__username=name).status


def test_it_makes_a_story_for_every_state(db, in_development, capsys):
    call_command("demo")
    said = capsys.readouterr().out
    assert Plan.objects.count() == len(PLANS)
    assert set(STORIES) | {"admin", "olga"} == set(User.objects.values_list("username", flat=True))
    assert set(Subscription.objects.values_list("status", flat=True)) == set(Subscription.Status.values)
    assert {"pending", "confirmed", "canceled", "expired", "reversed"} == set(
        Payment.objects.values_list("status", flat=True)
    )
    assert Payment.objects.filter(unapplied=True).count() == 1
    assert Receipt.objects.with_money_left().count() == 2
    assert Payment.objects.filter(provider="grant").count() == Payment.objects.exclude(refunded_amount=0).count() == 1
    assert (status_of("elena"), status_of("fyodor"), status_of("igor")) == ("trialing", "past_due", "active")
    assert PASSWORD in said
    assert "/admin/" in said
    assert len(said.splitlines()) <= 6


def test_the_second_time_changes_nothing(db, in_development, capsys):
    call_command("demo")
    before = everything()
    capsys.readouterr()
    call_command("demo")
    assert everything() == before
    assert "nothing was changed" in capsys.readouterr().out


def test_what_somebody_made_under_the_same_names_is_left_alone(db, in_development, capsys):
    User.objects.create_user("ANNA", "somebody@example.com")
    User.objects.create_user("somebody", "Boris@example.com")
    User.objects.create_user("admin", "me@example.com", "a password of my own")
    call_command("demo")
    assert not Subscription.objects.filter(user__username__in=["ANNA", "anna", "somebody", "boris"]).exists()
    assert f"olga, password {PASSWORD}" in capsys.readouterr().out


def test_nothing_time_does_is_left_to_be_written_down(db, in_development, capsys):
    call_command("demo")
    before = everything()
    call_command("expire_payments")
    call_command("expire_subscriptions")
    assert everything() == before


def test_in_production_it_refuses_unless_it_is_meant(db, capsys):
    with pytest.raises(CommandError, match="--force"):
        call_command("demo")
    assert not User.objects.exists()
    call_command("demo", "--force")
    assert User.objects.exists()


def test_it_follows_the_port_and_the_public_address(db, settings, in_development, monkeypatch, capsys):
    monkeypatch.setenv("PORT", "9123")
    call_command("demo")
    assert "http://127.0.0.1:9123/admin/" in capsys.readouterr().out
    settings.PUBLIC_URL = "https://billing.example.com"
    call_command("demo")
    assert "https://billing.example.com/admin/" in capsys.readouterr().out


def test_the_passwords_everybody_knows_follow_the_rules(db, in_development, capsys):
    call_command("demo")
    for user in User.objects.all():
        validate_password(PASSWORD, user)
        assert user.password.startswith("argon2")
