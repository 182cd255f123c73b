"""The identities of plays as `pika.titles` reads names now."""

from django.db import migrations

from pika.titles import identity

CHUNK = 2000


def renew(apps, schema_editor):
    play_model = apps.get_model("stages", "Play")
    changed = []
    for play in play_model.objects.only("artist", "title", "remix", "identity").order_by("pk").iterator(CHUNK):
        name = identity(play.artist, play.title, play.remix)
        if name != play.identity:
            play.identity = name
            changed.append(play)
        if len(changed) == CHUNK:
            play_model.objects.bulk_update(changed, ["identity"])
            changed = []
    play_model.objects.bulk_update(changed, ["identity"])


class Migration(migrations.Migration):
    dependencies = [
        ("tracks", "0003_repository"),
    ]

    operations = [
        migrations.RunPython(renew, migrations.RunPython.noop, elidable=True),
    ]
