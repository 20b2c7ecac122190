"""What a service counts of its requests, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER_METHOD = "OTHER"
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class HttpMetrics:
    """Requests and their times by method, route template and status: labels that a caller cannot multiply.

    Args:
        registry: The app's own, so that several apps in one process count apart.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route", "status"]
        self._requests = Counter("tahoe_http_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "tahoe_http_request_duration_seconds",
            "Time from the request's arrival to the end of its answer.",
            labels,
            registry=registry,
            buckets=BUCKETS_SECONDS,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        labels = (method if method in METHODS else OTHER_METHOD, route, str(status))
        self._requests.labels(*labels).inc()
        self._seconds.labels(*labels).observe(seconds)


def create_registry() -> CollectorRegistry:
    """Returns a registry that already counts the process's own memory, time and files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry
