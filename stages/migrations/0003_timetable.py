"""Slots get a public id."""

from django.db import migrations, models

import pika.codes


def give_codes(apps, schema_editor):
    """Each row its own: a default in the database would be the same for all."""
    for name in ("Slot", "SlotEdit"):
        rows = list(apps.get_model("stages", name).objects.filter(code=None).only("pk"))
        for row in rows:
            row.code = pika.codes.new_long_code()
        apps.get_model("stages", name).objects.bulk_update(rows, ["code"], batch_size=500)


CODE = {"max_length": 12, "unique": True, "editable": False}


class Migration(migrations.Migration):
    dependencies = [("stages", "0002_weekend")]

    operations = [
        migrations.AddField("slot", "code", models.CharField(default=None, null=True, **CODE)),
        migrations.AddField("slotedit", "code", models.CharField(default=None, null=True, **CODE)),
        migrations.RunPython(give_codes, migrations.RunPython.noop),
        migrations.AlterField("slot", "code", models.CharField(default=pika.codes.new_long_code, **CODE)),
        migrations.AlterField("slotedit", "code", models.CharField(default=pika.codes.new_long_code, **CODE)),
    ]
