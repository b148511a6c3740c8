"""Annotators' addresses."""

from django.urls import path

from annotation.views import home, invitation, ranking

urlpatterns = [
    path("", home.home, name="home"),
    path("projects/<slug:slug>/rank/", ranking.rank, name="rank"),
    path("projects/<slug:slug>/rank/ahead/", ranking.ahead, name="rank_ahead"),
    path("projects/<slug:slug>/rank/submit/", ranking.submit, name="rank_submit"),
    path("projects/<slug:slug>/rank/draft/", ranking.draft, name="rank_draft"),
    path("projects/<slug:slug>/rank/skip/", ranking.skip, name="rank_skip"),
    path("projects/<slug:slug>/rank/flag/", ranking.flag, name="rank_flag"),
    path("projects/<slug:slug>/rank/release/", ranking.release, name="rank_release"),
    path("projects/<slug:slug>/rank/last/", ranking.last, name="rank_last"),
    path("projects/<slug:slug>/guidelines/", ranking.guidelines, name="guidelines"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
]
