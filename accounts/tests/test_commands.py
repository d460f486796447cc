import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Token, User
from api.models import RateWindow
from operations.tests.rows import run


def create(*arguments):
    call_command("create_service_account", *arguments)


def test_it_makes_an_account_and_prints_its_token_and_nothing_else(db, capsys, anyone):
    create("shop-backend", "--permission", "payments.confirm_payment", "--permission", "payments.view_payment")
    printed = capsys.readouterr()
    secret = printed.out.removesuffix("\n")
    account = User.objects.get(username="shop-backend")
    token = Token.objects.get(digest=Token.digest_of(secret))
    assert printed.err == ""
    assert (token.user, token.expires_at) == (account, None)
    assert account.is_service
    assert not account.has_usable_password()
    assert account.get_all_permissions() == {"payments.confirm_payment", "payments.view_payment"}
    assert anyone.get("/api/auth/me", Authorization=f"Token {secret}").json()["username"] == "shop-backend"


def test_without_rights_it_is_a_user_like_any_other(db, capsys):
    create("reader")
    assert User.objects.get().get_all_permissions() == set()


@pytest.mark.parametrize(
    "right", ["payments.fly", "confirm_payment", "", ".", "payments.confirm_payment ", "a.b\0", "é.x"]
)
def test_an_unknown_right_makes_no_account(db, right, capsys):
    with pytest.raises(CommandError, match="There is no right"):
        create("shop", "--permission", "payments.view_payment", "--permission", right)
    assert not User.objects.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["", "ab", "x" * 33, "café", "two words", "shop\n", "\udcff\udcff\udcff", "nul\0l"])
def test_a_name_that_breaks_the_rules_makes_no_account(db, name, capsys):
    with pytest.raises(CommandError, match="The name will not do"):
        create(name)
    assert not User.objects.exists()
    assert capsys.readouterr().out == ""


def test_a_name_that_is_taken_in_whatever_case_is_refused(alice, capsys):
    with pytest.raises(CommandError, match="taken"):
        create("Alice", "--permission", "payments.view_payment")
    assert User.objects.get().get_all_permissions() == set()
    assert not Token.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_as_a_program_it_exits_with_0_and_then_with_1():
    code, out, err = run("create_service_account", "shop", "--permission", "payments.view_payment")
    assert (code, err, len(out.split())) == (0, "", 1)
    code, out, err = run("create_service_account", "SHOP")
    assert (code, out) == (1, "")
    assert err == "CommandError: The name SHOP is taken.\n"


@pytest.fixture
def tokens(alice):
    """One that works for ever, one that works, and one that does not any more."""
    now = timezone.now()
    for name, hours in (("live", 1), ("over", -1)):
        Token.objects.create(digest=name, user=alice, expires_at=now + dt.timedelta(hours=hours))
        RateWindow.objects.create(key=name, hits=1, ends_at=now + dt.timedelta(hours=hours))
    Token.objects.create(digest="forever", user=alice)


def test_pruning_deletes_what_has_ended_and_nothing_else(tokens, capsys):
    call_command("prune_tokens")
    assert capsys.readouterr().out == "1 token deleted, 1 window of a rate limit.\n"
    assert set(Token.objects.values_list("digest", flat=True)) == {"live", "forever"}
    assert [window.key for window in RateWindow.objects.all()] == ["live"]
    call_command("prune_tokens")
    assert capsys.readouterr().out == "0 tokens deleted, 0 windows of rate limits.\n"


def test_a_dry_run_of_pruning_deletes_nothing(tokens, capsys):
    call_command("prune_tokens", "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["tokens"], told["rate_windows"]) == (1, 1)
    assert (Token.objects.count(), RateWindow.objects.count()) == (3, 2)


def test_pruning_at_a_later_day_deletes_what_will_have_ended(tokens, capsys):
    call_command("prune_tokens", "--at", str(timezone.now().date() + dt.timedelta(days=2)))
    assert [token.digest for token in Token.objects.all()] == ["forever"]
