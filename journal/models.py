"""The journal: what changed, when, by whom, by which way, and why."""

from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

# What every purchase writes: some of it is never far, whereas all else is looked up.
FREQUENT = ["payment.created", "payment.confirmed", "receipt.created", "allocation.created", "subscription.changed"]


class EventQuerySet(models.QuerySet["Event"]):
    """Events by where they stand in the one order that there is."""

    def settled(self) -> "EventQuerySet":
        """Return those up to the first number that a running transaction may yet fill.

        What is settled is asked now; read the rows later, by a statement of its own (READ COMMITTED): it must see
        all that was committed up to here.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT journal_settled()")
            (seq,) = cursor.fetchone()
        return self.filter(seq__lte=seq)

    def of(self, object_type: str, object_id: object) -> "EventQuerySet":
        """Return those of one object."""
        return self.filter(object_type=object_type, object_id=str(object_id))


class Event(models.Model):
    """A change of one object. Triggers write it in the transaction of the change; nobody changes it afterwards.

    The journal knows no other app: objects and users are named here, not pointed to, and stay named when they are gone.
    """

    seq = models.BigAutoField(_("number"), primary_key=True)
    at = models.DateTimeField(_("time"), db_default=models.Func(function="clock_timestamp"))
    kind = models.TextField(_("what happened"))
    object_type = models.TextField(_("object"))
    object_id = models.TextField(_("object's id"))
    user_id = models.BigIntegerField(_("user's id"), null=True)
    actor_type = models.TextField(_("kind of actor"))
    actor_id = models.BigIntegerField(_("actor's id"), null=True)
    actor_name = models.TextField(_("by whom"))
    channel = models.TextField(_("by way of"))
    request_id = models.TextField(_("request"))
    reason = models.TextField(_("reason"))
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["object_type", "object_id", "seq"], name="event_object"),
            models.Index(fields=["user_id", "seq"], name="event_user"),
            models.Index(fields=["kind", "seq"], condition=~Q(kind__in=FREQUENT), name="event_rare_kind"),
            # For the searches of staff, which are rare: they read some ranges of pages more than they need, and an
            # event costs next to nothing more to write.
            # One for each: the filters of a range must fit on one page together.
            BrinIndex(OpClass(F("channel"), name="text_bloom_ops"), name="event_channel", autosummarize=True),
            BrinIndex(OpClass(F("request_id"), name="text_bloom_ops"), name="event_request", autosummarize=True),
            BrinIndex(OpClass(Upper("actor_name"), name="text_bloom_ops"), name="event_actor_name", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.kind} {self.object_id}"


class Seal(models.Model):
    """What a stretch of the journal was, in one number; each seals the one before it as well.

    A stretch begins where the last one ended, so that numbers which nobody took are sealed too.
    """

    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    count = models.BigIntegerField()
    digest = models.CharField(max_length=64, unique=True)
    previous_digest = models.CharField(max_length=64, unique=True)
    sealed_at = models.DateTimeField(db_default=models.Func(function="clock_timestamp"))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.first_seq} to {self.last_seq}"
