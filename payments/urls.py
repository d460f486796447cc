from django.urls import path

import api.paths  # noqa: F401  (registers the `id` converter)

from . import views

urlpatterns = [
    path("payments/", views.PaymentViewSet.as_view({"get": "list"})),
    path("payments/create-checkout-session", views.CheckoutViewSet.as_view({"post": "create"})),
    path("payments/confirm-payment", views.ConfirmViewSet.as_view({"post": "confirm"})),
    path("payments/<id:pk>", views.PaymentViewSet.as_view({"get": "retrieve"})),
    path("payments/<id:pk>/cancel", views.PaymentViewSet.as_view({"post": "cancel"})),
    path("payments/<id:pk>/refund", views.RefundViewSet.as_view({"post": "refund"})),
    path("payments/<id:pk>/reverse", views.PaymentViewSet.as_view({"post": "reverse"})),
    path("receipts/", views.ReceiptViewSet.as_view({"get": "list"})),
    path("receipts/<id:pk>", views.ReceiptViewSet.as_view({"get": "retrieve"})),
    path("refunds/", views.RefundViewSet.as_view({"get": "list"})),
    path("refunds/<id:pk>", views.RefundViewSet.as_view({"get": "retrieve"})),
    path("refunds/<id:pk>/pay", views.RefundViewSet.as_view({"post": "pay"})),
    path("subscriptions/<id:user_id>/<id:pk>/cancel", views.EndingViewSet.as_view({"post": "cancel"})),
    path("subscriptions/<id:user_id>/<id:pk>/grant", views.GrantViewSet.as_view({"post": "grant"})),
    path("state-machines", views.StateMachineViewSet.as_view({"get": "retrieve"})),
]
