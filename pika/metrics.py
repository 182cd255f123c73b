"""`/metrics` in Prometheus' text format: the floor's counters beside what the process tells of itself."""

import ipaddress
from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from pika.live.consumer import open_sockets
from pika.live.counters import counters
from pika.live.hub import hub


class FloorCollector(Collector):
    """This process's floor, as it is when somebody asks."""

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for name, value in counters.items():
            yield CounterMetricFamily(f"pika_live_{name}", f"See pika.live.counters: {name}.", value=value)
        yield GaugeMetricFamily("pika_live_sockets", "Open sockets.", value=len(open_sockets))
        yield GaugeMetricFamily("pika_live_topics", "Topics somebody listens to here.", value=len(hub.topics()))


REGISTRY.register(FloorCollector())


def show_metrics(request: HttpRequest) -> HttpResponse:
    """For the neighbours only: to an address of the open internet it does not exist."""
    if not ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "127.0.0.1").is_private:
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
