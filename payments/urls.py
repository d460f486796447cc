from django.urls import path

import api.paths  # noqa: F401  (registers the `id` converter)

from . import views

urlpatterns = [
    path("payments/", views.PaymentViewSet.as_view({"get": "list"})),
    path("payments/create-checkout-session", views.CheckoutViewSet.as_view({"post": "create"})),
    path("payments/confirm-payment", views.ConfirmViewSet.as_view({"post": "confirm"})),
    path("payments/<id:pk>", views.PaymentViewSet.as_view({"get": "retrieve"})),
    path("payments/<id:pk>/cancel", views.PaymentViewSet.as_view({"post": "cancel"})),
]
