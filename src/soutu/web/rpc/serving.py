"""Run the gRPC service beside the HTTP server: the same library, the same token."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from soutu.errors import InputError, MissingExtra
from soutu.web.guard import same_token

try:
    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection

    from soutu.web.rpc import soutu_pb2, soutu_pb2_grpc
    from soutu.web.rpc.service import Soutu
except ImportError as missing:
    raise MissingExtra(need="gRPC", extra="grpc") from missing

if TYPE_CHECKING:
    from soutu.web.server import Server

_THREADS = 16
_OPEN = ("/grpc.health.",)  # what answers without a token


class Rpc:
    """A running gRPC server."""

    def __init__(self, server: grpc.Server, port: int, healthy: health.HealthServicer) -> None:
        self._server, self.port, self._healthy = server, port, healthy

    def stop(self, grace: float = 10.0) -> None:
        """Refuse new calls, and give those under way some seconds to end."""
        self._healthy.enter_graceful_shutdown()
        self._server.stop(grace).wait()


def start_grpc(server: Server, host: str, port: int) -> Rpc:
    """Serve a library over gRPC on a port, 0 for any free one. Raises InputError for a taken one.

    Health checks and reflection are those of grpc.io's own packages. With a token, calls carry it
    as the metadata `authorization: Bearer TOKEN`.
    """
    settings = server.settings
    made = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="soutu-grpc"),
        interceptors=[] if settings.token is None else [_Doorkeeper(settings.token)],
        options=[
            ("grpc.max_receive_message_length", settings.max_upload_bytes),
            ("grpc.so_reuseport", 0),
        ],
    )
    soutu_pb2_grpc.add_SoutuServicer_to_server(Soutu(server), made)
    healthy = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, made)
    name = soutu_pb2.DESCRIPTOR.services_by_name["Soutu"].full_name
    for each in ("", name):
        healthy.set(each, health_pb2.HealthCheckResponse.SERVING)
    names = (name, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, made)
    try:
        bound = made.add_insecure_port(f"{_bracketed(host)}:{port}")
    except RuntimeError as error:
        msg = f"the port {port} for gRPC on {host} cannot be used: {error}. Choose another one"
        raise InputError(msg) from error
    made.start()
    return Rpc(made, bound, healthy)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


class _Doorkeeper(grpc.ServerInterceptor):
    """Let calls in that carry the token."""

    def __init__(self, token: str) -> None:
        self._token = token

        def refuse(_request: Any, context: grpc.ServicerContext) -> None:
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "a token is needed: send the metadata authorization: Bearer TOKEN",
            )

        self._refuse = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Check one call."""
        sent = dict(handler_call_details.invocation_metadata).get("authorization", "")
        scheme, _, given = str(sent).partition(" ")
        admitted = scheme.lower() == "bearer" and same_token(given.strip(), self._token)
        if admitted or handler_call_details.method.startswith(_OPEN):
            return continuation(handler_call_details)
        return self._refuse
