from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("stages", "0003_timetable"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="announcement",
            index=models.Index(fields=["ends_at"], name="announcements_by_end"),
        ),
    ]
