from django.db import migrations

from journal.triggers import attach, attach_right

USERS = attach(
    "accounts_user",
    "user",
    user="id",
    hidden=["last_login", "username_key", "email_key"],
    secret=["password_hash", "email"],
)
GROUPS = attach("auth_group", "group")
GROUPS_OF_USERS = attach_right("accounts_user_groups", "user", "user_id", right="group", right_column="group_id")
RIGHTS_OF_USERS = attach_right(
    "accounts_user_user_permissions", "user", "user_id", right="permission", right_column="permission_id"
)
RIGHTS_OF_GROUPS = attach_right(
    "auth_group_permissions", "group", "group_id", right="permission", right_column="permission_id"
)


class Migration(migrations.Migration):
    """Users, groups and the rights of both are recorded; of passwords and addresses only that they changed."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("journal", "0002_record"),
    ]
    operations = [
        migrations.RunSQL(*USERS),
        migrations.RunSQL(*GROUPS),
        migrations.RunSQL(*GROUPS_OF_USERS),
        migrations.RunSQL(*RIGHTS_OF_USERS),
        migrations.RunSQL(*RIGHTS_OF_GROUPS),
    ]
