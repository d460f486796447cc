"""Calling the API as somebody, or as nobody."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import Token, User


class Caller:
    """Somebody who calls the API with their token, or nobody with none."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user
        self.token = Token.issue(user)[1] if user else None
        self.client = Client(HTTP_HOST="localhost", raise_request_exception=False)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; `body` is a JSON value, or bytes as they are. Headers are given as Accept_Language="ru"."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and "Authorization" not in named:
            named["Authorization"] = f"Token {self.token}"
        content_type = named.pop("Content-Type", "application/json")
        return self.client.generic(method, path, raw, content_type=content_type, headers=named)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.request("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.request("PATCH", path, body, **headers)
