"""/api/v1/: each stage's endpoints, and the schema of all of them."""

from django.urls import include, path

from console.api import docs, schema

urlpatterns = [
    path("schema/", schema.schema, name="api_schema"),
    path("docs/", docs.docs, name="api_docs"),
    path("", include("annotation.api.urls")),
    path("", include("console.api.lineage")),
    path("", include("console.api.runs")),
    path("", include("rewardmodel.api")),
    path("", include("rltrainer.api")),
]
