"""The doorbell and the sweeper."""

from celery import shared_task
from django.db import close_old_connections

from pika.jobs import actions


@shared_task(ignore_result=True)
def ring(job_id: int) -> None:
    """Do this job if it is due and free."""
    close_old_connections()
    try:
        actions.run(job_id)
    finally:
        close_old_connections()


@shared_task(ignore_result=True)
def sweep() -> None:
    """Ring for what is due: lost bells, late ones, jobs of workers that died."""
    close_old_connections()
    try:
        actions.ring_due()
    finally:
        close_old_connections()


@shared_task(ignore_result=True)
def forget() -> None:
    """Delete what was done long ago."""
    close_old_connections()
    try:
        actions.forget_done()
    finally:
        close_old_connections()
