"""A network is drawn as boxes: all layers that have weights, with what each sees."""

import keras
import pytest

from mlstm_fcn import MLSTMFCNClassifier, models, plotting
from mlstm_fcn.models.counting import cost
from tests import plotted
from tests.plotted import SMALL, text_of

pytestmark = pytest.mark.usefixtures("drawn_in_memory")


problem = plotted.problem


@pytest.mark.parametrize("name", ["mlstm_fcn", "se_resnet", "inception", "vgg", "efficientnet", "mlp"])
def test_a_network_is_drawn_with_all_layers_that_have_weights_none_over_another(name):
    network = models.build(name, (100, 6), 4)
    display = plotting.NetworkDisplay(network)
    boxes = display.boxes
    assert len({(box.row, box.lane) for box in boxes}) == len(boxes)
    assert {layer.name for layer in network.layers if layer.weights} <= {box.title for box in boxes}
    for box in boxes:
        assert all(boxes[number].row < box.row for number in box.inputs)
        assert bool(box.inputs) == (box.title != "series")
    reached = {number for box in boxes for number in box.inputs}
    assert reached == set(range(len(boxes) - 1))  # all but the output are read
    assert f"sees {cost(network).receptive_field} steps" in " ".join(b.text for b in boxes) or name == "mlp"


def test_a_box_tells_kernel_dilation_stride_and_shape():
    network = models.build("mlstm_fcn", (100, 6), 4, dilation_rates=(2, 4, 8), filters=(16, 32, 16))
    boxes = {box.title: box for box in plotting.NetworkDisplay(network).boxes}
    assert boxes["conv_1"].text == "kernel 8, dilation 2, sees 15 steps"
    assert boxes["conv_1"].shape == "100 \N{MULTIPLICATION SIGN} 16"
    assert boxes["lstm"].lane == 1
    assert boxes["features"].lane == 0
    assert "relu_1" not in boxes
    text = text_of(plotting.network(network))
    assert all(f"{box.title} " in text + " " and box.text in text for box in boxes.values())
    strided = models.build("resnet", (100, 6), 4, filters=(8,), units=(1,), strides=(4,), kernel_sizes=(3,))
    assert "stride 4" in " ".join(box.text for box in plotting.NetworkDisplay(strided).boxes)


def test_masks_and_series_of_any_length_are_drawn():
    network = models.build("fcn", (None, 2), 3, masked=True, filters=(4,), kernel_sizes=(3,))
    boxes = plotting.NetworkDisplay(network).boxes
    assert [box.title for box in boxes] == ["series", "conv_1", "average", "output"]
    assert boxes[1].shape == "any \N{MULTIPLICATION SIGN} 4"
    assert [box.inputs for box in boxes] == [(), (0,), (1,), (2,)]


@pytest.mark.usefixtures("uncompiled")
def test_a_member_of_an_ensemble_is_drawn(problem):
    ensemble = MLSTMFCNClassifier(**SMALL, n_epochs=1, n_members=2).fit(*problem)
    assert plotting.NetworkDisplay.from_estimator(ensemble, 2).boxes[0].title == "series"
    assert [ax.get_title("left") for ax in plotting.gates(ensemble, problem[0])][-1] == (
        "member 2: squeeze excite 2"
    )
    with pytest.raises(ValueError, match="`member` must be from 1 to 2"):
        plotting.network(ensemble, member=3)


def test_a_model_of_keras_is_drawn():
    series = keras.Input((10, 2), name="own")
    model = keras.Model(series, keras.layers.Dense(3, name="last")(keras.layers.Flatten(name="flat")(series)))
    assert [box.title for box in plotting.NetworkDisplay.from_estimator(model).boxes] == [
        "own",
        "flat",
        "last",
    ]


def test_a_classifier_without_a_network_is_refused(problem):
    with pytest.warns(UserWarning, match="only single label"):
        of_one_class = MLSTMFCNClassifier(**SMALL).fit(problem[0], ["one"] * len(problem[0]))
    with pytest.raises(ValueError, match=r"`plotting\.network` requires a network"):
        plotting.network(of_one_class)
