"""A product that makes a rebuild hard: small numbers for ids, sessions with CSRF tokens, versions, upload sessions,
lists in an order of their own, and refusals that pass. `python -m tests.support.awkward_product FIRST_ID` serves it.
"""

import secrets
import sys
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server


def product(first_id: int) -> Flask:
    """An empty one, whose ids begin at `first_id`."""
    app = Flask(__name__)
    sessions: dict[str, str] = {}
    orders: dict[int, dict[str, Any]] = {}
    lines: dict[int, dict[str, Any]] = {}
    uploads: dict[str, bytearray] = {}
    files: dict[str, bytes] = {}
    asked: dict[str, int] = {}
    numbers = iter(range(first_id, 10**9))

    @app.before_request
    def logged_in() -> Any:
        if request.path in ("/login", "/everything"):
            return None
        token = sessions.get(request.cookies.get("sid", ""))
        if token is None:
            return "no session", 401
        if request.method != "GET" and request.headers.get("X-CSRF-Token") != token:
            return "no token", 403
        return None

    @app.get("/login")
    def form() -> Any:
        sid, token = secrets.token_urlsafe(24), secrets.token_hex(16)
        sessions[sid] = token
        page = f'<html><form><input type="hidden" name="csrf_token" value="{token}"></form></html>'
        answer = Response(page, mimetype="text/html")
        answer.set_cookie("sid", sid)
        return answer

    @app.post("/login")
    def login() -> Any:
        sid = request.cookies.get("sid", "")
        if sessions.get(sid) != request.form.get("csrf_token") or request.form.get("user") != "ann":
            return "no", 403
        fresh, token = secrets.token_urlsafe(24), secrets.token_hex(16)
        del sessions[sid]
        sessions[fresh] = token
        answer = redirect("/", 303)
        answer.set_cookie("sid", fresh)
        answer.headers["X-CSRF-Token"] = token
        return answer

    @app.post("/orders")
    def create() -> Any:
        number = next(numbers)
        orders[number] = {"id": number, "version": 1, **(request.get_json() or {})}
        return "", 204  # who wants to know the id has to list

    @app.get("/orders")
    def listed() -> Any:
        # In an order that is not that of their making.
        found = sorted(orders.values(), key=lambda one: str(one["name"])[::-1], reverse=first_id % 2 == 0)
        return jsonify(items=found, total=len(found), took_ms=secrets.randbelow(1000))

    @app.put("/orders/<int:number>")
    def change(number: int) -> Any:
        order = orders[number]
        tag = f'"{number}-{order["version"]}"'
        if request.headers.get("If-Match", tag) != tag:
            return "stale", 412
        orders[number] = {"id": number, "version": order["version"] + 1, **(request.get_json() or {})}
        return jsonify(orders[number]), 200, {"ETag": f'"{number}-{order["version"] + 1}"'}

    @app.post("/orders/<int:number>/lines")
    def add_line(number: int) -> Any:
        busy = asked.setdefault(request.get_data(as_text=True), 0)
        asked[request.get_data(as_text=True)] = busy + 1
        if first_id > 1 and not busy:
            return "later", 429, {"Retry-After": "0"}
        line = next(numbers)
        lines[line] = {"id": line, "order_id": number, **(request.get_json() or {})}
        return jsonify(lines[line]), 201, {"Location": f"/lines/{line}"}

    @app.post("/uploads")
    def begin() -> Any:
        token = secrets.token_urlsafe(18)
        uploads[token] = bytearray()
        return "", 201, {"Location": f"{request.host_url}uploads/{token}?part=1&sig={secrets.token_hex(8)}"}

    @app.patch("/uploads/<token>")
    def chunk(token: str) -> Any:
        uploads[token] += request.get_data()
        return "", 204

    @app.post("/uploads/<token>/finish")
    def finish(token: str) -> Any:
        files[request.get_json()["name"]] = bytes(uploads.pop(token))
        return jsonify(file=request.get_json()["name"])

    @app.get("/everything")
    def everything() -> Any:
        """What it holds, without what only it can know: for tests, past the proxy."""
        names = {number: order["name"] for number, order in orders.items()}
        return jsonify(
            orders=sorted(
                ({**order, "id": 0, "parent_id": names.get(order.get("parent_id"))} for order in orders.values()),
                key=lambda order: str(order["name"]),
            ),
            lines=sorted([names[line["order_id"]], line["what"], line["amount"]] for line in lines.values()),
            files={name: len(content) for name, content in files.items()},
        )

    return app


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, product(int(sys.argv[1])), threaded=True)
    print(f"listening http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()
