"""What the columns and constraints of payments are calculated with, in SQL."""

from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models import Func


class CreditorReference(Func):
    """The ISO 11649 reference of an id: `RF`, two check digits modulo 97 (with R = 27, F = 15), at least six digits."""

    template = (
        "('RF' || lpad((98 - mod(%(expressions)s::numeric * 1000000 + 271500, 97))::text, 2, '0')"
        " || lpad(%(expressions)s::text, greatest(6, length(%(expressions)s::text)), '0'))"
    )
    output_field = models.CharField(max_length=25)


class DateRange(Func):
    """The half-open range of two days."""

    function = "DATERANGE"
    output_field = DateRangeField()
