"""Answer while a sensor is still sending: recognise a motion after a fraction of its ten seconds.

    python examples/stream.py             # half a minute; --quick for less

The test recordings of BasicMotions, which is bundled, arrive step by step, ten steps a second. The rule that
decides when to answer was chosen on training cases that the classifier had not seen.
"""

import argparse

from mlstm_fcn import MLSTMFCNClassifier, datasets, early

STEPS_PER_SECOND = 10


def main(n_epochs: int = 20, n_checkpoints: int = 5) -> float:
    """Return the accuracy of all answers."""
    motions = datasets.load("BasicMotions")
    classifier = MLSTMFCNClassifier(n_epochs=n_epochs, random_state=0)
    recogniser = early.EarlyClassifier(classifier, n_checkpoints=n_checkpoints, n_splits=2, random_state=0)
    recogniser.fit(motions.X_train, motions.y_train)
    print(recogniser.rule_)

    for recording, motion in list(zip(motions.X_test, motions.y_test, strict=True))[::5]:
        stream = recogniser.stream()
        while stream.push(recording[:, stream.n_steps]) is None:  # what a sensor would send
            pass
        label, steps, probabilities = stream.answer
        seconds = steps / STEPS_PER_SECOND
        print(f"{motion:>10}: {label} after {seconds:.1f} s, probability {probabilities.max():.2f}")

    answer = recogniser.answer(motions.X_test)
    accuracy = float((answer.label == motions.y_test).mean())
    earliness = float(answer.steps.mean() / motions.X_test.shape[2])
    print(f"accuracy {accuracy:.3f} after {earliness:.0%} of the steps")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer epochs")
    main(**({"n_epochs": 4} if parser.parse_args().quick else {}))
