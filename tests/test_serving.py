"""The example service: right answers, error messages for invalid queries, and never a 500."""

import importlib.util
import json
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
    spec = importlib.util.spec_from_file_location("serve_onnx", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with testclient.TestClient(module.create_app(path), raise_server_exceptions=False) as client:
        yield client, classifier, motions.X_test


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
    spec = importlib.util.spec_from_file_location("serve_onnx", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "model.onnx").write_bytes(b"no")
    (tmp_path / "model.onnx.json").write_text("{}")
    with pytest.raises(ValueError, match="must be a manifest"):
        module.create_app(tmp_path / "model.onnx")
