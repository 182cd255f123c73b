"""Why a session ended: its stage was closed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stages", "0004_announcements")]

    operations = [
        migrations.AlterField(
            "session",
            "ended_why",
            models.CharField(
                blank=True,
                choices=[
                    ("dj", "The DJ ended it"),
                    ("stale", "Nothing was heard for hours"),
                    ("closed", "Its stage was closed"),
                ],
                max_length=10,
            ),
        ),
    ]
