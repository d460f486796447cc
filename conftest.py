"""People and rows that every test knows: alice, bob who must not see her rows, and staff."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import translation
from hypothesis import settings
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import User
from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Plan, Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.calling import Caller

# No test asserts on a clock: a loaded machine is no failure.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the tests empty the journal between them, which nobody may anywhere else."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("GRANT TRUNCATE ON journal_event, journal_seal TO CURRENT_USER")


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """Begin in the language of the settings: a request leaves the one that it asked for behind in its thread."""
    translation.deactivate()


@pytest.fixture
def moment() -> Moment:
    return Moment.current()


@pytest.fixture
def alice(db: None) -> User:
    return UserFactory(username="alice", email="alice@example.com")


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory(username="bob", email="bob@example.com")


@pytest.fixture
def staff(db: None) -> User:
    """Olga, of the group that confirms payments."""
    user = UserFactory(username="olga", email="olga@example.com", is_staff=True)
    user.groups.add(Group.objects.get(name="Billing operators"))
    return user


@pytest.fixture
def powerless_staff(db: None) -> User:
    """Somebody who may enter the admin and holds no right."""
    return UserFactory(username="pavel", email="pavel@example.com", is_staff=True)


@pytest.fixture
def anyone(db: None) -> Caller:
    return Caller()


@pytest.fixture
def as_alice(alice: User) -> Caller:
    return Caller(alice)


@pytest.fixture
def as_bob(bob: User) -> Caller:
    return Caller(bob)


@pytest.fixture
def as_staff(staff: User) -> Caller:
    return Caller(staff)


@pytest.fixture
def as_powerless_staff(powerless_staff: User) -> Caller:
    return Caller(powerless_staff)


@pytest.fixture
def plan(db: None) -> Plan:
    """990.00 roubles a month, three days of grace, no trial."""
    return PlanFactory(name="pro")


@pytest.fixture
def subscription(alice: User, plan: Plan) -> Subscription:
    """Alice's, pending."""
    return SubscriptionFactory(user=alice, plan=plan)


@pytest.fixture
def payment(subscription: Subscription) -> Payment:
    """Alice's, pending, for her subscription."""
    return PaymentFactory(subscription=subscription)
