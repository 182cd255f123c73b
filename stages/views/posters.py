"""Posters to print: one stage a page, or the whole event."""

import base64
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext

from accounts.access import manages, signed_in
from events.access import event_for_member
from events.models import Event
from pika.codes import clean_code
from pika.errors import Problem
from stages.models import Stage
from stages.qr import qr_svg
from stages.views.floor import public_address

EVENT = "event"  # no stage's code looks like this


def _poster(request: HttpRequest, path: str, stage: Stage | None = None) -> dict[str, Any]:
    address = public_address(request, path)
    picture = base64.b64encode(qr_svg(address)).decode()
    return {"stage": stage, "address": address.split("://", 1)[1], "qr": f"data:image/svg+xml;base64,{picture}"}


def _of_stage(request: HttpRequest, stage: Stage) -> dict[str, Any]:
    return _poster(request, reverse("stages:show_stage", args=[stage.code]), stage)


def _of_event(request: HttpRequest, event: Event) -> dict[str, Any]:
    return _poster(request, reverse("stages:show_event", args=[event.slug]))


def _print(request: HttpRequest, event: Event, posters: list[dict[str, Any]]) -> HttpResponse:
    size = "a3" if request.GET.get("size") == "a3" else "a4"
    host = public_address(request, "/").split("://", 1)[1].rstrip("/")
    page = {"event": event, "posters": posters, "size": size, "host": host}
    page["is_crew"] = not manages(signed_in(request), event.organizer_id)
    return render(request, "stages/organize/posters.html", page)


@login_required
def show_posters(request: HttpRequest, slug: str) -> HttpResponse:
    """All open stages in one go."""
    event = event_for_member(signed_in(request), slug)
    return _print(request, event, [_of_stage(request, stage) for stage in event.stages.filter(is_closed=False)])


@login_required
def show_poster(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """One stage; `event` is the poster for the entrance, which leads to all of them."""
    event = event_for_member(signed_in(request), slug)
    if code == EVENT:
        return _print(request, event, [_of_event(request, event)])
    stage = event.stages.filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem(gettext("Stage not found"), "stage_not_found", 404)
    return _print(request, event, [_of_stage(request, stage)])
