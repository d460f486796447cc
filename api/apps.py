from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The wire: strict JSON in, problem+json for every error, keyset pages, exact rate limits."""

    name = "api"
