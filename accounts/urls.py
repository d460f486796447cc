from django.urls import path

from . import views

urlpatterns = [
    path("register", views.RegisterViewSet.as_view({"post": "register"})),
    path("login", views.LoginViewSet.as_view({"post": "login"})),
    path("logout", views.MeViewSet.as_view({"post": "logout"})),
    path("logout-all", views.MeViewSet.as_view({"post": "logout_all"})),
    path("me", views.MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    path("change-password", views.MeViewSet.as_view({"post": "change_password"})),
    path("password-reset", views.ResetRequestViewSet.as_view({"post": "request_reset"})),
    path("password-reset/confirm", views.ResetConfirmViewSet.as_view({"post": "confirm_reset"})),
]
