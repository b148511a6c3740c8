"""Annotators' addresses."""

from django.urls import path

from annotation.views import demonstration, history, home, invitation, offline, ranking, rating

urlpatterns = [
    path("", home.home, name="home"),
    path("projects/<slug:slug>/rank/", ranking.rank, name="rank"),
    path("projects/<slug:slug>/rank/ahead/", ranking.ahead, name="rank_ahead"),
    path("projects/<slug:slug>/rank/submit/", ranking.submit, name="rank_submit"),
    path("projects/<slug:slug>/rank/draft/", ranking.draft, name="rank_draft"),
    path("projects/<slug:slug>/rank/skip/", ranking.skip, name="rank_skip"),
    path("projects/<slug:slug>/rank/flag/", ranking.flag, name="rank_flag"),
    path("projects/<slug:slug>/rank/release/", ranking.release, name="rank_release"),
    path("projects/<slug:slug>/rate/submit/", rating.submit, name="rate_submit"),
    path("projects/<slug:slug>/rate/draft/", rating.draft, name="rate_draft"),
    path("projects/<slug:slug>/demonstrate/submit/", demonstration.submit, name="demonstrate_submit"),
    path("projects/<slug:slug>/demonstrate/draft/", demonstration.draft, name="demonstrate_draft"),
    path("projects/<slug:slug>/demonstrate/preview/", demonstration.preview, name="demonstrate_preview"),
    path("projects/<slug:slug>/review/", demonstration.review, name="review"),
    path("projects/<slug:slug>/history/", history.history, name="history"),
    path("projects/<slug:slug>/history/last/", history.last, name="history_last"),
    path("projects/<slug:slug>/history/<uuid:assignment>/", history.change, name="history_change"),
    path("projects/<slug:slug>/guidelines/", ranking.guidelines, name="guidelines"),
    path("projects/<slug:slug>/guidelines/read/", ranking.guidelines_read, name="guidelines_read"),
    path("task-worker.js", offline.worker, name="task_worker"),
    path("offline/", offline.page, name="offline"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
]
