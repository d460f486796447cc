import factory

from accounts.models import User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory):
    """A customer without a password, for hashing one takes longer than most tests; see `with_password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"user{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")

    @classmethod
    def _create(cls, model_class: type[User], *args: object, with_password: bool = False, **kwargs: object) -> User:
        return User.objects.create_user(*args, password=PASSWORD if with_password else None, **kwargs)
