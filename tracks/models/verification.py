"""What DJs say their plays were, and whose word counts."""

from typing import Any

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from stages.models import Play
from tracks.models.recordings import Identity, Track


class VerificationQuerySet(models.QuerySet["Verification"]):
    def standing(self) -> "VerificationQuerySet":
        """Those that were not withdrawn."""
        return self.filter(withdrawn_at=None)

    def counting(self) -> models.QuerySet[Any]:
        """Those that say what something is, by people who were not banned.

        `voice`: who speaks, one for all accounts of a person; `answer`: the track, merged ones as what they became.
        """
        said = self.standing().filter(verdict="confirm", track__isnull=False)
        heard = said.filter(dj__voice__banned_at=None, dj__voice__speaks_as__voice__banned_at=None)
        voice, answer = Coalesce("dj__voice__speaks_as", "dj"), Coalesce("track__merged_into", "track")
        return heard.annotate(voice=voice, answer=answer)


class Verification(models.Model):
    """One DJ's word on one identity: it is this track (confirm), it is not (reject), or never mind (skip).

    `identity` is the strongest one of the play it was said of; `identities` are all of that play's, and it counts for
    each of them: so three DJs with three files of the same name settle the name.
    """

    class Verdict(models.TextChoices):
        CONFIRM = "confirm", "It is this one"
        REJECT = "reject", "It is not this one"
        SKIP = "skip", "Never mind"

    dj = models.ForeignKey(User, models.CASCADE, related_name="verifications")
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="verifications")
    identities = models.ManyToManyField(Identity, related_name="words")
    play = models.ForeignKey(Play, models.SET_NULL, null=True, related_name="verifications")
    track = models.ForeignKey(Track, models.CASCADE, null=True, blank=True, related_name="verifications")
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    also = models.JSONField(default=list, blank=True, help_text="Of a reject: tracks that it is not, either.")
    said_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dj", "identity"], name="one_verification_each")]
        indexes = [models.Index(fields=["dj", "-said_at"])]

    def __str__(self) -> str:
        return f"{self.dj}: {self.verdict} {self.track or self.identity}"


class Voice(models.Model):
    """What an admin decided about one verifier. No row: the user's word counts, as one."""

    user = models.OneToOneField(User, models.CASCADE, related_name="voice")
    speaks_as = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", help_text="The same person: one voice together."
    )
    banned_at = models.DateTimeField(null=True, blank=True, help_text="From then on nothing they said counts.")
    why = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"voice of {self.user}"


class TrackChange(models.Model):
    """An admin merged, split, overrode, banned or joined; `before` is what is needed to take it back."""

    class Kind(models.TextChoices):
        MERGE = "merge", "Merged"
        SPLIT = "split", "Split"
        OVERRIDE = "override", "Decided"
        BAN = "ban", "Banned a verifier"
        VOICE = "voice", "Joined two voices"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    target = models.CharField(max_length=300, help_text="On what, in words of that time.")
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    changed_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"
