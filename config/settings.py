"""Concord's settings: one file, read from the environment by ``config.env``; docs/operations.md lists each variable."""

import fcntl
import os
import secrets
import sys
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import env, static
from config.running import postgres

# Lets Django's generic classes be written with their row's type at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
# Everything that Concord writes lies under one folder: database, artifacts, secret key, logs.
HOME = env.folder("CONCORD_HOME", BASE_DIR / "var")


def _secret_key() -> str:
    """The key in ``CONCORD_SECRET_KEY``, else one made once and kept in the home, readable by its owner alone."""
    configured = env.secret("CONCORD_SECRET_KEY")
    if configured:
        return configured
    path = HOME / "secret_key"
    try:
        if path.exists() and (key := path.read_text().strip()):
            return key
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            # Of two first starts at once, the second waits for the first one's key.
            fcntl.flock(file, fcntl.LOCK_EX)
            key = file.read().strip() or secrets.token_urlsafe(50)
            file.seek(0)
            file.write(key)
    except OSError as error:
        raise ImproperlyConfigured(
            f"CONCORD_HOME: the file {path} must be one that can be read and written ({error.strerror})."
        ) from error
    return key


SECRET_KEY = _secret_key()
DEBUG = env.flag("CONCORD_DEBUG", default=False)
ALLOWED_HOSTS = env.hosts("CONCORD_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.origins("CONCORD_ORIGINS")
# Where a proxy shows Concord beside others on one host (config.wsgi).
PATH = env.path("CONCORD_PATH")
FORCE_SCRIPT_NAME = PATH or None

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
    "template_partials",
    "runs",
    "annotation",
    "rewardmodel",
    "rltrainer",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before anything reads a body.
    "console.bodies.BoundedBodies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "console.slashes.Slashes",
    "django.middleware.csrf.CsrfViewMiddleware",
    "annotation.sessions.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "console.guessing.remember_browsers",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"figures": "console.figures", "once": "annotation.views.once"},
        },
    }
]

# Postgres is the store and the broker (DESIGN: Servers).
OWN_DATABASE = env.database("DATABASE_URL")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        # On a new connection all statements of a judgement are planned anew (config.wsgi): who submits once a minute
        # would wait for that each time. One that has broken meanwhile is seen by the check.
        "CONN_MAX_AGE": 3600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {},
        **(OWN_DATABASE or postgres.connection(HOME)),
    }
}
OWN_BROKER = env.broker("CELERY_BROKER_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "annotation.sessions.AccountBackend",
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "annotation.passwords.PasswordRule"}]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# A link from an administrator for a new password, in seconds.
PASSWORD_RESET_TIMEOUT = 24 * 3600
# Proxies between the clients and the web server; X-Forwarded-For is believed for so many entries (console.visitors).
TRUSTED_PROXIES = env.integer("CONCORD_TRUSTED_PROXIES", default=0, most=10)
# Guessing is slowed by account and address together, so that no one can lock another person out, and by address
# over all accounts (console.guessing).
ADDRESS_FAILURES = env.integer("CONCORD_ADDRESS_FAILURES", default=100, least=10, most=1_000_000)
AXES_HANDLER = "console.guessing.Guesses"
AXES_CLIENT_IP_CALLABLE = "console.visitors.client_address"
AXES_LOCKOUT_CALLABLE = "console.guessing.locked_page"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
# What is closed counts nothing more: going on trying keeps nobody shut out.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False

# Mail, where a server is named (console.accounts).
MAIL = env.mail("CONCORD_EMAIL_URL")
DEFAULT_FROM_EMAIL = env.sender("CONCORD_EMAIL_FROM", needed=MAIL is not None)
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = (
    MAIL or env.Mail()
)
EMAIL_TIMEOUT = 10

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# Whether a page's modules are served as one file: who changes them wants to see them.
BUNDLED = not DEBUG and static.bundles_of(BASE_DIR).is_dir()
# Addresses change with what stands there: browsers keep it for good, and never mix scripts of two releases.
STATIC_URL = f"{PATH}/static/{static.address(BASE_DIR, bundled=BUNDLED)}/"
WHITENOISE_IMMUTABLE_FILE_TEST = "(?!)" if DEBUG else ".*"  # who changes them sees it without a new start
# WhiteNoise serves what the finders find: nothing is collected.
STATICFILES_DIRS = static.folders(BASE_DIR, bundled=BUNDLED)
INLINED_SCRIPTS = static.inlined(BASE_DIR, bundled=BUNDLED)
STATICFILES_FINDERS = ["config.finding.Finder", "django.contrib.staticfiles.finders.AppDirectoriesFinder"]
WHITENOISE_USE_FINDERS = True

# Artifacts are named by digest. A fleet shares the home by mounting it.
RUNS_DIR = HOME / "runs"
# The socket of the process that forks runs' children (runs.folder.forking); without one each starts from nothing.
FORKS = env.forks("CONCORD_FORKS", HOME / "forks")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "files"},
    },
    "artifacts": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "artifacts"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# No inline script or style anywhere, the admin included (DESIGN: Screens).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
HTTPS = env.flag("CONCORD_HTTPS", default=False)
SESSION_ENGINE = "annotation.sessions"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PATH}/"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotation.api.parsing.StrictParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["annotation.api.rate.CallerThrottle"],
    "DEFAULT_PAGINATION_CLASS": "annotation.api.paging.Pages",
    "DEFAULT_FILTER_BACKENDS": ["console.api.filters.FiltersOfData"],
    "DEFAULT_SCHEMA_CLASS": "console.api.schema.Operation",
    "EXCEPTION_HANDLER": "console.api.errors.handle",
    # There is one renderer: ?format= would be a way to ask for another.
    "URL_FORMAT_OVERRIDE": None,
    # The schema says what an operation takes; there are no OPTIONS that would say it in another way.
    "DEFAULT_METADATA_CLASS": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Concord",
    "DESCRIPTION": "People's rankings become an aligned language model. How to call it: docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "runs.models.Run.Status",
        "RunQueue": "runs.models.Run.Queue",
        "AssignmentStatus": "annotation.models.Assignment.Status",
        "Kind": "annotation.models.Transfer.Kind",
        "Split": "annotation.models.prompt.Split",
        "Form": "annotation.models.Prompt.Form",
        "Verdict": "annotation.models.Ranking.Verdict",
        "Confidence": "annotation.models.Ranking.Confidence",
        "Standing": "annotation.models.Annotator.Standing",
        "MemberRole": "annotation.models.Membership.Role",
        "Purpose": "annotation.models.Task.Purpose",
        "TaskKind": "annotation.models.Task.Kind",
        "ReviewState": "annotation.models.Demonstration.Review",
        "DeliveryStatus": "annotation.models.Delivery.Status",
        "WebhookEvent": "annotation.models.Webhook.Event",
        "FlagCategory": "annotation.models.Flag.Category",
        "Algorithm": "rltrainer.models.Training.Algorithm",
        "MessageRole": ["system", "user", "assistant"],
        "ProjectRole": ["annotator", "researcher", "administrator"],
        "SlotState": "annotation.api.tasks.STATES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "console.api.schema.with_errors",
        "console.api.schema.closed",
        "console.api.meanings.explained",
    ],
}
# Requests a minute that one token, or one account in a browser, may send to the API.
API_RATE = env.integer("CONCORD_API_RATE", default=600, least=1, most=1_000_000)

# Whether webhooks may lead into private networks, and without TLS.
WEBHOOKS_PRIVATE = env.flag("CONCORD_WEBHOOKS_PRIVATE", default=False)

# Limits of what comes in (DESIGN: JSONL), in bytes; Postgres keeps less than a gigabyte in a field.
MOST_BYTES = 500_000_000
MAX_TEXT_BYTES = env.integer("CONCORD_MAX_TEXT_BYTES", default=1_000_000, least=1, most=MOST_BYTES)
MAX_LINE_BYTES = env.integer("CONCORD_MAX_LINE_BYTES", default=10_000_000, least=1, most=MOST_BYTES)
MAX_UPLOAD_BYTES = env.integer("CONCORD_MAX_UPLOAD_BYTES", default=2_147_483_648, least=1, most=2**50)

# Runs (runs/execution.py says how these meet).
RUN_HEARTBEAT_SECONDS = 2.0
RUN_STALE_SECONDS = float(env.integer("CONCORD_RUN_STALE_SECONDS", default=30, least=4, most=86_400))
RUN_ATTEMPTS = 3
RUN_STOP_SECONDS = 10.0
# Models that the resident scorer keeps in memory, reward models and policies together.
SCORER_MODELS = env.integer("CONCORD_SCORER_MODELS", default=4, least=1, most=100)
# How long and how many folders of ended runs are kept (runs/cleaning.py).
KEEP_RUN_DAYS = env.integer("CONCORD_KEEP_RUN_DAYS", default=30, most=36_500)
KEEP_RUNS = env.integer("CONCORD_KEEP_RUNS", default=200, most=10**9)
SWEEP_SECONDS = float(env.integer("CONCORD_SWEEP_SECONDS", default=10, least=1, most=86_400))
# "auto" sends a run that wants a GPU to the gpu queue; with one machine both queues end at one worker.
DEFAULT_BASE = env.policy("CONCORD_POLICY")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    # A refusal is an answer, not a fault of the server: its line says who was refused what, without a traceback.
    "filters": {"refusals": {"()": "config.logs.WithoutTraceback"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"concord": {"level": "INFO"}, "axes": {"level": "ERROR"}},
}
