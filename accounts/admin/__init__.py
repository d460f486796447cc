"""The admin of users and groups, and what every admin of this program is made of."""

from .base import ReadOnlyAdmin, StaffAdmin
from .groups import GroupAdmin
from .users import UserAdmin

__all__ = ["GroupAdmin", "ReadOnlyAdmin", "StaffAdmin", "UserAdmin"]
