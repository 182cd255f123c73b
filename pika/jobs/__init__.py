"""Durable work. `enqueue` inside your transaction; Celery is the doorbell, this table is the truth."""
