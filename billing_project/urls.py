from django.contrib import admin
from django.urls import include, path

from api.documents import Page, SchemaView
from doctor.pages import doctor_page
from payments.pages import checkout_page

from . import views

handler500 = views.server_error

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("problems/<slug:slug>", views.problem, name="problem"),
    path("pay/<str:key>", checkout_page, name="checkout"),
    path("admin/doctor/", admin.site.admin_view(doctor_page), name="doctor"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/auth/", include("accounts.urls")),
    path("api/", include("subscriptions.urls")),
    path("api/", include("payments.urls")),
    path("api/", include("journal.urls")),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", Page.as_view(template_name="api/swagger.html"), name="docs"),
    path("api/redoc", Page.as_view(template_name="api/redoc.html"), name="redoc"),
]
