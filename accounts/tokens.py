"""Authentication by `Authorization: Token …`."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import Token, User


class TokenAuthentication(BaseAuthentication):
    """Find the token by its digest, in one look-up; an expired one, or one of an inactive user, is none."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Return the user and the token, None where the request names none, or raise 401."""
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != self.keyword.lower().encode():
            return None
        if len(header) != 2 or not header[1].isascii():
            raise AuthenticationFailed(_("The token is not valid."))
        if not (found := Token.presented(header[1].decode("ascii"), timezone.now())):
            raise AuthenticationFailed(_("The token is not valid."))
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        """Return what `WWW-Authenticate` says."""
        return self.keyword


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema describes the header."""

    target_class = "accounts.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Authorization: Token …`, from `/api/auth/login` or `create_service_account`.",
        }
