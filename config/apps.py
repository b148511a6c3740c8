"""The project's own app (its commands), and the admin site that every app's pages hang from."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "config"


class ConcordAdminConfig(AdminConfig):
    default_site = "config.admin.ConcordAdminSite"
