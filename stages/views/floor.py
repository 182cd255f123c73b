"""The pages of the floor: dancers, displays, the booth."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.guests import with_guest
from accounts.models import User
from pika.codes import clean_code
from pika.errors import Problem
from pika.live import topics
from pika.live.broker import broker
from pika.live.messages import Message
from stages import access
from stages.models import Stage
from stages.qr import qr_png, qr_svg
from stages.serializers import session_snapshot, stage_snapshot


def public_address(request: HttpRequest, path: str) -> str:
    """What a phone can open: the public address when there is one."""
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _stage_snapshot(code: str) -> Message:
    try:
        stage = access.public_stage(code)
    except Problem as problem:
        raise Http404(problem.message) from None
    return stage_snapshot(stage, timezone.now(), broker().position(topics.stage(stage.code)))


def _session_snapshot(code: str) -> tuple[Message, Stage | None]:
    try:
        session = access.public_session(code)
    except Problem as problem:
        raise Http404(problem.message) from None
    return session_snapshot(session, broker().position(topics.session(session.code))), session.stage


def welcome(request: HttpRequest) -> HttpResponse:
    """The first page: what Pika! is, the stages that are alive, a box for a code."""
    return render(request, "stages/welcome.html", {"stages": access.lively_stages(timezone.now())})


def find_stage(request: HttpRequest) -> HttpResponse:
    """Where the code on the poster leads; a wrong one to the page that says so."""
    code = clean_code(request.GET.get("code", "")[:64])
    if not code:
        return redirect("stages:welcome")
    try:
        access.public_stage(code)
    except Problem:
        with suppress(Problem):  # a Quick Start has a code of its own
            return redirect("stages:show_session", code=access.public_session(code).code)
    return redirect("stages:show_stage", code=code)


@with_guest
def show_stage(request: HttpRequest, code: str) -> HttpResponse:
    """The dancer's page behind the QR."""
    snapshot = _stage_snapshot(code)
    return render(request, "stages/floor.html", _floor(snapshot))


@with_guest
def show_session(request: HttpRequest, code: str) -> HttpResponse:
    """The same for a Quick Start; a session on a stage leads to its stage."""
    snapshot, stage = _session_snapshot(code)
    if stage:
        return redirect("stages:show_stage", code=stage.code)
    return render(request, "stages/floor.html", _floor(snapshot))


def _floor(snapshot: Message) -> dict[str, Any]:
    return {"snapshot": snapshot}


def show_wall(request: HttpRequest, code: str) -> HttpResponse:
    """The stage on a big screen: now, next, QR."""
    return render(request, "stages/wall.html", _floor(_stage_snapshot(code)))


def show_overlay(request: HttpRequest, code: str) -> HttpResponse:
    """The song alone on nothing, for OBS."""
    return render(request, "stages/overlay.html", _floor(_stage_snapshot(code)))


@login_required
def booth(request: HttpRequest) -> HttpResponse:
    """The DJ's page."""
    assert isinstance(request.user, User)
    if not request.user.is_dj:
        return render(request, "accounts/are_you_a_dj.html", {"next": request.path})
    mine = request.user.sessions.select_related("stage__event").order_by("-started_at")
    newest = mine.first()
    page = {
        "sessions": mine.live(),
        "stages": access.stages_for_booth(request.user, timezone.now()),
        "dj_name": newest.dj_name if newest else request.user.name,
        "address": public_address(request, "/"),
    }
    return render(request, "stages/booth.html", page)


def qr_answer(address: str, kind: str) -> HttpResponse:
    if kind == "svg":
        return HttpResponse(qr_svg(address), content_type="image/svg+xml")
    if kind == "png":
        return HttpResponse(qr_png(address), content_type="image/png")
    raise Http404("A QR is svg or png")


def show_qr(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The stage's permanent QR."""
    stage = _stage_snapshot(code)["stage"]
    return qr_answer(public_address(request, reverse("stages:show_stage", args=[stage["stageId"]])), kind)


def show_session_qr(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The QR of a Quick Start."""
    session = _session_snapshot(code)[0]["session"]
    return qr_answer(public_address(request, reverse("stages:show_session", args=[session["sessionId"]])), kind)


def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker, from the root, so that it may serve every page when offline."""
    response = render(request, "stages/sw.js", content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page installable."""
    return render(request, "stages/manifest.webmanifest", content_type="application/manifest+json")
