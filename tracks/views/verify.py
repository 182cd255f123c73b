"""A DJ's sets, and what they played in them: one question after another, by keyboard, finger or plain form."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from accounts.models import User
from pika.errors import Problem
from stages.access import session_for_dj
from stages.models import Session
from tracks import access, suggestions
from tracks.actions.recordings import judge
from tracks.models import Verification
from tracks.questions import Question, next_of, open_counts, questions_of, refused_of

A_PAGE, SETS = 50, 20
MOST_REFUSED = 20  # “not this one” on one question, before it forgets


@require_safe
@login_required
def list_sets(request: HttpRequest) -> HttpResponse:
    """My sets, the newest first, and how much of each is still to say."""
    user = signed_in(request)
    if not user.is_dj:
        return render(request, "accounts/are_you_a_dj.html", {"next": request.path})
    mine = Session.objects.filter(dj=user).select_related("stage__event").order_by("-started_at", "-pk")
    page = Paginator(mine, SETS).get_page(request.GET.get("page"))
    sessions = list(page.object_list)
    counted = open_counts(sessions) if sessions else {}
    sets = [
        {"session": its, "open": counted.get(its.pk, (0, 0))[0], "all": counted.get(its.pk, (0, 0))[1]}
        for its in sessions
    ]
    return render(request, "tracks/sets.html", {"sets": sets, "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def verify_set(request: HttpRequest, code: str) -> HttpResponse:
    """One question of a set: `play` (that one), else the next open one behind the play `after`. `all`: what is said."""
    user = signed_in(request)
    if not user.is_dj:
        return render(request, "accounts/are_you_a_dj.html", {"next": request.path})
    session = session_for_dj(user, code)
    if request.method == "POST":
        return _answer(request, user, session)
    return _show(request, user, session, request.GET)


# --- Say ---------------------------------------------------------------------------------------------------
def _answer(request: HttpRequest, user: User, session: Session) -> HttpResponse:
    """One press: what it says is done, and the question that follows shown."""
    choice, link = request.POST.get("choice", ""), request.POST.get("link", "")[:300]
    uuid = _uuid(request.POST.get("play", ""))
    if uuid is None:
        raise Problem(gettext("This song is not in a set of yours."), "play_not_found", 404, field="play")
    play = access.own_play(user, uuid)
    refused = request.POST.getlist("no")[-MOST_REFUSED:]
    stay = {"play": str(uuid), "no": refused}
    where: dict[str, Any] = {"after": str(uuid)}
    kind, _, its = choice.partition(":")
    try:
        if kind == "track":
            judge(user, play, Verification.Verdict.CONFIRM, track=its)
        elif kind in ("link", "paste"):
            judge(user, play, Verification.Verdict.CONFIRM, link=its if kind == "link" else link)
        elif kind == "skip":
            judge(user, play, Verification.Verdict.SKIP)
        elif kind == "undo":
            judge(user, play, "withdraw")
            where = stay
        elif kind == "no":
            where = stay | {"no": [*refused, its]}
            if its.startswith("track:"):
                judge(user, play, Verification.Verdict.REJECT, track=its.removeprefix("track:"))
        elif kind != "later":
            raise Problem(gettext("Choose one of the buttons."), "invalid", 400)
    except Problem as problem:
        if problem.status in (401, 403):
            raise
        return _show(request, user, session, stay, problem, link)
    if _is_script(request):
        return _show(request, user, session, where)
    return redirect(f"{reverse('tracks:verify_set', args=[session.code])}?{urlencode(where, doseq=True)}")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text[:36])
    except ValueError:
        return None


# --- Show --------------------------------------------------------------------------------------------------
def _show(
    request: HttpRequest, user: User, session: Session, asked: Any, problem: Problem | None = None, link: str = ""
) -> HttpResponse:
    questions = questions_of(session)
    still = sum(question.is_open for question in questions)
    page: dict[str, Any] = {
        "session": session,
        "count": len(questions),
        "open": still,
        "done": len(questions) - still,
        "undo": _last_word(user, session),
        "problem": problem,
        "link": link,
        "here": reverse("tracks:verify_set", args=[session.code]),
    }
    question = _chosen(questions, asked)
    if question is None or asked.get("all"):
        page["list"] = Paginator(sorted(questions, key=lambda its: its.play.played_at), A_PAGE).get_page(
            asked.get("page")
        )
    else:
        page |= _offered(user, question, asked)
    template = "tracks/_question.html" if _is_script(request) else "tracks/verify.html"
    return render(request, template, page, status=problem.status if problem else 200)


def _chosen(questions: list[Question], asked: Any) -> Question | None:
    """The question that is asked for by any of its plays; else the next open one."""
    by_play = {str(uuid): question for question in questions for uuid in question.plays}
    wanted = asked.get("play", "")
    if wanted:
        if its := by_play.get(wanted):
            return its
        raise Problem(gettext("This song is not in a set of yours."), "play_not_found", 404, field="play")
    after = by_play.get(asked.get("after", ""))
    return next_of(questions, after.place if after else -1)


def _offered(user: User, question: Question, asked: Any) -> dict[str, Any]:
    refused = [*(asked.getlist("no") if hasattr(asked, "getlist") else asked.get("no", []))][-MOST_REFUSED:]
    refused += [f"track:{its}" for its in refused_of(question.word)]
    conflict = suggestions.conflict_of(question.play) if question.is_open else []
    offers = suggestions.suggest(question.play, refused, conflict)
    can_search = any(can(user) for can in suggestions.can_search)
    unasked = None
    if asked.get("more") and can_search:
        try:
            offers += suggestions.search_elsewhere(user, question.play, offers, refused)
        except Problem as problem:  # it would be nice to have, and no more
            unasked = problem
    return {
        "question": question,
        "refused": list(dict.fromkeys(refused)),
        "conflict": conflict,
        "offers": offers,
        "more": can_search and not asked.get("more"),
        "unasked": unasked,
        "would_add": [told for say in suggestions.would_add if (told := say(user))],
        "search": urlencode({"q": f"{question.play.artist} {question.play.title}".strip()})[2:].replace("+", "%20"),
    }


def _last_word(user: User, session: Session) -> Verification | None:
    """What can be taken back: the last thing said of this set."""
    mine = Verification.objects.standing().filter(dj=user, play__session=session)
    return mine.select_related("play", "track").order_by("-said_at", "-pk").first()


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"
