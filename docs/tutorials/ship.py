"""Ship a model.

From a fitted classifier to an HTTP service that needs neither Keras nor TensorFlow. You need
`pip install '.[serve]'`.
"""

# ## Train and save
#
# The `.keras` file is for further training; keep it.

from mlstm_fcn import MLSTMFCNClassifier, datasets

motions = datasets.load("BasicMotions")
classifier = MLSTMFCNClassifier(n_epochs=20, random_state=0).fit(motions.X_train, motions.y_train)
classifier.save("motions.keras")
print("accuracy:", classifier.score(motions.X_test, motions.y_test))

# ## Export
#
# `export` writes the ONNX file, runs it in onnxruntime, compares its probabilities with those of Keras on
# `X`, and deletes it if they differ by more than 1e-5. Scaling and missing values are inside.
# `any_length=True` keeps the masks, so that series may be shorter than in training.

path = classifier.export("motions.onnx", X=motions.X_test, any_length=True, data="BasicMotions")
print(path.name, round(path.stat().st_size / 1e6, 1), "MB")

# A JSON file of the same name, the manifest, tells a service what it needs to know.

import json

manifest = json.loads(path.with_suffix(".onnx.json").read_text())
for key in ("kind", "network", "channels", "length", "labels"):
    print(f"{key}: {manifest[key]}")

# ## Run it without Keras
#
# `export.load` imports neither Keras nor TensorFlow. A process of its own shows it.

import subprocess
import sys

code = """
import sys
import numpy as np
from mlstm_fcn import export

artifact = export.load("motions.onnx")
series = np.zeros((1, 6, 80), dtype="float32")  # (cases, channels, steps)
print(artifact.labels[artifact.outputs(series).argmax()])
print("tensorflow" in sys.modules, "keras" in sys.modules)
"""
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

# ## Serve it
#
# `examples/serve_onnx.py` is a service with limits, error messages and a health check. Start it as your
# supervisor would, and wait until it is healthy.

import atexit
import socket
import time
import urllib.request
from pathlib import Path

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

script = Path(__file__).parents[2] / "examples" / "serve_onnx.py"  # in the repository
service = subprocess.Popen(
    [sys.executable, script, "motions.onnx", "--port", str(port)],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
atexit.register(service.kill)


def ask(path, body=None):
    url, data = f"http://127.0.0.1:{port}{path}", body and json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


for _ in range(100):
    try:
        print("health:", ask("/health")["kind"])
        break
    except OSError:
        time.sleep(0.2)

# Series of one request may have different lengths; null is a missing value.

long, short = motions.X_test[0], motions.X_test[39][:, :60]
answer = ask("/predict", {"series": [long.tolist(), short.tolist()]})
print(answer["classes"])
for label, probabilities in zip(answer["labels"], answer["probabilities"], strict=True):
    print(label, [round(one, 3) for one in probabilities])

# A query that makes no sense gets an error message, never a 500.

import urllib.error

try:
    ask("/predict", {"series": [[[1.0, 2.0]]]})
except urllib.error.HTTPError as error:
    print(error.code, json.load(error)["detail"])

service.terminate()
service.wait(10)

# ## Next
#
# * [Production](../production.md): processes, warm-up, threads, drift.
# * [Export](../export.md): SavedModel, LiteRT, OpenVINO, 8 and 16 bits.
# * [Security](../security.md): what the service bounds, and which files may come from strangers.
