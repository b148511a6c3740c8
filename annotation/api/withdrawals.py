"""Data taken back: a person's or a prompt's texts erased for good, and everything that had used them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import AdministeringEndpoint, by_public_id
from annotation.api.paging import NewestFirst
from annotation.models import Annotator, Prompt, Withdrawal
from annotation.withdrawal import erasure


class WithdrawalSerializer(serializers.ModelSerializer[Withdrawal]):
    """One withdrawal: of an annotator, or of a prompt."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    annotator = serializers.UUIDField(
        source="annotator.public_id", read_only=True, allow_null=True, default=None
    )
    prompt = serializers.UUIDField(source="prompt.public_id", read_only=True, allow_null=True, default=None)
    requested_by = serializers.CharField(
        source="requested_by.username", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Withdrawal
        fields = ("id", "annotator", "prompt", "requested_by", "created_at", "files_done_at")
        read_only_fields = fields


class WithdrawalDetailSerializer(WithdrawalSerializer):
    """The same, with everything that had used the data."""

    used = serializers.SerializerMethodField(
        help_text="How much was erased, and which snapshots, runs and versions held it"
    )

    class Meta(WithdrawalSerializer.Meta):
        fields = (*WithdrawalSerializer.Meta.fields, "used")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(serializers.DictField())
    def get_used(self, withdrawal: Withdrawal) -> dict[str, Any]:
        answer = erasure.answer(withdrawal=withdrawal)
        return {
            name: value for name, value in answer.items() if name not in {"project", "annotator", "prompt"}
        }


class NewWithdrawalSerializer(serializers.Serializer[Any]):
    """Whose data goes: that of an annotator, or that of a prompt. Nothing brings the texts back."""

    annotator = serializers.UUIDField(
        required=False,
        help_text="Whose judgements and texts are erased: an annotator's id, or a prompt's below",
    )
    prompt = serializers.UUIDField(
        required=False,
        help_text="Which prompt is erased, with everything that hangs on it",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Name an annotator or a prompt.")
        return attrs


class WithdrawalEndpoint(AdministeringEndpoint):
    """The project's withdrawals."""

    tag = "Withdrawals"

    def withdrawals(self) -> "QuerySet[Withdrawal]":
        """With what is shown of them."""
        rows = Withdrawal.objects.select_related("annotator", "prompt", "requested_by", "project")
        return self.of_project(rows)


class Withdrawals(ListAPIView[Withdrawal], WithdrawalEndpoint):
    """Whose data was taken back, the newest first."""

    pagination_class = NewestFirst
    serializer_class = WithdrawalSerializer

    def get_queryset(self) -> "QuerySet[Withdrawal]":
        return self.withdrawals()

    @extend_schema(request=NewWithdrawalSerializer, responses={201: WithdrawalSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Erase what an annotator wrote, or a prompt and all that was written under it, for good.

        Files follow within a minute or so (files_done_at). Asked for again it answers the first withdrawal.
        """
        ((what, public_id),) = self.requested(NewWithdrawalSerializer).items()
        row = self._withdraw(what, public_id)
        shown = self.withdrawals().get(pk=row.pk)
        return Response(self.get_serializer(shown).data, status=status.HTTP_201_CREATED)

    def _withdraw(self, what: str, public_id: UUID) -> Withdrawal:
        """Raises ValidationError where the project has no such row, BadRequest, Busy."""
        kind: Any = {"annotator": Annotator, "prompt": Prompt}[what]
        row = self.of_project(kind.objects.all()).filter(public_id=public_id).first()
        if row is None:
            raise serializers.ValidationError({what: [f"There is no {what} {public_id}."]})
        if isinstance(row, Annotator):
            return erasure.withdraw_annotator(project=self.project, pseudonym=row.pseudonym, by=self.account)
        return erasure.withdraw_prompt(project=self.project, public_id=str(public_id), by=self.account)


class OneWithdrawal(WithdrawalEndpoint):
    """One withdrawal."""

    serializer_class = WithdrawalDetailSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """How far it is, and everything that had used the data."""
        return Response(self.get_serializer(by_public_id(self.withdrawals(), id)).data)
