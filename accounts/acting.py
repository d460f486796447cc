"""Who acts in the admin."""

from contextlib import AbstractContextManager
from typing import Any

from api.logs import current_request_id
from transactions.acting import Actor, Channel, acting


def acting_in_admin(user: Any) -> AbstractContextManager[None]:
    """Open a transaction in which the journal knows that `user` acts through the admin, and in which request."""
    return acting(Actor.of(user), Channel.ADMIN, current_request_id.get())
