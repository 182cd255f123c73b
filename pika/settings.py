"""Every setting, from the environment; runs with nothing set (SQLite and memory below `var/`)."""

import logging
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path

import environ
from csp.constants import NONCE

from pika.setup.secrets import load_or_create

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("PIKA_DATA", default=str(BASE_DIR / "var"))).resolve()

DEBUG = env.bool("PIKA_DEBUG", default=False)
# One switch for everything that needs HTTPS in front: secure cookies, `__Host-` names, HSTS.
IS_SECURE = env.bool("PIKA_SECURE", default=False)
# The address people type, e.g. https://pika.example; empty: whatever the request says.
PUBLIC_URL = env.str("PIKA_PUBLIC_URL", default="").rstrip("/")
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")

# --- Secrets: from the environment, else made once and kept in DATA_DIR ------------------------
_secrets: dict[str, str] = {} if env.str("SECRET_KEY", default="") else load_or_create(DATA_DIR)
SECRET_KEY = env.str("SECRET_KEY", default="") or _secrets["SECRET_KEY"]
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# --- Apps ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "pika",
    "pika.jobs",
    "pika.demo",
    "accounts.apps.AccountsConfig",
    "events",
    "stages",
    "tracks",
    "playlists",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "django_structlog",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts.apps.PlatformConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
if find_spec("django_migration_linter"):  # with the tools of development
    INSTALLED_APPS.append("django_migration_linter")
    MIGRATION_LINTER_OPTIONS = {
        "include_apps": ["accounts", "events", "stages", "tracks", "playlists", "jobs"],
        # There is no old code that runs beside the first tables; nor any that makes slots while these get their codes.
        # 0002_weekend, 0004_people, 0002_notes: their columns have defaults in the database, which is not seen where
        # SQLite copies tables.
        "ignore_name": ["0001_initial", "0002_weekend", "0003_timetable", "0004_people", "0002_notes"],
    }
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "pika.nul.NoNulMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pika.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pika.pages.OwnPagesMiddleware",
    "pika.pages.ProblemMiddleware",
    "pika.pages.GuardMiddleware",
]
ROOT_URLCONF = "pika.urls"
ASGI_APPLICATION = "pika.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "pika" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "accounts.preferences.look",
            ]
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------
if DATABASE_URL:
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
    DATABASES["default"].update(CONN_MAX_AGE=0)
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("PIKA_DB_POOL", default=12),
        "timeout": 5,
    }
else:
    # IMMEDIATE: a transaction that upgrades from reading to writing cannot wait, it just fails.
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "pika.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "pika.caches.PatientRedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "pika"},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {}

# --- Durable work: pika.jobs; Celery is its doorbell ----------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300} if REDIS_URL else {"polling_interval": 0.05}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# --- Web ------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL] if PUBLIC_URL else [])
CSRF_FAILURE_VIEW = "pika.pages.stale_form"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
STATIC_URL = "/static/"
# Collected (and hashed, compressed) in the image; else served from where the files are.
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None
STATICFILES_DIRS = [BASE_DIR / "pika" / "static"]
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 90
GUEST_COOKIE = "pika_guest"
# How somebody likes it, a cookie each: see accounts.preferences.
LANGUAGE_COOKIE_NAME, THEME_COOKIE = "pika_language", "pika_theme"
if IS_SECURE:
    SECURE_SSL_REDIRECT = env.bool("PIKA_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-pika_session", "__Host-pika_csrf"
    GUEST_COOKIE = "__Host-pika_guest"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# argon2id within OWASP's figures; Django's default costs 100 MiB a login and would be a weapon.
PASSWORD_HASHERS = [
    "accounts.passwords.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "accounts.guessing.GuessingValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER, MFA_ADAPTER = "accounts.adapter.AccountAdapter", "accounts.adapter.SecondFactorAdapter"
ACCOUNT_FORMS = {"login": "accounts.entrance.LogInForm", "signup": "accounts.entrance.SignUpForm"}
# An address is confirmed by a code that is typed in where somebody signs up. Strangers learn from no answer whether it
# is in use, so it cannot be changed on that page either: that would be offered for real sign-ups only.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = ACCOUNT_LOGIN_TIMEOUT = 30 * 60
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = 3
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # a stranger's address must not get mail because somebody typed it
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
ACCOUNT_LOGOUT_ON_GET = False
# A guesser of one account may not try often. Of one address see PER_ADDRESS: allauth's own way of counting makes
# everybody in a ballroom wait for one lock.
ACCOUNT_RATE_LIMITS = {
    "signup": None,
    "login": None,
    "login_failed": "10/5m/key",
    "confirm_email": "3/30s/key,20/h/key",
    "reset_password": "3/m/key,10/h/key",
    "reset_password_from_key": None,
}
MFA_RATE_LIMITS = {"webauthn_login": None}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {"activate_totp": "accounts.entrance.AppForm", "add_webauthn": "accounts.entrance.PasskeyForm"}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_ISSUER = "Pika!"
MFA_TOTP_TOLERANCE = 1  # a phone whose clock is half a minute off
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/me/"
LOGOUT_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "/"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # a mail server that hangs must not keep a worker
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Pika! <hello@pika.invalid>")

# --- Words ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# How they call themselves. What is new to say: `manage.py words`, see docs/words.md.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("hu", "Magyar"), ("pl", "Polski")]
LOCALE_PATHS = [BASE_DIR / "pika" / "locale"]
FORMAT_MODULE_PATH = "pika.formats"
TIME_ZONE = "UTC"
USE_I18N = USE_TZ = True

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["pika.api.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "pika.openapi.ApiSchema",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "pika.api.api_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pika! API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Live music at social-dance events: what the live protocol says, over HTTP, for programs.",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- The live rules (rules of the product, section 2), in seconds unless the name says otherwise ----
LIVE_GRACE = 90
LIVE_LOST_AFTER = 35
LIVE_HEARTBEAT = 10
LIVE_IDLE_END, LIVE_IDLE_MIN_AGE, LIVE_MAX_AGE = 4 * 3600, 8 * 3600, 24 * 3600
LIVE_CLOCK_SKEW = 5
LIVE_CHANGING_WITHIN = 60 * 60
LIVE_LISTENER_STICKY = 300
LIVE_LISTENER_EVERY = 2
LIVE_POLL_EVERY, LIVE_POLL_EVERY_MOST = 1, 10
LIVE_FRAME_BYTES = 10 * 1024
LIVE_FRAMES_PER_SECOND, LIVE_FRAMES_BURST = env.int("PIKA_FRAMES_PER_SECOND", default=20), 60
# Sockets in one process: of one address, while they have not shown whose they are (a ballroom shares one address, and
# all of it may come back in the same second); of one device or DJ.
LIVE_STRANGERS_PER_ADDRESS = env.int("PIKA_STRANGERS_PER_ADDRESS", default=500)
LIVE_SOCKETS_PER_GUEST = env.int("PIKA_SOCKETS_PER_GUEST", default=20)
LIVE_HANDSHAKE_SECONDS = env.float("PIKA_HANDSHAKE_SECONDS", default=10)
LIVE_PING = env.float("PIKA_PING", default=30)
LIVE_SESSIONS_PER_DJ = env.int("PIKA_SESSIONS_PER_DJ", default=5)
LIVE_SESSIONS_MAX = 2000
LIVE_HISTORY_MESSAGES, LIVE_HISTORY_SECONDS = 100, 600
LIVE_NEGATIVE_TEMPO_SHARE = 0.15
LIKES_PER_MINUTE = BULK_LIKES_PER_MINUTE = 10  # of one device; of 100 each
# Of one address (of IPv6: one /64) in a minute, see pika.limits.guard. A ballroom of 500 signs up within one.
PER_ADDRESS = {
    "guests": 2400,
    "sign_up": 600,
    "log_in": 1200,
    "codes": 1200,  # typed in, or asked for once more
    "claims": 1200,
}
# Of one e-mail address, in 15 minutes: tries to log in from programs, codes typed in; letters that strangers cause.
LOGINS_PER_EMAIL, CODES_PER_EMAIL, LETTERS_PER_EMAIL = 20, 20, 5
REMIND_BEFORE = 10 * 60  # of a starred slot

# --- Announcements (section 5): how long each is shown by itself, and how long at most, in seconds ---
ANNOUNCEMENT_SECONDS = {"info": 3600, "important": 1800, "urgent": 900}
ANNOUNCEMENT_SECONDS_MOST = 24 * 3600
# A DJ's, to the own listeners.
DJ_ANNOUNCEMENTS_PER_MINUTE, DJ_PUSHES_PER_HOUR = 6, 6

# --- Web push: see pika.gateways.webpush ------------------------------------------------------------
VAPID_KEY = env.str("PIKA_VAPID_KEY", default="") or _secrets.get("VAPID_PRIVATE_KEY", "")
# Who answers for our pushes; without a real address there are none.
VAPID_SUB = env.str("PIKA_VAPID_SUB", default="") or (
    PUBLIC_URL if PUBLIC_URL.startswith("https://") else f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}"
)
PUSH_HOSTS = env.list(
    "PIKA_PUSH_HOSTS",
    default=[
        "fcm.googleapis.com",
        "jmt17.google.com",
        "*.push.services.mozilla.com",
        "web.push.apple.com",
        "*.notify.windows.com",
    ],
)
PUSH_TIMEOUT = env.float("PIKA_PUSH_TIMEOUT", default=10)
# For stand-ins of a push service on this machine, in tests and benchmarks; empty everywhere else.
PUSH_LOOPBACK_PORTS = env.list("PIKA_PUSH_LOOPBACK_PORTS", cast=int, default=[])
PUSH_CA_FILE = env.str("PIKA_PUSH_CA_FILE", default="")

# --- Spotify: optional everywhere, see docs/spotify.md -------------------------------------------------
# Newest first; what lies encrypted in our tables opens with any of them.
FIELD_KEYS = [
    key.strip() for key in env.list("PIKA_FIELD_KEYS", default=_secrets.get("FIELD_KEYS", "").split(",")) if key.strip()
]
SPOTIFY = env.str("PIKA_SPOTIFY", default="")  # "fake": no network, for development and the demo
SPOTIFY_CLIENT_ID = env.str("PIKA_SPOTIFY_CLIENT_ID", default="").strip()
SPOTIFY_SECRET = env.str("PIKA_SPOTIFY_CLIENT_SECRET", default="").strip()
# For a stand-in on this machine, in tests and benchmarks.
SPOTIFY_API_URL = env.str("PIKA_SPOTIFY_API_URL", default="https://api.spotify.com/v1").rstrip("/")
SPOTIFY_ACCOUNTS_URL = env.str("PIKA_SPOTIFY_ACCOUNTS_URL", default="https://accounts.spotify.com").rstrip("/")
SPOTIFY_TIMEOUT = env.float("PIKA_SPOTIFY_TIMEOUT", default=10)
SPOTIFY_BACKUPS_KEPT = 30 * 24 * 3600  # seconds

# The demo plays its songs this many times faster than they are, so that something happens.
DEMO_SPEED = env.float("PIKA_DEMO_SPEED", default=3.0)

# Passed on to uvicorn by `up` and by the image. "ordinary" is its own websocket, and slower: see pika.live.door.
PIKA_WS = env.str("PIKA_WS", default="fast")
UVICORN = {
    "http": "pika.live.door:Door",
    "ws": "pika.live.ordinary:UvicornSocket",
    "ws_max_size": LIVE_FRAME_BYTES,
    "ws_per_message_deflate": False,
    "ws_ping_interval": LIVE_PING,
    "ws_ping_timeout": LIVE_PING,
    "timeout_graceful_shutdown": 8,
    "server_header": False,
}

# --- Logs: one line an event, JSON where a machine reads them ---------------------------------------
LOG_FORMAT = env.str("PIKA_LOG", default="json" if IS_SECURE else "plain")
LOG_LEVEL = env.str("PIKA_LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "pika.logs.configure"
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
LOGGING = {"format": LOG_FORMAT, "level": LOG_LEVEL}
SILENCED_SYSTEM_CHECKS: list[str] = []
