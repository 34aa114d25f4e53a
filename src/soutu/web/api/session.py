"""The session of a browser: a cookie in the place of the token."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from soutu.web.answers import error_answer
from soutu.web.guard import COOKIE, same_token, session_of
from soutu.web.schemas import ErrorAnswer, SessionIn
from soutu.web.server import Here

router = APIRouter(prefix="/api/session", tags=["session"])

_DAYS = 30


@router.post(
    "",
    status_code=204,
    response_class=Response,
    responses={401: {"model": ErrorAnswer, "description": "That is not the token."}},
)
def log_in(server: Here, request: Request, asked: SessionIn) -> Response:
    """Give a browser that knows the token a cookie, which stands for it for 30 days."""
    token = server.settings.token
    if token is None:
        return Response(status_code=204)
    if not same_token(asked.token.strip(), token):
        return error_answer(401, "Unauthorized", "that is not this server's token")
    answer = Response(status_code=204)
    answer.set_cookie(
        COOKIE,
        session_of(token),
        max_age=_DAYS * 24 * 3600,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.delete("", status_code=204, response_class=Response)
def log_out() -> Response:
    """Take the cookie back from the browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer
