"""What needs an admin's eye: what is played most and not settled, and where DJs do not agree."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from stages.models import Play
from tracks.models import Identity, PlayLink

MOST = 100
SETTLED = [Identity.State.SETTLED, Identity.State.OVERRIDDEN]


def most_played_unsettled() -> list[dict[str, Any]]:
    """Names that were played most and are no recording's for everyone yet, each with its identity if anybody said a
    word. What its DJ alone said of a play settles nothing: where they do not agree, all of their plays have one."""
    settled = Identity.objects.filter(kind=Identity.Kind.NAME, state__in=SETTLED).values("value")
    plays = Play.objects.filter(Q(link=None) | Q(link__how=PlayLink.How.OWN)).exclude(identity="").order_by()
    plays = plays.exclude(identity__in=settled)
    counted = plays.values_list("identity").annotate(n=Count("pk"), djs=Count("session__dj", distinct=True))
    rows = list(counted.order_by("-n", "identity")[:MOST])
    known = Identity.objects.filter(kind=Identity.Kind.NAME, value__in=[name for name, *_ in rows])
    by_name = {its.value: its for its in known.annotate(said=Count("words__dj", distinct=True))}
    return [{"name": name, "plays": n, "djs": djs, "identity": by_name.get(name)} for name, n, djs in rows]


def show(request: HttpRequest) -> HttpResponse:
    page = admin.site.each_context(request) | {
        "title": "Needs your eye",
        "opts": Identity._meta,
        "rows": most_played_unsettled(),
        "conflicts": Identity.objects.filter(state=Identity.State.CONFLICT).count(),
    }
    return TemplateResponse(request, "admin/tracks/eye.html", page)
