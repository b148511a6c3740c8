"""The addresses: annotators' pages, accounts, and the admin site with the researchers' pages."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from console.pages import accounts, tokens

urlpatterns = [
    path("login/", accounts.LogIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("account/password/", accounts.OwnPassword.as_view(), name="account_password"),
    path("account/reset/<uidb64>/<token>/", accounts.Reset.as_view(), name="account_reset"),
    path("account/<int:pk>/reset-link/", accounts.reset_link, name="reset_link"),
    path("account/tokens/", tokens.own_tokens, name="tokens"),
    path("account/tokens/<int:pk>/revoke/", tokens.revoke, name="token_revoke"),
    path("api/v1/", include("console.api.urls")),
    path("", include("annotation.urls")),
]

# Whatever goes wrong outside a view is told in the shape of the address that was asked for.
handler400 = "console.api.errors.bad_request"
handler403 = "console.api.errors.permission_denied"
handler404 = "console.api.errors.page_not_found"
handler500 = "console.api.errors.server_error"
