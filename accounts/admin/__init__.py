"""The admin of users and groups, and what every admin of this program is made of."""

from .base import ReadOnlyAdmin, StaffAdmin
from .events import EventAdmin
from .groups import GroupAdmin
from .users import UserAdmin

__all__ = ["EventAdmin", "GroupAdmin", "ReadOnlyAdmin", "StaffAdmin", "UserAdmin"]
