"""The example service: right answers, error messages for invalid queries, and never a 500."""

import asyncio
import importlib.util
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlstm_fcn import MLSTMFCNClassifier, datasets

pytest.importorskip("fastapi")
testclient = pytest.importorskip("fastapi.testclient")

EXAMPLE = Path(__file__).parent.parent / "examples" / "serve_onnx.py"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    motions = datasets.load("BasicMotions")
    classifier = MLSTMFCNClassifier(filters=(4, 8, 4), reduction=2, n_epochs=2, random_state=0)
    classifier.fit(motions.X_train, motions.y_train)
    path = classifier.export(tmp_path_factory.mktemp("served") / "model.onnx", any_length=True)
    with testclient.TestClient(example().create_app(path), raise_server_exceptions=False) as client:
        yield client, classifier, motions.X_test


def example():
    """The module, without what tests have changed in it."""
    spec = importlib.util.spec_from_file_location("serve_onnx", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Slow:
    """A model of two classes that answers when it is told to, and counts who asks at once."""

    def __init__(self):
        self.about = {"channels": 1, "length": None}
        self.labels, self.thresholds = ["a", "b"], None
        self.go_on, self.now, self.most, self.threads = threading.Event(), 0, 0, set()

    def outputs(self, X):
        if X.any():  # the health check has zeros
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.get_ident())
            assert self.go_on.wait(30)
            self.now -= 1
        return np.tile([0.25, 0.75], (len(X), 1))


@pytest.fixture
def slow(monkeypatch):
    """The module, its model, and a function that runs a coroutine with a client."""
    httpx, module, model = pytest.importorskip("httpx"), example(), Slow()
    monkeypatch.setattr(module.export, "load", lambda path: model)
    app = module.create_app(Path("slow.onnx"))

    def run(act):
        async def with_client():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here", timeout=30) as client:
                return await act(client)

        return asyncio.run(with_client())

    yield module, model, run
    model.go_on.set()


def test_it_answers_as_the_classifier_does(service):
    client, classifier, X = service
    answer = client.post("/predict", json={"series": X[:5].tolist()}).json()
    np.testing.assert_allclose(answer["probabilities"], classifier.predict_proba(X[:5]), atol=1e-5)
    assert answer["labels"] == classifier.predict(X[:5]).tolist()


def test_null_is_a_missing_value_or_the_padding_of_a_shorter_series(service):
    client, classifier, X = service
    gaps = X[:2, :, :50].copy()
    gaps[:, 1, 3:9] = np.nan
    series = [[[None if np.isnan(v) else v for v in channel] for channel in one] for one in gaps.tolist()]
    answer = client.post("/predict", json={"series": series}).json()
    np.testing.assert_allclose(answer["probabilities"], classifier.predict_proba(gaps), atol=1e-5)


def test_health_describes_the_model(service):
    client, _, _ = service
    assert client.get("/health").json()["channels"] == 6


def test_health_predicts(slow):
    _, model, run = slow
    assert run(lambda client: client.get("/health")).status_code == 200

    def fails(X):
        raise RuntimeError("the runtime is gone")

    for outputs, message in ((fails, "the runtime is gone"), (lambda X: np.zeros((1, 3)), "has 2 labels")):
        model.outputs = outputs
        answer = run(lambda client: client.get("/health"))
        assert answer.status_code == 503
        assert message in answer.json()["detail"]


def test_series_of_different_lengths_are_answered_as_each_alone(service):
    client, classifier, X = service
    series = [one[:, :steps].tolist() for one, steps in zip(X[:6], (100, 40, 7, 40, 100, 1), strict=True)]
    answer = client.post("/predict", json={"series": series}).json()
    for one, received in zip(series, answer["probabilities"], strict=True):
        np.testing.assert_allclose(received, classifier.predict_proba(np.array([one]))[0], atol=1e-5)
    assert answer["labels"] == [answer["classes"][np.argmax(one)] for one in answer["probabilities"]]


def test_many_steps_are_predicted_in_several_calls(slow, monkeypatch):
    module, model, _ = slow
    monkeypatch.setattr(module, "STEPS_AT_ONCE", 30)
    sizes = []

    def outputs(X):
        sizes.append(X.shape)
        return np.stack([X[:, 0, 0], X.sum(axis=(1, 2))], axis=1)

    model.outputs = outputs
    series = [[[float(number)] * (10 if number % 2 else 40)] for number in range(10)]
    received = module._probabilities(model, series)
    np.testing.assert_allclose(received[:, 0], range(10))
    np.testing.assert_allclose(received[:, 1], [sum(one[0]) for one in series])
    assert sorted(sizes) == [(1, 1, 40)] * 5 + [(2, 1, 10), (3, 1, 10)]


# What is in flight.

BODY = b'{"series": [[[1]]]}'


async def posts(client, n, body):
    """Start that many posts, and wait until all are read or refused, while `/health` answers."""
    tasks = [asyncio.create_task(client.post("/predict", content=body)) for _ in range(n)]
    for _ in range(3):
        assert (await client.get("/health")).status_code == 200
    return tasks


@pytest.mark.parametrize(("n_bytes", "n_accepted"), [(9_500_000, 4), (len(BODY), 32)])
def test_what_is_above_the_limits_is_refused_meanwhile(slow, n_bytes, n_accepted):
    """Of bytes and of requests; what is accepted is answered one after another, not in the event loop."""
    _, model, run = slow

    async def act(client):
        tasks = await posts(client, 40, BODY.ljust(n_bytes))
        refused = [task.result() for task in tasks if task.done()]
        model.go_on.set()
        return refused, await asyncio.gather(*tasks)

    refused, answers = run(act)
    assert len(refused) == 40 - n_accepted
    assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(503, "1")}
    assert [one.status_code for one in answers].count(200) == n_accepted
    assert model.most == 1
    assert threading.get_ident() not in model.threads
    assert run(lambda client: client.post("/predict", content=BODY)).status_code == 200  # room is free again


def test_a_body_that_does_not_arrive_is_not_waited_for(slow, monkeypatch):
    module, model, run = slow
    monkeypatch.setattr(module, "READ_SECONDS", 0.01)
    model.go_on.set()

    async def drips():
        yield BODY[:5]
        await asyncio.sleep(20)

    async def act(client):
        headers = {"content-length": str(len(BODY))}
        late = [await client.post("/predict", content=drips(), headers=headers) for _ in range(40)]
        return late, await client.post("/predict", content=BODY)

    late, good = run(act)
    assert {(one.status_code, one.headers["connection"]) for one in late} == {(408, "close")}
    assert good.status_code == 200  # they have left their room


def test_a_body_longer_than_it_says_is_not_read(slow):
    _, _, run = slow

    async def more():
        for _ in range(100):
            yield BODY

    answer = run(lambda client: client.post("/predict", content=more(), headers={"content-length": "30"}))
    assert answer.status_code == 413


# Queries.


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"series": []}',
        '{"series": [[]]}',
        '{"series": [[[]]]}',
        '{"series": [[["a"]]]}',
        json.dumps({"series": [[["1.5"] * 100] * 6]}),
        json.dumps({"series": [[[True] * 100] * 6]}),
        '{"series": [[[1.0], [2.0]]]}',
        '{"series": [[[NaN], [1], [1], [1], [1], [1]]]}',
        '{"series": [[[1e39], [1], [1], [1], [1], [1]]]}',
        '{"series": [[[Infinity], [1], [1], [1], [1], [1]]]}',
        '{"series": [[[null], [null], [null], [null], [null], [null]]]}',
        '{"series": [[[1], [1, 2], [1], [1], [1], [1]]]}',
        json.dumps({"series": [[[0.0] * 101] * 6]}),
        json.dumps({"series": [[[0.0]]] * 257}),
    ],
)
def test_invalid_queries_get_an_error_message(service, body):
    client, _, _ = service
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"]


def test_large_bodies_are_not_read(service):
    client, _, _ = service
    answer = client.post("/predict", content=b"x", headers={"content-length": str(10**9)})
    assert answer.status_code == 413
    assert client.post("/predict", content=iter([b"{}"])).status_code == 413  # no content length
    both = {"content-length": "5", "transfer-encoding": "chunked"}  # servers use the second
    assert client.post("/predict", content=b"{}   ", headers=both).status_code == 413


def test_a_query_that_is_wrong_all_over_gets_a_short_answer(service):
    client, _, _ = service
    answer = client.post("/predict", json={"series": [[["a"] * 1000] * 6] * 50})
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) <= 5


def test_values_that_overflow_the_network_are_refused(service):
    client, _, _ = service
    answer = client.post("/predict", json={"series": [[[3e38] * 100] * 6]})
    assert answer.status_code == 422
    assert "overflowed" in answer.json()["detail"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.sampled_from(["series", "x"]), inner),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES | st.fixed_dictionaries({"series": VALUES}))
def test_no_query_breaks_it(service, value):
    client, _, _ = service
    answer = client.post("/predict", content=json.dumps(value), headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text


NUMBERS = st.none() | st.floats(-3e38, 3e38) | st.floats(-10, 10)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), n_series=st.integers(1, 3), n_steps=st.integers(1, 100))
def test_no_series_breaks_it(service, data, n_series, n_steps):
    """The shape is right; values are arbitrary."""
    client, _, _ = service
    few = data.draw(st.lists(NUMBERS, min_size=1, max_size=8))
    values = [few[place % len(few)] for place in range(n_series * 6 * n_steps)]
    series = [[values[(i * 6 + c) * n_steps :][:n_steps] for c in range(6)] for i in range(n_series)]
    answer = client.post("/predict", json={"series": series})
    assert answer.status_code in (200, 422), answer.text


def test_a_damaged_model_is_not_served(service, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no")
    (tmp_path / "model.onnx.json").write_text("{}")
    with pytest.raises(ValueError, match="must be a manifest"):
        example().create_app(tmp_path / "model.onnx")
