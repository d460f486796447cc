"""What every code of a problem means, and what to do: the pages that the `type` of an error points to."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from api.handlers import CODES, TITLES
from api.problems import Problem


@dataclass(frozen=True)
class Explained:
    """A code with what its page says."""

    code: str
    title: Any
    status: int
    meaning: Any = ""
    remedy: Any = ""


AGAIN = _("Look at the object again, decide anew, and send what fits its present state.")

EXPLANATIONS: dict[str, tuple[Any, Any]] = {
    "invalid": (
        _("The body or a parameter is not what the route takes: a wrong type, a value out of range, an unknown field."),
        _("The member “errors” names each field that is wrong, and why. Correct them and send the request again."),
    ),
    "not_authenticated": (
        _("The route is for people who are logged in, and no token came along, or one that has expired or was ended."),
        _("Log in at /api/auth/login, and send the header “Authorization: Token …”."),
    ),
    "invalid_credentials": (
        _("Nobody can log in with this name or address and this password. Which of them is wrong is not said."),
        _("Check both, or set a new password through /api/auth/password-reset."),
    ),
    "permission_denied": (
        _("You are known here, and have no right to do this."),
        _("Do it for yourself only, or ask whoever runs this server for the right."),
    ),
    "own_payment": (
        _("Nobody confirms, refunds, reverses or grants for themselves, whatever their rights are."),
        _("Ask a colleague to do it."),
    ),
    "not_found": (
        _("The address does not exist, or what it names is not there or not yours; these look the same on purpose."),
        _("Check the address and the ids in it."),
    ),
    "method_not_allowed": (
        _("The address exists, and does not know this method."),
        _("The header “Allow” says which methods it knows."),
    ),
    "not_acceptable": (
        _("The request accepts no JSON, and there is nothing else to be had."),
        _("Send “Accept: application/json”, or no such header."),
    ),
    "payload_too_large": (
        _("No request here needs more than 64 KiB."),
        _("Send only the fields that the schema names."),
    ),
    "unsupported_media_type": (
        _("The body does not call itself JSON in UTF-8."),
        _("Send the body as JSON with “Content-Type: application/json”."),
    ),
    "throttled": (
        _("Too many tries came from this address, or for this name, within a short time."),
        _("Wait for as many seconds as the header “Retry-After” says. Trying sooner does not make it longer."),
    ),
    "unavailable": (
        _("The database could not be reached, or something else was at work on the same object for too long. "
          "Nothing has changed, with one exception: where “detail” says that the connection was lost while the change "
          "was being committed, it is not known whether it was made."),
        _("Send the same request again after the seconds in “Retry-After”, with the same Idempotency-Key if any: it is "
          "done once, however often it is sent. Without a key, look first whether it was done."),
    ),
    "error": (
        _("A fault of this program. It was recorded, and the request has changed nothing."),
        _("Try again later; if it stays, report the “request_id” of the answer."),
    ),
    "conflict": (
        _("The request is well-formed, but does not go with what is already there. Nothing has changed."),
        AGAIN,
    ),
    "transition_not_allowed": (
        _("The object is in a state from which this step is not possible. Nothing has changed."),
        _("Look at the object again; /api/state-machines lists the steps that each state knows."),
    ),
    "subscription_exists": (
        _("The user has a live subscription for this plan, and there can be only one."),
        _("Use the one that “subscription_id” names: pay for it, change it, or cancel it first."),
    ),
    "subscription_not_live": (
        _("The subscription has expired or was canceled, and no payment can be asked for it."),
        _("Subscribe anew; today's price applies."),
    ),
    "plan_not_available": (
        _("The plan is not sold any more. Subscriptions for it that are live go on."),
        _("Choose one of the plans at /api/plans/."),
    ),
    "too_far_ahead": (
        _("What is paid for would reach more than ten years ahead."),
        _("Choose a shorter duration, or come back later."),
    ),
    "amount_mismatch": (
        _("The amount is not the price agreed times the duration, or not what the payment asks for. No price is taken "
          "from a client."),
        _("Use the amount that “detail” names. Staff who accept another amount say so, with a note."),
    ),
    "currency_mismatch": (
        _("The currency is not the one of the plan or of the payment. Currencies are never converted."),
        _("Use the currency that “detail” names."),
    ),
    "payment_not_pending": (
        _("The payment was confirmed, canceled, refunded or reversed, or has expired: it does not wait for money."),
        _("If money came late for it, confirm it with its evidence, the bank's id of the entry. Else ask anew."),
    ),
    "confirmed_differently": (
        _("The payment was confirmed before, with another amount, currency, source, evidence or date."),
        _("Compare with the payment and its receipt. If they are wrong, reverse it; if this is other money, confirm "
          "the payment it is for."),
    ),
    "evidence_already_used": (
        _("The bank's entry has settled another payment, and nothing of it is left for this one."),
        _("Check the id of the entry; look for the other payment with the filter “evidence”."),
    ),
    "refund_exceeds_payment": (
        _("The refunds of a payment never add up to more than was paid."),
        _("Look at “refunded_amount”, and refund at most what is left."),
    ),
    "later_coverage": (
        _("Later days have been paid for, and stand on the coverage of this payment."),
        _("Refund the last payment first, or keep the coverage."),
    ),
    "idempotency_in_progress": (
        _("The first request with this Idempotency-Key is still running."),
        _("Send the same request again after the seconds in “Retry-After”: it gets the first one's answer."),
    ),
    "idempotency_key_reused": (
        _("The same Idempotency-Key came with another body before. Nothing has changed."),
        _("Use a new key for every new request, and the old one only to repeat the same."),
    ),
    "precondition_failed": (
        _("The object has changed since its ETag was read. Nothing has changed now."),
        AGAIN,
    ),
}  # fmt: skip


def explained(code: str) -> Explained | None:
    """Return what there is to say of a code, or None for one that the API does not answer."""
    known = all_codes()
    if code not in known:
        return None
    title, status = known[code]
    return Explained(code, title, status, *EXPLANATIONS.get(code, ()))


def all_codes() -> dict[str, tuple[Any, int]]:
    """Return every code with its title and status: those of the statuses alone, and those of each Problem."""
    codes = {code: (TITLES[status], status) for status, code in CODES.items()}
    return codes | {cls.code: (cls.title, cls.status_code) for cls in problems_below(Problem)}


def problems_below(parent: type[Problem]) -> list[type[Problem]]:
    """Return the subclasses at any depth."""
    return [found for cls in parent.__subclasses__() for found in (cls, *problems_below(cls))]
