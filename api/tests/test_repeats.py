"""A POST with an `Idempotency-Key` is done once; whoever sends it again gets the first answer, to the byte."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import PASSWORD
from api.models import IdempotencyKey
from api.repeats import canonical
from api.tests.counting import hits
from subscriptions.tests.factories import PlanFactory

COUNTS, OTHERS = "/api/counts", "/api/others/"
SUBSCRIBE = "/api/subscriptions/"
routes = pytest.mark.urls("api.tests.counting")


def told(answer):
    """Return all that an answer is, but for its name and the word that it is a repeat."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Idempotent-Replayed"}
    }
    return answer.status_code, answer.content, headers


def is_replay(answer) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


@pytest.fixture
def post(as_alice):
    """Post as Alice, under one key unless told otherwise."""

    def send(body=None, path=COUNTS, key="k-1", **headers):
        return as_alice.post(path, body, Idempotency_Key=key, **headers)

    return send


@routes
def test_a_repeat_gets_the_first_answer_to_the_byte_and_nothing_is_done_again(post):
    first, again, third = (post({"names": ["one"]}) for _ in range(3))
    assert first.status_code == 201
    assert told(first) == told(again) == told(third)
    assert {"ETag", "Location", "Content-Type", "Content-Language"} <= set(again.headers)
    assert [is_replay(answer) for answer in (first, again, third)] == [False, True, True]
    assert hits() == 1


@routes
def test_a_key_takes_three_statements_and_a_repeat_four_in_all(post, as_alice):
    as_alice.post(COUNTS)
    asked = []
    for key in ({}, {"Idempotency_Key": "k-1"}, {"Idempotency_Key": "k-1"}):
        with CaptureQueriesContext(connection) as captured:
            as_alice.post(COUNTS, **key)
        asked.append(len([query for query in captured if "SAVEPOINT" not in query["sql"]]))
    assert asked == [asked[0], asked[0] + 3, 4]


@routes
def test_without_a_key_or_under_another_it_is_done_again(post, as_alice):
    as_alice.post(COUNTS)
    as_alice.post(COUNTS)
    assert hits() == 2
    assert not any(is_replay(post(key=key)) for key in ("a", "A", "a" * 255, "!~", '"a,b"', "0"))
    assert hits() == 8


@routes
@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_that_stays_what_it_is_is_kept_and_its_work_undone(post, status):
    first, again = post({"fail": status}), post({"fail": status})
    assert first.status_code == status
    assert told(first) == told(again)
    assert again["Content-Type"] == "application/problem+json"
    assert is_replay(again)
    assert hits() == 0


@routes
@pytest.mark.parametrize("status", [400, 429, 503])
def test_any_other_is_not_kept_and_the_key_is_free(post, status):
    refused = [post({"fail": status}) for _ in range(2)]
    assert [answer.status_code for answer in refused] == [status] * 2
    assert not any(map(is_replay, refused))
    assert not IdempotencyKey.objects.exists()
    assert post().status_code == 201
    assert hits() == 1


@routes
def test_nor_is_a_stale_if_match(post, as_alice):
    as_alice.post(COUNTS)
    stale = [post(If_Match='"stale"') for _ in range(2)]
    assert [(answer.status_code, answer.json()["code"]) for answer in stale] == [(412, "precondition_failed")] * 2
    assert hits() == 1
    seen = as_alice.get(f"{COUNTS}/one")["ETag"]
    first, again = post(If_Match=seen), post(If_Match=seen)
    assert (first.status_code, told(first)) == (201, told(again))
    assert hits() == 2


@routes
def test_the_etag_changes_with_the_row_and_with_nothing_else(as_alice):
    as_alice.post(COUNTS)
    before = [as_alice.get(f"{COUNTS}/one")["ETag"] for _ in range(2)]
    as_alice.post(COUNTS)
    after = as_alice.get(f"{COUNTS}/one")["ETag"]
    assert len({*before, after}) == 2


@routes
def test_the_key_belongs_to_the_caller_and_the_path(post, as_bob):
    post()
    assert not is_replay(as_bob.post(COUNTS, Idempotency_Key="k-1"))
    assert not is_replay(post(path=OTHERS))
    assert hits() == 3
    assert as_bob.post(COUNTS, {"note": 1}, Idempotency_Key="k-1").status_code == 422


@routes
@pytest.mark.parametrize("path", [COUNTS, OTHERS])
def test_either_slash_is_one_path(post, path):
    assert told(post(path=path.rstrip("/"))) == told(post(path=f"{path.rstrip('/')}/"))
    assert hits() == 1


@routes
@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b'{"note": {"a": 1, "b": [2]}}', b'\xef\xbb\xbf{ "note":{"b":[2.0],"a":1.00} }'),
        (b'{"note": 990.00}', b'{"note": 990}'),
        (b'{"note": 1e400}', b'{"note": 10e399}'),
        (b'{"note": -0.0}', b'{"note": 0}'),
        (b'{"note": "\\u0416"}', '{"note": "Ж"}'.encode()),
        (b"", b"{}"),
    ],
)
def test_the_same_json_is_the_same_request_however_it_is_written(post, first, again):
    assert told(post(first)) == told(post(again))
    assert hits() == 1


@routes
@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"note": 1}, {"note": 2}),
        ({"note": 1}, {"note": "1"}),
        ({"note": 1}, {"note": True}),
        ({"note": 0}, {"note": False}),
        ({"note": None}, {}),
        ({"note": [1, 2]}, {"note": [2, 1]}),
        ({"note": []}, {"note": {}}),
        ({"names": ["one"]}, {"no_such_field": 1}),
    ],
)
def test_another_body_is_422_and_does_nothing(post, first, other):
    post(first)
    answer = post(other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert hits() == 1
    assert is_replay(post(first))


def test_numbers_are_compared_by_value_with_all_their_digits():
    assert canonical(Decimal("1." + "0" * 38 + "1")) != canonical(Decimal("1." + "0" * 38 + "2"))
    assert canonical(10**39) == canonical(Decimal("1e39"))
    assert canonical(Decimal("1e-999999")) != canonical(0)


@routes
@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "\t", "ключ", "a\x7f", "\u00e9"])
def test_what_is_no_key_is_400_before_the_fields_and_after_the_body(as_alice, key):
    raw = key.encode().decode("latin-1")
    for body, field in (({}, "Idempotency-Key"), ({"no_such_field": 1}, "Idempotency-Key"), (b"[]", "")):
        answer = as_alice.post(COUNTS, body, Idempotency_Key=raw)
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert hits() == 0


@routes
def test_a_repeat_comes_before_the_fields_are_looked_at_and_after_the_token(post, anyone):
    post({"fail": 409})
    assert anyone.post(COUNTS, Idempotency_Key="k-1").status_code == 401
    assert anyone.post(COUNTS, Idempotency_Key="").status_code == 401
    assert post({"no_such_field": 1}).status_code == 422


@routes
def test_a_patch_has_no_key(as_alice):
    for _ in range(2):
        assert as_alice.patch(COUNTS, {}, Idempotency_Key="").status_code == 201
    assert hits() == 2


@routes
def test_a_repeat_speaks_the_language_of_the_first(post):
    first = post({"fail": 409}, Accept_Language="ru")
    again = post({"fail": 409}, Accept_Language="en")
    assert (first["Content-Language"], again["Content-Language"]) == ("ru", "ru")
    assert told(first) == told(again)


def test_routes_for_anyone_take_no_notice_of_a_key(anyone):
    person = {"username": "nina", "email": "nina@example.com", "password": "correct horse battery"}
    assert anyone.post("/api/auth/register", person, Idempotency_Key="").status_code == 201
    assert anyone.post("/api/auth/register", person, Idempotency_Key="k-1").status_code == 400
    assert not IdempotencyKey.objects.exists()


def test_a_real_subscription_is_made_once_and_a_kept_conflict_outlives_its_reason(as_alice, plan):
    first, again = (as_alice.post(SUBSCRIBE, {"plan_name": "pro"}, Idempotency_Key="a") for _ in range(2))
    assert (first.status_code, told(first)) == (201, told(again))
    refused = as_alice.post(SUBSCRIBE, {"plan_name": "pro"}, Idempotency_Key="b")
    assert refused.json()["code"] == "subscription_exists"
    live = first.json()
    assert as_alice.post(f"{SUBSCRIBE}{live['user_id']}/{live['id']}/cancel").status_code == 200
    assert told(as_alice.post(SUBSCRIBE, {"plan_name": "pro"}, Idempotency_Key="b")) == told(refused)
    assert as_alice.post(SUBSCRIBE, {"plan_name": "pro"}, Idempotency_Key="c").status_code == 201


def test_an_unknown_plan_frees_the_key_for_the_corrected_request(as_alice):
    assert as_alice.post(SUBSCRIBE, {"plan_name": "later"}, Idempotency_Key="a").status_code == 400
    PlanFactory(name="later")
    assert as_alice.post(SUBSCRIBE, {"plan_name": "later"}, Idempotency_Key="a").status_code == 201


@pytest.fixture
def change_password(as_alice, alice):
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])
    body = {"old_password": PASSWORD, "new_password": "another correct horse"}
    return lambda: as_alice.post("/api/auth/change-password", body, Idempotency_Key="k-1")


def test_an_answer_without_a_body_is_repeated_without_one(change_password):
    first, again = change_password(), change_password()
    assert (first.status_code, first.content) == (204, b"")
    assert told(first) == told(again)
    assert "Content-Type" not in again.headers


def test_what_is_kept_of_a_change_of_password_does_not_help_to_guess_it(change_password, settings):
    assert change_password().status_code == 204
    settings.SECRET_KEY = "another"
    assert change_password().status_code == 422


# --- How long


@routes
@pytest.mark.parametrize(("hours", "left"), [(47, 1), (49, 0)])
def test_pruning_deletes_what_has_been_kept_long_enough(post, capsys, hours, left):
    post()
    IdempotencyKey.objects.update(created_at=timezone.now() - dt.timedelta(hours=hours))
    call_command("prune_idempotency_keys", "--dry-run")
    assert IdempotencyKey.objects.count() == 1
    call_command("prune_idempotency_keys")
    assert IdempotencyKey.objects.count() == left
    assert capsys.readouterr().out.splitlines()[1] == f"{1 - left} idempotency {'key' if not left else 'keys'} deleted."


def test_keeping_them_for_less_than_a_day_stops_the_start():
    env = os.environ | {"IDEMPOTENCY_KEY_HOURS": "23", "ENV_FILES": ""}
    done = subprocess.run(
        [sys.executable, django_settings.BASE_DIR / "manage.py", "check"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "IDEMPOTENCY_KEY_HOURS must be at least 24" in done.stderr
