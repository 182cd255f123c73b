"""The forms of allauth that need something of ours: login, sign-up, and setting up a second factor."""

from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.utils import setup_user_email
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.activity import note
from accounts.adapter import keep_password
from accounts.models import User


class LogInForm(LoginForm):
    """Without allauth's link below the password: the page has it among the other ways."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""


class SignUpForm(SignupForm):
    """Sign up once, however often the button is pressed.

    The account opens with nothing before the address is confirmed, and then with the password of the session in which
    the code was typed: a stranger who signs up with somebody else's address has no say in it.
    """

    account_already_exists: bool

    def save(self, request: HttpRequest) -> User:
        user = User(email=self.cleaned_data["email"], password=make_password(None))
        with transaction.atomic():
            user.save()
            setup_user_email(request, user, [EmailAddress(email=user.email)])
            note(user, "create_account")
        return user

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """One hash, whoever has the address: how long it takes tells nothing."""
        hashed = make_password(self.cleaned_data["password1"])
        user = None
        if not self.account_already_exists:
            try:
                user = self.save(request)
            except IntegrityError:  # the same sign-up came twice, and the other one was first
                self.account_already_exists = True
        user = user or self._signed_up_before()
        if user is None:
            return super().try_save(request)
        keep_password(request, user, hashed)
        return user, None

    def _signed_up_before(self) -> User | None:
        """Whoever signed up with this address, if nobody has confirmed it yet."""
        user = User.objects.filter(email=self.cleaned_data["email"], is_active=True, last_login=None).first()
        is_confirmed = EmailAddress.objects.filter(user=user, verified=True).exists()
        return None if is_confirmed else user


class AppForm(ActivateTOTPForm):
    """A code of the app was typed: this session has shown its second factor."""

    def clean_code(self) -> str:
        code = super().clean_code()
        record_authentication(context.request, self.user, "mfa", type=Authenticator.Type.TOTP.value)
        return str(code)


class PasskeyForm(AddWebAuthnForm):
    """The passkey was there: this session has shown its second factor."""

    name = forms.CharField(required=False, max_length=60)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("credential"):
            record_authentication(context.request, self.user, "mfa", type=Authenticator.Type.WEBAUTHN.value)
        return cleaned
