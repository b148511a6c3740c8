"""Members of a project and invitations into it. Who judges under which pseudonym is told to nobody here."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import members
from annotation.api.base import AdministeringEndpoint, bodiless
from annotation.api.filters import Filter
from annotation.api.preconditions import require_unchanged, tagged
from annotation.models import Invitation, Membership
from runs.writing import write

Role = Membership.Role


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A person and what they may do in the project."""

    username = serializers.CharField(source="user.username", read_only=True)
    email = serializers.CharField(source="user.email", read_only=True, help_text="Empty where none is known")
    active = serializers.BooleanField(
        source="user.is_active", read_only=True, help_text="Whether the account may log in"
    )

    class Meta:
        model = Membership
        fields = ("username", "email", "role", "active", "created_at")
        read_only_fields = fields


class RoleSerializer(serializers.Serializer[Any]):
    """What a member is to be."""

    role = serializers.ChoiceField(
        choices=Role.choices,
        required=False,
        help_text="An annotator judges, a researcher sees and decides everything in the project; left out, it stays",
    )


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation that nobody has used or revoked. Its link is in the answer that makes it, and nowhere else."""

    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "created_at", "expires_at")
        read_only_fields = fields


class WithLinkSerializer(InvitationSerializer):
    """The same with the link, which works once and which nothing shows again."""

    link = serializers.URLField(read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = (*InvitationSerializer.Meta.fields, "link")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class NewInvitationSerializer(serializers.Serializer[Any]):
    """Who is invited."""

    email = serializers.EmailField(
        help_text="Whom you mean by it: the link is yours to send, and works for whoever holds it",
    )
    role = serializers.ChoiceField(
        choices=Role.choices,
        help_text="What whoever follows the link becomes",
    )


class Members(ListAPIView[Membership], AdministeringEndpoint):
    """Who may work on the project, beside administrators."""

    tag = "Projects"
    serializer_class = MemberSerializer
    filters = {"role": Filter("role", "With this role", tuple(Role.values))}

    def get_queryset(self) -> "QuerySet[Membership]":
        return self.of_project(Membership.objects.select_related("user"))


class OneMember(AdministeringEndpoint):
    """One member."""

    conditional = True
    tag = "Projects"
    serializer_class = MemberSerializer

    def member(self, username: str, *, locked: bool = False) -> Membership:
        """The project's member of this name; Http404."""
        rows = self.of_project(Membership.objects.select_related("user"))
        rows = rows.select_for_update(no_key=True, of=("self",)) if locked else rows
        member: Membership = get_object_or_404(rows, user__username=username)
        return member

    def get(self, request: Request, slug: str, username: str) -> Response:
        """The member's role."""
        return tagged(self.get_serializer(self.member(username)).data)

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    @write
    def patch(self, request: Request, slug: str, username: str) -> Response:
        """Change the member's role."""
        member = self.member(username, locked=True)
        require_unchanged(request, self.get_serializer(member).data)
        changes = self.requested(RoleSerializer)
        if changes:
            members.change_role(membership=member, **changes)
        return tagged(self.get_serializer(self.member(username)).data)

    @bodiless(responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        """Let the member go: what they hold goes back to the queue, and what they judged stays."""
        members.remove(membership=self.member(username))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationEndpoint(AdministeringEndpoint):
    """One open invitation."""

    tag = "Projects"
    serializer_class = InvitationSerializer

    def invitation(self, pk: int) -> Invitation:
        """The project's open invitation with this id; Http404."""
        return get_object_or_404(members.invitations(self.project), pk=pk)

    def answer(self, path: str) -> Response:
        """The invitation behind a link, with the link."""
        invitation = members.invitation_for(token=path.rstrip("/").rpartition("/")[2])
        data = InvitationSerializer(invitation).data
        return Response(
            {**data, "link": self.request.build_absolute_uri(path)}, status=status.HTTP_201_CREATED
        )


class Invitations(ListAPIView[Invitation], InvitationEndpoint):
    """Open invitations."""

    filters = {"role": Filter("role", "With this role", tuple(Role.values))}

    def get_queryset(self) -> "QuerySet[Invitation]":
        return members.invitations(self.project) if hasattr(self, "project") else Invitation.objects.none()

    @extend_schema(request=NewInvitationSerializer, responses={201: WithLinkSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Invite a person; the answer alone holds the link, and no mail is sent."""
        return self.answer(members.invite(project=self.project, **self.requested(NewInvitationSerializer)))


class OneInvitation(InvitationEndpoint):
    """One open invitation."""

    def get(self, request: Request, slug: str, id: int) -> Response:
        """Who is invited, and how long the link works."""
        return Response(self.get_serializer(self.invitation(id)).data)

    @bodiless(responses={204: None})
    def delete(self, request: Request, slug: str, id: int) -> Response:
        """Revoke it: the link lets nobody in any more."""
        members.revoke(invitation=self.invitation(id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InviteAgain(InvitationEndpoint):
    """A new link in the place of one that was lost."""

    serializer_class = WithLinkSerializer

    @bodiless(responses={201: WithLinkSerializer})
    def post(self, request: Request, slug: str, id: int) -> Response:
        """Revoke the invitation and make it anew; the answer alone holds the link."""
        return self.answer(members.invite_again(invitation=self.invitation(id)))
