"""Users, and the tokens they call the API with."""

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group, PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Value
from django.db.models.functions import Concat, Upper
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from api.keys import KeyField
from api.problems import Invalid, answers_constraint
from prepared.queries import prepared

from .names import USERNAME, email_key, normalise_email, username_key, validate_username

LIVE_TOKENS = 10


class UserManager(BaseUserManager["User"]):
    """Makes users; looks them up ignoring case."""

    def create_user(self, username: str, email: str = "", password: str | None = None, **extra: Any) -> "User":
        """Create a user; without a password nobody can log in as them.

        Raise ValidationError for names that break the rules, IntegrityError for ones that are taken.
        """
        validate_username(username)
        user = self.model(username=username, email=normalise_email(email) if email else "", **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str = "", password: str | None = None, **extra: Any) -> "User":
        """Create a user who may do everything."""
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **extra)

    def create_service_account(self, name: str) -> "User":
        """Create an account for another backend: it has no password and lives by its token."""
        return self.create_user(name, is_service=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user of this name, whatever its case."""
        return self.get(username_key=username_key(username or ""))

    def find_email(self, email: str) -> "User | None":
        """Return the user with this address, whatever its case."""
        return self.filter(email_key=email_key(email)).first()


class User(AbstractBaseUser, PermissionsMixin):
    """A customer, a member of staff, or a service account."""

    username = models.CharField(_("username"), max_length=32, unique=True, validators=[validate_username])
    username_key = KeyField(max_length=32, source="username", fold=username_key)
    email = models.EmailField(_("e-mail address"), blank=True)
    email_key = KeyField(max_length=320, source="email", fold=email_key)
    password = models.CharField(_("password"), max_length=128, db_column="password_hash")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    is_service = models.BooleanField(_("service account"), default=False)
    created_at = models.DateTimeField(_("registered"), default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = [
            models.Index(fields=["created_at", "id"], name="user_created"),
            models.Index(fields=["id"], condition=Q(is_staff=True), name="user_staff"),
            models.Index(fields=["id"], condition=Q(is_service=True), name="user_service"),
            models.Index(fields=["id"], condition=Q(is_active=False), name="user_inactive"),
            GinIndex(
                OpClass(F("username_key"), name="gin_trgm_ops"),
                OpClass(F("email_key"), name="gin_trgm_ops"),
                OpClass(Upper("email"), name="gin_trgm_ops"),
                name="user_search",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["username_key"], name="user_username_unique"),
            models.UniqueConstraint(fields=["email_key"], name="user_email_unique"),
            models.CheckConstraint(condition=Q(username__regex=USERNAME), name="user_username_plain"),
            models.CheckConstraint(condition=Q(username_key__isnull=False), name="user_has_username_key"),
            models.CheckConstraint(condition=Q(email="") ^ Q(email_key__isnull=False), name="user_email_has_key"),
            models.CheckConstraint(
                condition=Q(is_service=False) | Q(password__startswith="!"),  # noqa: S106  (what Django marks an unusable one with)
                name="user_service_without_password",
            ),
        ]

    @cached_property
    def rights(self) -> frozenset[str]:
        """The rights given to them and to their groups, as `app.codename`, read once; of a superuser nobody asks."""
        return frozenset(rights_of(pk=self.pk))

    def clean(self) -> None:
        """Normalise the address, for forms."""
        self.email = normalise_email(self.email) if self.email else ""

    def change_email(self, email: str) -> None:
        """Take another address; it is normalised. IntegrityError where somebody has it."""
        self.email = normalise_email(email)
        self.save(update_fields=["email", "email_key"])

    def change_password(self, password: str, *, keep: "Token | None" = None) -> None:
        """Take another password; every token but `keep` ends in the same transaction."""
        with transaction.atomic():
            self.set_password(password)
            self.save(update_fields=["password"])
            tokens = self.tokens.all()
            (tokens.exclude(pk=keep.pk) if keep else tokens).delete()


def labels(through: Any) -> Any:
    """Return the rows of a table that gives rights, as `app.codename`."""
    label = Concat("permission__content_type__app_label", Value("."), "permission__codename")
    return through.annotate(label=label).values_list("label", flat=True)


def given_rights(user_id: Any) -> tuple[Any, Any]:
    """Return two queries: the rights given to the user, and to the groups that they are in."""
    own = User.user_permissions.through.objects.filter(user_id=user_id)
    groups = Group.permissions.through.objects.filter(group__user=user_id)
    return labels(own), labels(groups)


@prepared
def rights_of(pk: Any) -> Any:
    """Return the rights of a user, their own and their groups', each once."""
    own, groups = given_rights(pk)
    return own.union(groups)


@prepared
def holders(digest: Any, now: Any) -> Any:
    """Return the live token of this digest with its active user, and with their rights: all of it one look-up."""
    own, groups = (ArraySubquery(rights) for rights in given_rights(OuterRef("user_id")))
    tokens = Token.objects.live(now).select_related("user").filter(pk=digest, user__is_active=True)
    return tokens.annotate(own_rights=own, group_rights=groups)


@answers_constraint("accounts_user_username_key")
@answers_constraint("user_username_unique")
class UsernameTaken(Invalid):
    """Somebody has this username, in whatever case."""

    def __init__(self) -> None:
        super().__init__("username", _("This username is taken."), "taken")


@answers_constraint("user_email_unique")
class EmailTaken(Invalid):
    """Somebody has this e-mail address, in whatever case."""

    def __init__(self) -> None:
        super().__init__("email", _("This e-mail address is taken."), "taken")


class PasswordChanged(Exception):
    """The password is another one than when it was checked."""


class TokenQuerySet(models.QuerySet["Token"]):
    """Tokens by their life."""

    def expired(self, now: dt.datetime) -> "TokenQuerySet":
        """Return those that stopped working."""
        return self.filter(expires_at__lte=now)

    def live(self, now: dt.datetime) -> "TokenQuerySet":
        """Return those that work."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


class Token(models.Model):
    """The right to call the API as a user. Only the digest is kept, and it is the key: one indexed look-up."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("user"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, db_index=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return f"{self.digest[:8]}…"

    @staticmethod
    def digest_of(secret: str) -> str:
        """Return the digest under which a token is kept."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def presented(cls, secret: str, now: dt.datetime) -> "Token | None":
        """Return the live token that has this secret, with its active user; None where there is none."""
        if token := holders.first(digest=cls.digest_of(secret), now=now):
            token.user.rights = frozenset(token.own_rights + token.group_rights)
        return token

    @classmethod
    def issue(cls, user: User, *, expires: bool = True) -> tuple["Token", str]:
        """Give the user a new token of 256 bits; return it with its secret, which is kept nowhere.

        An eleventh ends the oldest. The user's row is locked, so that two logins at once cannot leave twelve. Raise
        PasswordChanged where `user` was read, and the password checked, before it was changed.
        """
        secret, now = secrets.token_urlsafe(32), timezone.now()
        expires_at = now + dt.timedelta(hours=settings.TOKEN_TTL_HOURS) if expires else None
        with transaction.atomic():
            if User.objects.select_for_update(no_key=True).get(pk=user.pk).password != user.password:
                raise PasswordChanged
            token = cls.objects.create(digest=cls.digest_of(secret), user=user, created_at=now, expires_at=expires_at)
            newest = user.tokens.live(now).order_by("-created_at").values("pk")[:LIVE_TOKENS]
            user.tokens.exclude(pk__in=newest).delete()
        return token, secret
