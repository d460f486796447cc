"""What every admin of this program is made of: narrow look-ups, a search that stays small, words instead of errors."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import Error, models
from django.db.models import ProtectedError, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from accounts.acting import acting_in_admin
from accounts.forms import version_of_row
from accounts.models import User
from api.fields import MAX_ID
from billing_time.clock import Moment

from .acts import REFUSALS, Act, words_of
from .lists import NearChangeList, NearPaginator, found_in
from .timeline import timeline_of

SEARCH_LENGTH = 200
SEARCH_WORDS = 10


class StaffAdmin(ModelAdmin):
    """An admin in which nothing is deleted in bulk, and only what is named here can be filtered by."""

    list_per_page = 50
    list_max_show_all = 200
    list_filter_sheet = False
    show_full_result_count = False
    paginator = NearPaginator
    show_facets = admin.ShowFacets.NEVER
    compressed_fields = True
    search_fields = ("pk",)
    change_form_before_template: str | None = "accounts/admin/version.html"
    change_form_outer_after_template: str | None = "accounts/admin/timeline.html"
    # Look-ups by which other pages point into this list, such as `user__id__exact`.
    pointed_at_by: ClassVar[tuple[str, ...]] = ()

    # --- Looking for rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the parameters of the filters and of links, nothing else: `?user__password__startswith=` is 400."""
        return lookup in self.pointed_at_by or lookup in self.filter_parameters(request)

    def filter_parameters(self, request: HttpRequest) -> set[str]:
        """Return the names of the parameters that the filters read."""
        names: set[str] = set()
        for given in self.get_list_filter(request):
            if isinstance(given, tuple):
                field, filter_class = given
                names |= set(parameters_of(filter_class, field, request, self))
            else:
                names.add(given.parameter_name)
        return names

    def found_by(self, text: str) -> list[Q]:
        """Return the conditions by any of which a row is found by `text`, each with an index."""
        return [id_is(text)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that the whole text finds, or each of its words; a text too long to mean anything, none."""
        words = search_term.split()
        if not words:
            return queryset, False
        if len(search_term) > SEARCH_LENGTH or len(words) > SEARCH_WORDS:
            messages.error(request, _("Look for at most %(words)s words.") % {"words": SEARCH_WORDS})
            return queryset.none(), False
        found = found_in(queryset, self.found_by(" ".join(words)))
        if len(words) > 1:
            found |= self.found_by_each(queryset, words)
        return queryset.filter(pk__in=found), False

    def found_by_each(self, queryset: QuerySet[Any], words: list[str]) -> set[Any]:
        """Return the keys of the rows that each of the words finds; the longest, which finds the fewest, goes first."""
        first, *others = sorted(words, key=len, reverse=True)
        found = found_in(queryset, self.found_by(first))
        for word in others:
            found = found_in(queryset.filter(pk__in=found), self.found_by(word))
        return found

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[NearChangeList]:
        """Return the kind of list."""
        return NearChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; a parameter that it does not know is an error in words."""
        try:
            response = super().changelist_view(request, extra_context)
        except DisallowedModelAdminLookup:
            return self.refuse_parameters(request)
        if isinstance(response, HttpResponseRedirect) and response.url == f"{request.path}?e=1":
            return self.refuse_parameters(request)
        return response

    def refuse_parameters(self, request: HttpRequest) -> HttpResponse:
        """Answer 400 and say why."""
        title = _("This list cannot be filtered that way")
        return self.page(request, "accounts/admin/refused.html", {"title": title, "list": request.path}, status=400)

    # --- Doing

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions over many rows; deleting is none of them."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Run an action, unless the rows that it names cannot be rows."""
        try:
            for value in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(value, None)
        except ValidationError:
            messages.error(request, _("Some of the rows that were selected do not exist. Nothing was changed."))
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    def act_on(self, request: HttpRequest, object_id: str, act: Act) -> HttpResponse:
        """Show the form of an act and, once it is sent, do it; a refusal is said above the form."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        moment, by, sent = Moment.current(), cast(User, request.user), request.method == "POST"
        form = act.form(row, moment, by, sent=request.POST if sent else None, asked=request.GET)
        if sent and form.is_valid():
            try:
                outcome = act.run(row, form.cleaned_data, by=by, moment=moment)
            except REFUSALS as refusal:
                row = self.get_object(request, unquote(object_id))
                form = act.form_after(refusal, form, row)
            else:
                messages.add_message(request, outcome.level, outcome.message)
                return redirect(page_of(row))
        context = {"title": act.title, "subtitle": str(row), "act": act, "form": form, "original": row}
        context |= {"facts": act.facts(row, moment), "warning": act.warning(row, moment), "back": page_of(row)}
        return self.page(request, "accounts/admin/act.html", context)

    def page(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """Return a page of this model's that is not one of Django's own."""
        request.current_app = self.admin_site.name
        whole = self.admin_site.each_context(request) | {"opts": self.opts, "model_admin": self} | context
        return render(request, template, whole, status=status)

    # --- Changing and deleting by Django's own forms

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save a row; what the database refuses is said in words."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        extra = (extra_context or {}) | {"show_delete": row is not None and not what_hangs_on(row)}
        extra["timeline"] = timeline_of(request, row) if row is not None else None

        def view() -> HttpResponse:
            return self.unless_changed(request, row) or super(StaffAdmin, self).changeform_view(
                request, object_id, form_url, extra
            )

        return in_words(request, view)

    def unless_changed(self, request: HttpRequest, row: Any) -> HttpResponse | None:
        """Lock a row that is to be saved; where it has changed since its page was opened, say so and show it again."""
        sent = request.POST.get("version") if request.method == "POST" else None
        if not sent or row is None or not self.has_change_permission(request, row):
            return None
        now = self.model._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
        if now is None or sent == version_of_row(now):
            return None
        if self.holds_what_was_sent(request, now):
            messages.info(request, _("It was saved before; nothing was changed."))
        else:
            words = _("It has changed since this page was opened, so nothing was saved. This is how it is now.")
            messages.error(request, words)
        return redirect(request.get_full_path())

    def holds_what_was_sent(self, request: HttpRequest, row: Any) -> bool:
        """Tell whether the row is already what a form would make of it: the second of two clicks."""
        form = self.get_form(request, row, change=True)(request.POST, instance=row)
        return form.is_valid() and not form.has_changed()

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        """Save the columns that were changed on this page, and no other."""
        if change and hasattr(form, "changed_columns"):
            keys = [name for name in form.changed_columns if hasattr(obj, f"{name}_key")]
            obj.save(update_fields=[*form.changed_columns, *(f"{name}_key" for name in keys)])
        else:
            super().save_model(request, obj, form, change)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a row that nothing hangs on; otherwise say what does."""
        row = self.get_object(request, unquote(object_id))
        if row is not None and self.has_delete_permission(request, row) and (kept_by := what_hangs_on(row)):
            reason = _("%(row)s cannot be deleted; there are: %(names)s.")
            messages.error(request, reason % {"row": row, "names": ", ".join(kept_by)})
            return redirect(page_of(row))
        return in_words(request, lambda: super(StaffAdmin, self).delete_view(request, object_id, extra_context))


class ReadOnlyAdmin(StaffAdmin):
    """An admin of rows that only verbs write."""

    def offered(self, row: Any, moment: Moment) -> tuple[str, ...]:
        """Return the names of the acts that the state of a row allows."""
        return ()

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the acts that the reader may do and that the state allows."""
        row = self.get_object(request, str(object_id))
        names = self.offered(row, Moment.current()) if row else ()
        actions = super().get_actions_detail(request, object_id)
        return [act for act in actions if act.method.original_function_name in names]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes them by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes them."""
        return False


class ChosenFilter(admin.SimpleListFilter):
    """A filter of fixed choices; a value that is none of them is an error, not silently everything."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if self.value() not in (None, *(value for value, _label in self.lookup_choices)):
            raise IncorrectLookupParameters


class YesNoFilter(ChosenFilter):
    """A filter of yes and no."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return both."""
        return [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]


def in_words(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the view's answer; where the database refused a change, its reason in words on the page that was left."""
    if request.method != "POST":
        return view()
    try:
        with acting_in_admin(request.user):
            return view()
    except ProtectedError:
        messages.error(request, _("This cannot be deleted: other records need it."))
    except Error as error:
        messages.error(request, words_of(error))
    return redirect(request.get_full_path())


def what_hangs_on(row: models.Model) -> list[str]:
    """Return the names of what keeps a row from being deleted: what the models protect, and the log of their acts."""
    return [
        str(relation.related_model._meta.verbose_name_plural)
        for relation in row._meta.related_objects
        if (relation.on_delete is models.PROTECT or relation.related_model is LogEntry)
        and QuerySet(relation.related_model).filter(**{relation.field.name: row}).order_by("pk").values("pk")[:1]
    ]


def parameters_of(filter_class: Any, field: str, request: HttpRequest, model_admin: Any) -> list[str]:
    """Return the names of the parameters that a filter on a field reads."""
    model_field = model_admin.opts.get_field(field)
    return filter_class(model_field, request, {}, model_admin.model, model_admin, field).expected_parameters()


def id_is(text: str) -> Q:
    """Return the condition that a row has the id that `text` is; nothing has an id that is none."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID:
        return Q(pk=int(text))
    return Q(pk__in=[])


def page_of(row: models.Model) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link_to(row: models.Model | None, text: Any = None) -> str | None:
    """Return a link to a row's page."""
    if row is None:
        return None
    return format_html('<a class="text-link" href="{}">{}</a>', page_of(row), row if text is None else text)


def link_to_list(model: str, text: Any, **parameters: Any) -> str:
    """Return a link to a list, narrowed to what the parameters say; `model` is such as `payments_payment`."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    path = reverse(f"admin:{model}_changelist")
    return format_html('<a class="text-link" href="{}?{}">{}</a>', path, query, capfirst(text))
