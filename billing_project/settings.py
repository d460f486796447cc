"""Settings of the whole program: every choice that differs between machines comes from the environment.

`ENV_FILES` names the files that may add to the environment (they never replace it): `.env`, and the one that a
running `make run` keeps so that `manage.py` works beside it.
"""

import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
for name in os.environ.get("ENV_FILES", ".env,.local/run.env").split(","):
    if name and (BASE_DIR / name).is_file():
        env.read_env(BASE_DIR / name)


def rate(name: str, default: str) -> tuple[int, int]:
    """Read a limit written as COUNT/SECONDS."""
    value = env.str(name, default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}/[1-9][0-9]{0,8}", value, re.ASCII):
        raise ImproperlyConfigured(f"{name} must be COUNT/SECONDS, such as {default}; it is {value!r}.")
    count, seconds = value.split("/")
    return int(count), int(seconds)


# --- Security

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
if not DEBUG and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5 or SECRET_KEY.startswith("django-insecure-")):
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or weak. Set it in the environment or in .env to at least 50 random characters, for "
        'example: python3 -c "import secrets; print(secrets.token_urlsafe(64))". For a trial use: make run.'
    )
SECRET_KEY = SECRET_KEY or "only-for-development-and-never-for-anything-else-" + "0123456789"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
PUBLIC_URL = env.str("PUBLIC_URL", "").rstrip("/")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_AGE = 12 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- The house

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "accounts.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "api",
    "operations",
    "journal",
    "accounts",
    "subscriptions",
    "payments",
    "doctor",
    "billing_project",
]
MIDDLEWARE = [
    "api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "api.page_middleware.PageStaticFilesMiddleware",
    "api.middleware.EitherSlashMiddleware",
    "api.page_middleware.PageSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "api.middleware.ProblemsOnlyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "api.middleware.CleanInputMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "api.page_middleware.PageAuthenticationMiddleware",
    "api.page_middleware.PageMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "billing_project.urls"
WSGI_APPLICATION = "billing_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# What migrations made is restored between tests; nobody writes into the journal, tests included.
TEST_NON_SERIALIZED_APPS = ["journal"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# A bulk confirmation of 1,000 payments has a field for each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000

# --- PostgreSQL: READ COMMITTED with row locks; nothing waits or idles for ever

DATABASES = {"default": env.db("DATABASE_URL", default="postgresql://postgres@127.0.0.1:5432/billing")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must point to PostgreSQL: postgresql://USER:PASSWORD@HOST:PORT/NAME.")
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Values travel apart from the SQL, and what a session runs for the third time is planned no more.
DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
    "connect_timeout": 5,
    "server_side_binding": True,
    "prepare_threshold": 2 if env.bool("DATABASE_PREPARE", True) else None,
}
if env.bool("DATABASE_POOL", False):
    DATABASES["default"]["OPTIONS"] |= {
        "options": "-c lock_timeout=5s -c statement_timeout=20s -c idle_in_transaction_session_timeout=20s",
        "pool": {"min_size": 1, "max_size": 8, "timeout": 5, "max_lifetime": 1800},
    }

# --- People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RightsBackend"]
LOGIN_URL = reverse_lazy("admin:login")
PASSWORD_HASHERS = ["accounts.hashers.BoundedArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.validators.WrittenPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 3600
TOKEN_TTL_HOURS = env.int("TOKEN_TTL_HOURS", 336)
RATE_LIMITS = env.bool("RATE_LIMITS", True)
RATES = {
    "login_address": rate("RATE_LOGIN_PER_ADDRESS", "10/60"),
    "login_name": rate("RATE_LOGIN_PER_NAME", "5/900"),
    "register": rate("RATE_REGISTER", "20/3600"),
    "reset": rate("RATE_RESET", "5/3600"),
}

# --- Money and time

BILLING_TIME_ZONE = env.str("BILLING_TIME_ZONE", "UTC")
try:
    ZoneInfo(BILLING_TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError):
    raise ImproperlyConfigured(f"BILLING_TIME_ZONE is not a time zone: {BILLING_TIME_ZONE!r}.") from None
PAYMENT_EXPIRES_DAYS = env.int("PAYMENT_EXPIRES_DAYS", 14)
IDEMPOTENCY_KEY_HOURS = env.int("IDEMPOTENCY_KEY_HOURS", 48)
if IDEMPOTENCY_KEY_HOURS < 24:
    raise ImproperlyConfigured("IDEMPOTENCY_KEY_HOURS must be at least 24: for so long callers may rely on a repeat.")
PAYEE = {
    "name": env.str("PAYEE_NAME", ""),
    "account": env.str("PAYEE_ACCOUNT", ""),
    "bic": env.str("PAYEE_BIC", ""),
    "bank": env.str("PAYEE_BANK", ""),
    "note": env.str("PAYEE_NOTE", ""),
}

# --- Mail

vars().update(env.email("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "billing@localhost")

# --- Languages, static files, logs

USE_TZ = True
TIME_ZONE = BILLING_TIME_ZONE
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / ".local" / "static")()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "api.logs.RequestIdFilter"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {request_id} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},
    },
}

# --- The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.wire.JSONNegotiation",
    "DEFAULT_PARSER_CLASSES": ["api.wire.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.wire.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "api.handlers.exception_handler",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Subscription billing",
    "DESCRIPTION": "Register, subscribe to a plan, pay, and the subscription runs. docs/api.md walks through it.\n\n"
    "Every error is a `Problem` (RFC 9457), and every answer has an `X-Request-Id`. Types are strict: an unknown field "
    "or parameter, or a number in quotes, is 400. A trailing slash more or less is the same route.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "The server that this document came from"}],
    "TAGS": [
        {"name": "auth", "description": "Who calls: registration, tokens, passwords"},
        {"name": "plans", "description": "What is sold"},
        {"name": "subscriptions", "description": "A user's contract for a plan; `has_access` decides"},
        {
            "name": "payments",
            "description": "Money asked for, that it came, and what else becomes of it",
        },
        {"name": "receipts", "description": "Money that arrived, and what of it settles nothing yet"},
        {"name": "refunds", "description": "Money given back: due, then paid"},
        {"name": "state-machines", "description": "Which step each state knows"},
        {"name": "events", "description": "The journal: what changed, when and by whom, in one order for ever"},
    ],
    "SCHEMA_PATH_PREFIX": "/api/",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_SUFFIX": "",
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "SubscriptionStatus": "subscriptions.states.Status",
        "PaymentStatus": "payments.states.Status",
        "Provider": "payments.models.Provider",
    },
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
        "slug": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
    },
    "PREPROCESSING_HOOKS": ["api.schema.in_order"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "billing_project.examples.add_examples",
    ],
}

# --- The admin

UNFOLD = {
    "SITE_TITLE": _("Billing"),
    "SITE_HEADER": _("Billing"),
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SIDEBAR": {"navigation": "billing_project.navigation.sidebar"},
}
