"""My data: a copy of all of it, and the end of the account."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts import deletion, export, personal
from accounts.access import signed_in
from pika.errors import Problem


@never_cache
@login_required
def export_data(request: HttpRequest) -> HttpResponse:
    """What is in it; POST hands it out."""
    user = signed_in(request)
    page = {"sections": personal.sections, "most": export.MOST_AN_HOUR}
    if request.method != "POST":
        return render(request, "accounts/export.html", page)
    try:
        packed = export.export_data(user)
    except Problem as problem:
        answer = render(request, "accounts/export.html", page | {"problem": problem}, status=problem.status)
        answer["Retry-After"] = str(problem.retry_after)
        return answer
    with packed:
        answer = HttpResponse(packed.read(), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="pika-{timezone.now():%Y-%m-%d}.zip"'
    return answer


@never_cache
@login_required
@reauthentication_required(allow_get=True)
def delete_account(request: HttpRequest) -> HttpResponse:
    """What goes, what stays, what stands against it; POST does it, after the password or a login a moment ago."""
    user = signed_in(request)
    if request.method != "POST":
        return render(request, "accounts/delete.html", {"reasons": deletion.why_not(user)})
    try:
        deletion.delete_account(user)
    except Problem:
        return render(request, "accounts/delete.html", {"reasons": deletion.why_not(user)}, status=409)
    logout(request)
    messages.success(request, _("Your account is deleted. Thank you for dancing with us."))
    return redirect("stages:welcome")
