"""Serve predictions of an exported model over HTTP.

pip install 'mlstm-fcn[serve]'
python examples/serve_onnx.py motions.onnx
curl localhost:8000/health
curl localhost:8000/predict -H 'content-type: application/json' -d '{"series": [[[0.1, null, 0.3], ...]]}'

Series of one request may have different lengths, if the model reads them. What is in flight is limited: a
request above the limits gets 503, and its body is dropped as it arrives. Bodies are parsed and answered one
at a time in a thread, so that `/health` answers meanwhile.
"""

import argparse
import asyncio
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, FailFast, Field, ValidationError
from starlette.requests import ClientDisconnect

from mlstm_fcn import export

MOST_SERIES, MOST_CHANNELS, MOST_STEPS, MOST_ERRORS = 256, 2_000, 20_000, 5
MOST_BYTES, MOST_BYTES_AT_ONCE = 10_000_000, 40_000_000  # of a body; of all bodies in flight
MOST_REQUESTS, MOST_CONNECTIONS = 32, 200  # in flight; open
READ_SECONDS = 10.0  # for a body to arrive
STEPS_AT_ONCE = 50_000  # of the series of one call of the model, whose memory grows with it
PROBE_STEPS = 100  # of the series of the health check, if the model reads any length

Value = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-3e38, le=3e38)] | None  # float32's range
Steps = Annotated[list[Value], Field(max_length=MOST_STEPS), FailFast()]
Channels = Annotated[list[Steps], Field(max_length=MOST_CHANNELS), FailFast()]


class Query(BaseModel):
    """Series, each of shape (channels, steps); null is a missing value."""

    series: Annotated[list[Channels], Field(min_length=1, max_length=MOST_SERIES), FailFast()]


class Room:
    """What may be in flight at once: being read, waiting, or being answered."""

    def __init__(self):
        self.requests, self.bytes = MOST_REQUESTS, MOST_BYTES_AT_ONCE

    def is_left(self, n_bytes):
        """Whether there is room for a request."""
        return self.requests > 0 and self.bytes >= n_bytes

    @contextmanager
    def taken(self, n_bytes):
        """Take room for a request."""
        self.requests, self.bytes = self.requests - 1, self.bytes - n_bytes
        try:
            yield
        finally:
            self.requests, self.bytes = self.requests + 1, self.bytes + n_bytes


def create_app(path: Path) -> FastAPI:
    """Build the service; the model is verified and loaded once."""
    artifact = export.load(path)
    if artifact.labels is None or artifact.thresholds is not None:
        raise ValueError(f"{path} must be a classifier of one label a case.")
    app, room, in_turn = FastAPI(title=path.stem), Room(), asyncio.Semaphore(1)

    @app.exception_handler(RequestValidationError)
    async def describe_errors(request: Request, error: RequestValidationError):
        detail = [{"loc": one["loc"], "msg": one["msg"]} for one in error.errors()]  # without the input
        return JSONResponse({"detail": detail[:MOST_ERRORS]}, 422)

    @app.get("/health")
    def health():
        steps = artifact.about["length"] or PROBE_STEPS
        probe = np.zeros((1, artifact.about["channels"], steps), np.float32)
        try:
            shape = artifact.outputs(probe).shape
        except Exception as error:  # each runtime has its own types
            raise HTTPException(503, f"The model does not predict: {error}") from None
        if shape != (1, len(artifact.labels)):
            raise HTTPException(
                503, f"The model has {len(artifact.labels)} labels, and outputs of shape {shape}."
            )
        return {
            name: artifact.about.get(name) for name in ("kind", "network", "channels", "length", "version")
        }

    @app.post("/predict", openapi_extra=_described(Query))
    async def predict(request: Request):
        n_bytes = _declared_bytes(request)
        if not room.is_left(n_bytes):
            await _read(request, n_bytes, keep=False)  # a client that cannot send does not see the answer
            raise HTTPException(503, "Too much is in flight; try again later.", {"retry-after": "1"})
        with room.taken(n_bytes):
            body = await _read(request, n_bytes)
            async with in_turn:
                return await run_in_threadpool(_answer, artifact, body)

    return app


def _described(query):
    """The body's schema for the service's documentation."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": query.model_json_schema()}},
        }
    }


def _declared_bytes(request):
    length = request.headers.get("content-length", "")
    has_length = length.isdecimal() and "transfer-encoding" not in request.headers
    if not (has_length and int(length) <= MOST_BYTES):
        raise HTTPException(413, f"The body must have a content length of at most {MOST_BYTES} bytes.")
    return int(length)


async def _read(request, n_bytes, keep=True):
    body, n_read = bytearray(), 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                n_read += len(part)
                body += part if keep else b""
                if n_read > n_bytes:
                    raise HTTPException(413, "The body must have its content length.")
    except TimeoutError:
        detail = f"The body must arrive within {READ_SECONDS:g} seconds."
        raise HTTPException(408, detail, {"connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "The body must be whole.") from None
    return bytes(body)


def _answer(artifact, body):
    try:
        probabilities = _probabilities(artifact, Query.model_validate_json(body).series)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    labels = [artifact.labels[number] for number in probabilities.argmax(axis=1)]
    return {"labels": labels, "probabilities": probabilities.tolist(), "classes": artifact.labels}


def _probabilities(artifact, series):
    """Predict series of any lengths. Those of one length share calls, so that no series is padded."""
    numbers_of_shape = defaultdict(list)
    for number, one in enumerate(series):
        if len(set(map(len, one))) != 1:
            raise ValueError("The channels of a series must have the same number of steps; fill with null.")
        numbers_of_shape[len(one), len(one[0])].append(number)
    probabilities = np.empty((len(series), len(artifact.labels)))
    for (_, steps), numbers in numbers_of_shape.items():
        at_once = max(1, STEPS_AT_ONCE // max(steps, artifact.about["length"] or 1))
        for start in range(0, len(numbers), at_once):
            some = numbers[start : start + at_once]
            probabilities[some] = artifact.outputs(np.array([series[n] for n in some], dtype=np.float32))
    return probabilities


if __name__ == "__main__":
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    app = create_app(arguments.model)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, limit_concurrency=MOST_CONNECTIONS)
