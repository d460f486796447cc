"""Who may log in, and what they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend


class RightsBackend(ModelBackend):
    """Django's own, but that all rights of a user are read by one query, and with their token by none."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> Any:
        """Return the rights of an active user; there are none on single objects."""
        if user_obj.is_superuser or user_obj.is_anonymous:
            return super().get_all_permissions(user_obj, obj)
        return user_obj.rights if user_obj.is_active and obj is None else set()
