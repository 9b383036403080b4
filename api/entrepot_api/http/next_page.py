"""The `Link` header of a page: where the next one is."""

from typing import Any

from fastapi import Request, Response

NEXT_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}},
}
"""For the description of an endpoint that calls `link_next`."""


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Names the page that `cursor` leads to. A relative reference: behind a balancer we do not know by which name and
    scheme we are reached."""
    if cursor is not None:
        target = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
