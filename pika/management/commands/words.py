"""`manage.py words`: brings the .po files in step with the source, and the .mo files in step with them."""

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Find every text for people, renew pika/locale, and say what is not translated yet. See docs/words.md."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from pika import words  # polib is a tool of development

        for language in words.LANGUAGES:
            its = words.renewed(language)
            words.save(its, language)
            missing = len(its.untranslated_entries())
            self.stdout.write(f"{language}: {len(its)} texts, {missing} without translation")
