"""Benchmark on the archive.

Three classifiers on three data sets that sktime ships, each on two resamples: fits that can be
interrupted, a table and a test. Nothing is downloaded.
"""

# ## What there is
#
# The catalogue knows the UEA and UCR archives. `here()` names the data sets that need no download.

from mlstm_fcn import datasets

print(*sorted(datasets.here()), sep=", ")

problems = ["BasicMotions", "GunPoint", "ItalyPowerDemand"]
for problem in problems:
    about = datasets.describe(problem)
    print(f"{problem}: {about.train_cases} + {about.test_cases} cases, {about.channels} channels")

# ## Plan and run
#
# A candidate is a name, or any classifier of sktime or scikit-learn. Each fit is a process of its own,
# which a limit of time or memory ends. Interrupt the run and start it again: it goes on with the fits
# that are missing.
#
# Ten epochs keep this tutorial short; leave `n_epochs` out for results.

from sklearn.ensemble import RandomForestClassifier

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, benchmark

estimators = {
    "MLSTM-FCN": MLSTMFCNClassifier(n_epochs=10),
    "MultiRocket": NetworkClassifier(network="multirocket"),
    "forest": RandomForestClassifier(),
}
table = benchmark.run(problems, estimators, "results", n_resamples=2, limits=benchmark.Limits(seconds=600))
print(table.pivot_table("accuracy", "problem", "estimator").round(3).to_string())

# Resample 0 is the archive's split. Resample *i* is drawn with seed *i*, as in tsml-eval, so results of
# other tools can be compared.

# ## Compare
#
# Means over resamples, ranks over data sets, and Wilcoxon's test with Holm's adjustment. Three data sets
# cannot show anything: six are the fewest for which p can be below 0.05.

comparison = benchmark.compare(table)
print(comparison.ranks.round(2).to_string())
print("MLSTM-FCN against forest, wins, ties, losses:", *comparison.wins("MLSTM-FCN", "forest"))

# ## A report
#
# One self-contained HTML page, and Markdown with figures. `published=True` adds accuracies of other
# studies.

for page in benchmark.write_report("results", published=True):
    print(page.name)

# The same from the command line:
#
# ```sh
# mlstm-fcn benchmark --datasets BasicMotions,GunPoint --estimators mlstm_fcn,multirocket --output results
# mlstm-fcn report results --published
# ```

# ## Next
#
# * [Benchmarks](../benchmark.md): clusters, GPUs, fingerprints, statistics.
# * [Accuracy](../accuracy.md): what this package reaches on 24 data sets, and why they prove little.
