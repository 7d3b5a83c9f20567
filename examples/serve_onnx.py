"""Serve predictions of an exported model over HTTP.

pip install 'mlstm-fcn[serve]'
python examples/serve_onnx.py motions.onnx
curl localhost:8000/health
curl localhost:8000/predict -H 'content-type: application/json' -d '{"series": [[[0.1, null, 0.3], ...]]}'
"""

import argparse
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, FailFast, Field

from mlstm_fcn import export

MOST_BYTES, MOST_SERIES, MOST_CHANNELS, MOST_STEPS, MOST_ERRORS = 10_000_000, 256, 2_000, 20_000, 5
Value = Annotated[float, Field(ge=-3e38, le=3e38)] | None  # the range of float32
Steps = Annotated[list[Value], Field(max_length=MOST_STEPS), FailFast()]
Channels = Annotated[list[Steps], Field(max_length=MOST_CHANNELS), FailFast()]


class Query(BaseModel):
    """Series of shape (series, channels, steps); null is a missing value or padding."""

    series: Annotated[list[Channels], Field(min_length=1, max_length=MOST_SERIES), FailFast()]


def create_app(path: Path) -> FastAPI:
    """Build the service; the model is verified and loaded once."""
    artifact = export.load(path)
    if artifact.labels is None:
        raise ValueError(f"{path} is a regressor; this service needs a classifier.")
    app = FastAPI(title=path.stem)

    @app.exception_handler(RequestValidationError)
    async def describe_errors(request: Request, error: RequestValidationError):
        detail = [{"loc": one["loc"], "msg": one["msg"]} for one in error.errors()]  # without the input
        return JSONResponse({"detail": detail[:MOST_ERRORS]}, 422)

    @app.middleware("http")
    async def refuse_large_bodies(request: Request, call_next):
        length = request.headers.get("content-length", "")
        has_length = length.isdecimal() and "transfer-encoding" not in request.headers
        if request.method == "POST" and not (has_length and int(length) <= MOST_BYTES):
            return JSONResponse(
                {"detail": f"The body must have a content length of at most {MOST_BYTES} bytes."}, 413
            )
        return await call_next(request)

    @app.get("/health")
    def health():
        return {
            name: artifact.about.get(name) for name in ("kind", "network", "channels", "length", "version")
        }

    @app.post("/predict")
    async def predict(query: Query):
        try:
            return await run_in_threadpool(_answer, artifact, query.series)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    return app


def _answer(artifact, series):
    if len({(len(one), *map(len, one)) for one in series}) > 1:
        raise ValueError(
            "Series must have the same numbers of channels and steps; pad shorter ones with null."
        )
    probabilities = artifact.outputs(np.array(series, dtype=np.float32))
    labels = np.array(artifact.labels)[probabilities.argmax(axis=1)]
    return {"labels": labels.tolist(), "probabilities": probabilities.tolist(), "classes": artifact.labels}


if __name__ == "__main__":
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    uvicorn.run(create_app(arguments.model), host="127.0.0.1", port=arguments.port)
