"""The routes below /api/auth."""

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.tokens import default_token_generator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import permissions, status
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import StrictSerializer
from api.limits import PerAddress, client_address, limit, seconds_to_wait
from api.problems import Invalid, Problem
from api.views import ApiViewSet

from . import mail
from .models import EmailTaken, PasswordChanged, Token, User
from .names import email_key, username_key
from .serializers import (
    ChangeEmail,
    ChangePassword,
    ConfirmReset,
    LoggedIn,
    Login,
    Register,
    RequestReset,
    UserSerializer,
    check_password_rules,
)


class InvalidCredentials(Problem):
    """Name and password do not belong together; which of them is wrong is not said."""

    status_code = status.HTTP_401_UNAUTHORIZED
    code = "invalid_credentials"
    title = gettext_lazy("The name or the password is wrong")


class AnyoneViewSet(ApiViewSet):
    """Routes for anyone: they ignore `Authorization`, and count requests per address."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]
    throttle_classes = [PerAddress]
    rate = ""


class RegisterViewSet(AnyoneViewSet):
    """Become a customer."""

    rate = "register"
    requests = {"register": Register}
    answers = {"register": (201,)}
    serializer_class = UserSerializer

    def register(self, request: Request) -> Response:
        """Create a user. Two at once with one name: the unique key decides, and the other gets 400 as well."""
        given = self.validated(Register)
        with self.acting(AnonymousUser()):
            user = User.objects.create_user(**given)
        return Response(self.shown(user), status=status.HTTP_201_CREATED)


class LoginViewSet(AnyoneViewSet):
    """Exchange a password for a token."""

    rate = "login_address"
    requests = {"login": Login}
    refusals = {"login": (InvalidCredentials,)}
    serializer_class = LoggedIn

    def login(self, request: Request) -> Response:
        """Issue a token; unknown, wrong and inactive get the same answer in the same time."""
        given = self.validated(Login)
        name = given.get("username") or self.username_of(given["email"])
        limit("login_name", username_key(name), client_address(request))
        user = authenticate(request, username=name, password=given["password"])
        if not isinstance(user, User):
            raise InvalidCredentials
        try:
            with self.acting(user):
                token, secret = Token.issue(user)
        except PasswordChanged:
            raise InvalidCredentials from None
        return Response(self.shown({"token": secret, "expiry": token.expires_at, "user": user}))

    @staticmethod
    def username_of(email: str) -> str:
        """Return the username behind an address; for an unknown one, a name that nobody can have."""
        user = User.objects.find_email(email)
        return user.username if user else f"@{email_key(email)}"


class ResetRequestViewSet(AnyoneViewSet):
    """Ask for a mail that lets one set a new password."""

    rate = "reset"
    requests = {"request_reset": RequestReset}
    answers = {"request_reset": (204,)}
    serializer_class = RequestReset

    def request_reset(self, request: Request) -> Response:
        """Send the mail, if anybody has the address. The answer does not tell."""
        user = User.objects.find_email(self.validated(RequestReset)["email"])
        if user and user.is_active and user.has_usable_password():
            mail.send_reset(user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResetConfirmViewSet(AnyoneViewSet):
    """Set a new password with what the mail said."""

    rate = "login_address"
    requests = {"confirm_reset": ConfirmReset}
    answers = {"confirm_reset": (204,)}
    serializer_class = ConfirmReset

    def confirm_reset(self, request: Request) -> Response:
        """Set the password; every token of the user ends."""
        given = self.validated(ConfirmReset)
        with self.acting(AnonymousUser()):
            user = self.user_of(given["user_id"], given["token"])
            check_password_rules(given["new_password"], user, "new_password")
            user.change_password(given["new_password"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @staticmethod
    def user_of(pk: int, token: str) -> User:
        """Return the user whose token it is, or raise 400. Their row is locked: of two at once, one finds it used."""
        user = User.objects.select_for_update(no_key=True).filter(pk=pk, is_active=True).first()
        if user is None or not default_token_generator.check_token(user, token):
            raise Invalid("token", _("This reset has expired, was used, or never was."), "invalid_token")
        return user


class PerName(PerAddress):
    """The limit of logins per name and address, for whoever has to give their password once more."""

    def count(self, request: Request, view: Any) -> int:
        """Return the seconds to wait."""
        return seconds_to_wait("login_name", view.caller.username_key, self.get_ident(request))


class MeViewSet(ApiViewSet):
    """Oneself: the address, the password, the tokens."""

    requests = {"partial_update": ChangeEmail, "change_password": ChangePassword}
    answers = {"logout": (204,), "logout_all": (204,), "change_password": (204,)}
    refusals = {"change_password": (Throttled,)}
    serializer_class = UserSerializer

    def get_throttles(self) -> list[Any]:
        """Count tries of the old password like logins."""
        return [PerName()] if self.action == "change_password" else []

    def retrieve(self, request: Request) -> Response:
        """Return who one is."""
        return Response(self.shown(self.caller))

    def partial_update(self, request: Request) -> Response:
        """Change the e-mail address."""
        email = self.validated(ChangeEmail).get("email")
        if email is not None:
            other = User.objects.find_email(email)
            if other and other != self.caller:
                raise EmailTaken
            self.caller.change_email(email)
        return Response(self.shown(self.caller))

    def logout(self, request: Request) -> Response:
        """End the token that this request came with."""
        self.validated(StrictSerializer)
        request.auth.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def logout_all(self, request: Request) -> Response:
        """End every token of this user."""
        self.validated(StrictSerializer)
        self.caller.tokens.all().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def change_password(self, request: Request) -> Response:
        """Set a new password; every other token ends."""
        given = self.validated(ChangePassword)
        if not self.caller.check_password(given["old_password"]):
            raise Invalid("old_password", _("This is not your password."), "wrong_password")
        check_password_rules(given["new_password"], self.caller, "new_password")
        self.caller.change_password(given["new_password"], keep=request.auth)
        return Response(status=status.HTTP_204_NO_CONTENT)
