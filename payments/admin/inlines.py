"""What hangs on a payment or a receipt, as tables on its page: to be looked at only."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin.base import link_to
from payments.models import Allocation, Refund, Reversal

from .words import money


class LookedAtInline(TabularInline):
    """Rows that only verbs write."""

    hide_title = True
    extra = 0
    can_delete = False
    per_page = 20
    right: ClassVar[str]
    related: ClassVar[tuple[str, ...]] = ("payment",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever holds the right sees them."""
        return request.user.has_perm(self.right)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only verbs write them."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with what they are shown with."""
        return super().get_queryset(request).select_related(*self.related).order_by("pk")

    @classmethod
    def has_rows(cls, row: Any) -> bool:
        """Tell whether anything hangs on the payment or receipt whose page it is."""
        return QuerySet(cls.model).filter(**{str(row._meta.model_name): row}).exists()

    @display(description=gettext_lazy("payment"))
    def payment_link(self, row: Any) -> Any:
        """Link to the payment."""
        return link_to(row.payment)

    @display(description=gettext_lazy("amount"))
    def money_shown(self, row: Any) -> Any:
        """Return the amount with its currency, as a link where the row has a page."""
        return money(row) if isinstance(row, Allocation) else link_to(row, money(row))


class AllocationInline(LookedAtInline):
    """What of a receipt settles which payment."""

    model = Allocation
    fields = readonly_fields = ("payment_link", "money_shown")
    right = "payments.view_receipt"


class RefundInline(LookedAtInline):
    """What of a payment was given back."""

    model = Refund
    fields = readonly_fields = ("money_shown", "status", "coverage", "evidence", "reason", "recorded_by", "created_at")
    right = "payments.view_refund"
    related = ("payment", "recorded_by")


class ReversalInline(LookedAtInline):
    """When and why a payment stopped counting."""

    model = Reversal
    fields: tuple[str, ...] = ("money_shown", "kind", "evidence", "reason", "recorded_by", "created_at")
    readonly_fields = ("payment_link", *fields)
    right = "payments.view_reversal"
    related = ("payment", "recorded_by")


class ReceiptReversalInline(ReversalInline):
    """What a receipt lost, and through which payment."""

    fields = ("payment_link", *ReversalInline.fields)
