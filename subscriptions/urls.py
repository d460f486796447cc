from django.urls import path

import api.paths  # noqa: F401  (registers the `id` converter)

from . import views

urlpatterns = [
    path("plans/", views.PlanViewSet.as_view({"get": "list"})),
    path("plans/<slug:name>", views.PlanViewSet.as_view({"get": "retrieve"})),
    path("subscriptions/", views.SubscriptionViewSet.as_view({"get": "list", "post": "create"})),
    path("subscriptions/<id:user_id>", views.SubscriptionViewSet.as_view({"get": "list_of_user"})),
    path("subscriptions/<id:user_id>/<id:pk>", views.SubscriptionViewSet.as_view({"get": "retrieve"})),
    path("subscriptions/<id:user_id>/<id:pk>/resume", views.SubscriptionViewSet.as_view({"post": "resume"})),
]
