"""Structured logs: plain lines for a person, JSON for a machine."""

import logging
import logging.config
from typing import Any

import structlog


def without_address(logger: Any, name: str, event: Any) -> Any:
    """django-structlog notes where a request comes from; we keep that of nobody, nor whatever a proxy claims."""
    event.pop("ip", None)
    return event


def configure(config: dict[str, str]) -> None:
    """Called by Django with `settings.LOGGING`; `format` is plain or json."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        without_address,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last = (
        structlog.processors.JSONRenderer()
        if config["format"] == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    if config["format"] != "json":
        shared.remove(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "out": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processor": last,
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "out"}},
            "root": {"handlers": ["out"], "level": config["level"]},
            "loggers": {
                # One line a request is ours (django-structlog), not also uvicorn's.
                "uvicorn.access": {"level": "WARNING"},
                "uvicorn.error": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django_structlog": {"level": "WARNING"},
                "celery": {"level": "WARNING"},
                "kombu": {"level": "ERROR"},
            },
        }
    )
