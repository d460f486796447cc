"""People at the admin's pages."""

import re

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory


def browser(user: User, **kwargs) -> Client:
    """Return a browser in which the user is logged in; an error of the server raises in the test."""
    client = Client(HTTP_HOST="localhost", **kwargs)
    client.force_login(user)
    return client


def boss() -> User:
    """Return a superuser."""
    return UserFactory(username="root", email="root@example.com", is_staff=True, is_superuser=True)


def manager() -> User:
    """Return Maria, of the group that may also change users and plans."""
    user = UserFactory(username="maria", email="maria@example.com", is_staff=True)
    user.groups.add(Group.objects.get(name="Billing managers"))
    return user


def page(name: str, *args) -> str:
    """Return the address of an admin page."""
    return reverse(f"admin:{name}", args=args)


def said(response: HttpResponse) -> str:
    """Return the messages that a page shows."""
    return " ".join(str(message) for message in response.context["messages"])


def log_of(row) -> list[tuple[str, str]]:
    """Return who did what to a row, oldest first."""
    entries = LogEntry.objects.filter(object_id=str(row.pk), content_type__model=row._meta.model_name).order_by("pk")
    return [(entry.user.username, entry.get_change_message()) for entry in entries]


def version_on(client: Client, address: str, name: str = "version") -> str:
    """Return what a page says the row was when it was opened."""
    shown = client.get(address).content.decode()
    (version,) = set(re.findall(rf'<input type="hidden" name="{name}" value="([^"]+)"', shown))
    return version
