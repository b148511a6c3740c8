"""/api/v1/: each stage's endpoints, and the schema of all of them."""

from django.urls import include, path

from config.api import docs, schema

urlpatterns = [
    path("schema/", schema.schema, name="api_schema"),
    path("docs/", docs.docs, name="api_docs"),
    path("", include("annotation.api.urls")),
    path("", include("config.api.runs")),
    path("", include("rewardmodel.api")),
    path("", include("rltrainer.api")),
]
