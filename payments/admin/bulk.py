"""Confirming many payments at once: each on its own, with a result for each."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import REFUSALS, words_of
from accounts.models import User
from api.fields import MAX_ID
from billing_time.clock import Moment
from payments.models import Payment

from .acts import ConfirmAct
from .forms import BulkConfirmForm

MOST = 1000
EVIDENCE_NAME = re.compile(r"evidence_([1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class Result:
    """What became of one of many payments."""

    payment: Payment
    variant: str
    label: Any
    words: str


def ids_in(request: HttpRequest) -> list[int]:
    """Return the ids of the payments that a sent form is about."""
    found = (EVIDENCE_NAME.fullmatch(name) for name in request.POST)
    return [pk for match in found if match and (pk := int(match[1])) <= MAX_ID]


def confirm_each(form: BulkConfirmForm, by: User) -> list[Result]:
    """Confirm each payment in a transaction of its own; one that cannot be stops none of the others."""
    return [confirm_one(payment, form.given_for(payment), by) for payment in form.payments]


def confirm_one(payment: Payment, given: dict[str, Any], by: User) -> Result:
    """Confirm one of them; return what became of it."""
    try:
        outcome = ConfirmAct().run(payment, given, by=by, moment=Moment.current())
    except REFUSALS as refusal:
        return Result(payment, "danger", _("refused"), words_of(refusal))
    if outcome.changed and payment.unapplied:
        return Result(payment, "warning", _("unapplied"), outcome.message)
    if outcome.changed:
        return Result(payment, "success", _("confirmed"), outcome.message)
    return Result(payment, "info", _("already confirmed"), outcome.message)
