"""The method section: what a paper would need to say, from what the results record.

A sentence whose facts are not recorded is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from medaug.benchmark.report.compared import in_comparison, mean_rows
from medaug.benchmark.report.formats import enumerate_words, format_confidence, format_count
from medaug.benchmark.results import Results
from medaug.benchmark.testing import corruptions
from medaug.benchmark.testing.calibration import N_BINS, NEAR_MM


def _ends(levels: Sequence[float]) -> str:
    return f"{levels[0]:g} to {levels[-1]:g}"


#: What is done to a case, from the lowest to the highest severity.
_CORRUPTIONS = {
    "noise": f"Gaussian noise of {_ends(corruptions.NOISE_STD)} standard deviations",
    "bias": f"a bias field of strength {_ends(corruptions.BIAS_STRENGTH)}",
    "low_resolution": f"{_ends(corruptions.RESOLUTION_SHARE)} of the voxels along each axis",
    "contrast": f"a gamma of {_ends(corruptions.CONTRAST_GAMMA)}",
    "rotation": f"a rotation by {_ends(corruptions.ROTATION_DEGREES)} degrees",
}


def basis(results: Results, comparison: pd.DataFrame) -> str:
    """Return in a line what the answer rests on."""
    means = mean_rows(comparison, results.main_size)
    runs = in_comparison(results, results.runs, results.main_size)
    parts = [results.provenance.get("data", {}).get("name", "")]
    if means:
        parts += [
            format_count(means[0]["n_cases"], "test case"),
            format_count(means[0]["n_patients"], "patient"),
        ]
    if len(runs):
        parts += [
            f"{_span(runs['n_train_cases'])} training cases",
            format_count(runs["fold"].nunique(), "fold"),
            format_count(runs["seed"].nunique(), "seed"),
            f"{_span(runs['steps'])} optimiser steps",
        ]
    parts.append(str(results.provenance.get("finished", ""))[:10])
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def method(results: Results, comparison: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the method section: titles and paragraphs, as plain text."""
    facts = _Facts(results)
    sections = {
        "Data": _data(results, facts),
        "Design": _design(results, facts),
        "Network": _network(facts),
        "Training": _training(facts),
        "Augmentation": _augmentation(results, facts),
        "Inference": _inference(facts),
        "Measures": _measures(facts),
        "Shifted test": _shifted(facts),
        "Statistics": _statistics(comparison),
        "Cost": _cost(results),
    }
    return [(title, text) for title, text in sections.items() if text]


class _Facts:
    """The recorded settings, for sentences with gaps."""

    def __init__(self, results: Results) -> None:
        self.provenance: Mapping[str, Any] = results.provenance
        self.settings: Mapping[str, Any] = results.provenance.get("configuration", {})

    def say(self, sentence: str) -> str:
        """Fill the gaps of a sentence with settings; return nothing if one is not recorded."""
        try:
            return sentence.format_map(_Given(self.settings))
        except KeyError:
            return ""


class _Given(dict[str, Any]):
    """Settings of which those that are None count as not recorded."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is None:
            raise KeyError(name)
        return " x ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _data(results: Results, facts: _Facts) -> str:
    data = facts.provenance.get("data", {})
    classes = data.get("classes", [])
    cases = results.scores.drop_duplicates("case")
    tested = format_count(len(cases), "case")
    patients = format_count(cases["patient"].nunique(), "patient")
    regions = facts.settings.get("regions")
    return _joined(
        f"{data['name']}, {format_count(data['cases'], 'case')}."
        if {"name", "cases"} <= data.keys()
        else "",
        f"Tested were {tested} of {patients}.",
        facts.say("The patient of a case is what the pattern {groups} finds in its name."),
        f"Classes: {enumerate_words(classes)}." if classes else "",
        _regions(regions) if regions else "",
        "Each channel of a scan is z-scored over its foreground.",
        f"SHA-256 of names, spacings and voxels: {data['fingerprint']}."
        if "fingerprint" in data
        else "",
    )


def _regions(regions: Mapping[str, Any]) -> str:
    parts = [f"{name} ({enumerate_words(list(map(str, of)))})" for name, of in regions.items()]
    return f"Scored are unions of classes: {enumerate_words(parts)}; networks learn the classes."


def _design(results: Results, facts: _Facts) -> str:
    runs = results.runs
    sizes = enumerate_words(list(results.sizes))
    several = "; smaller sets are part of larger ones" if len(results.sizes) > 1 else ""
    return _joined(
        facts.say(
            "{folds}-fold cross-validation, split at random by patient (seed {split_seed}), so "
            "that no patient is in training and test of a network."
        ),
        f"Tested were the folds {_listed(runs['fold'])}.",
        f"A network was trained for each arm, fold, seed ({_listed(runs['seed'])}) and size of the "
        f"training set ({sizes} cases of the training part of a fold{several}), "
        f"{format_count(len(runs), 'run')} in all.",
        "Within a fold, seed and size, all arms have the same training cases, initial weights, "
        "order of samples, patches and length of training; they differ in the augmentation only.",
        f"The reference is {results.arms[0]}.",
    )


def _network(facts: _Facts) -> str:
    network = facts.settings.get("network")
    parameters = facts.provenance.get("network_parameters")
    name = (
        f"{network['_target_']} with the arguments in the configuration below."
        if network
        else "A U-Net (MONAI's DynUNet, the network of nnU-Net; Isensee et al. 2021, Nature "
        "Methods 18:203-211) with 16 to 128 filters, instance normalisation and leaky ReLU, whose "
        "levels follow from the patch."
    )
    return _joined(
        name if "network" in facts.settings else "",
        f"It has {parameters:,} parameters." if parameters else "",
    )


def _training(facts: _Facts) -> str:
    runtime = facts.provenance.get("runtime", {})
    return _joined(
        facts.say("{steps} optimiser steps, the same for every run."),
        facts.say("{train_seconds} seconds of wall time, the same for every run."),
        facts.say("A step has {batch_size} patches of {patch_size} voxels."),
        facts.say(
            "A patch is centred on a foreground voxel of a random class with a probability of "
            "{foreground_fraction:.2g}, and anywhere else."
        ),
        "The loss is the mean of the classes' soft Dice loss plus cross-entropy.",
        facts.say(
            "AdamW with a weight decay of {weight_decay:g}; a one-cycle schedule (Smith and Topin "
            "2018) along cosines with a peak learning rate of {learning_rate:g}; gradients clipped "
            "at a norm of {gradient_clip:g}."
        ),
        "Networks are tested as they are after the last step: nothing is chosen by held-out cases.",
        f"Device {runtime['device']}, precision {runtime['precision']}." if runtime else "",
    )


def _augmentation(results: Results, facts: _Facts) -> str:
    return _joined(
        f"Arms: {enumerate_words(list(results.arms))}.",
        "Their full definitions are below." if facts.provenance.get("policies") else "",
        facts.say(
            "A policy is given a region of {region_factor:g} patches along each axis, so that a "
            "patch that it rotates has real data in its corners."
        ),
    )


def _inference(facts: _Facts) -> str:
    return facts.say(
        "Whole scans are segmented with a sliding window of the size of a patch and an overlap of "
        "{overlap:.0%}, logits averaged with Gaussian weights, then the class of the largest; no "
        "test-time augmentation, no post-processing."
    )


def _measures(facts: _Facts) -> str:
    return _joined(
        "All are of whole scans, a class at a time, with P the voxels predicted and T the true "
        "ones (Maier-Hein et al. 2024, Metrics Reloaded, Nature Methods 21:195-212).",
        "Dice 2|P\N{INTERSECTION}T| / (|P| + |T|); IoU |P\N{INTERSECTION}T| / "
        "|P\N{UNION}T|; precision |P\N{INTERSECTION}T| / |P|; recall |P\N{INTERSECTION}T| / |T|; "
        "volume error (|P| - |T|) / |T|, compared by its absolute value.",
        facts.say(
            "HD95 is the larger of the 95th percentiles of the two directed distances between the "
            "surfaces, in mm; the surface Dice is the share of both surfaces within "
            "{surface_tolerance_mm:g} mm of the other (Nikolov et al. 2021, J Med Internet Res "
            "23:e26151)."
        ),
        "If neither P nor T has a voxel, no measure has a value, and the class of the case is left "
        "out. If only one has, Dice, IoU, precision and surface Dice are 0, HD95 is the diagonal "
        "of the scan; without T, recall and volume error have no value.",
        "ECE is the expected calibration error (Guo et al. 2017, ICML): the mean distance between "
        f"confidence and share of right voxels in {N_BINS} bins of confidence, over the voxels "
        f"within {NEAR_MM:g} mm of the true foreground.",
    )


def _shifted(facts: _Facts) -> str:
    shift = facts.settings.get("shift")
    if not shift:
        return ""
    severities = enumerate_words([str(severity) for severity in shift["severities"]])
    changes = enumerate_words([_CORRUPTIONS[name] for name in shift["corruptions"]])
    cases = f"{shift['cases']} test cases" if shift["cases"] else "all test cases"
    return (
        f"The same networks on {cases} of a fold, as another scanner might have made them: "
        f"{changes}, each at severity {severities} of 1 to 5, from fixed seeds, the same "
        "for all arms. The shifted Dice of a case is the mean over all of these."
    )


def _statistics(comparison: pd.DataFrame) -> str:
    if comparison.empty:
        return ""
    confidence = comparison["confidence"].iloc[0]
    interval = format_confidence(confidence)
    return _joined(
        "Arms are paired by fold, seed, case and class, only in folds and seeds that every arm has "
        "finished and where every arm has a value. A case is averaged over the runs that tested "
        "it, a patient over the patient's cases: the patient is the unit.",
        f"The {interval} of the mean paired difference is the studentised bootstrap interval "
        f"({comparison['n_resamples'].iloc[0]:,} resamples of patients; Hall 1988, Ann Stat "
        "16:927-953), or Student's below six patients: new patients, these networks. The interval "
        "with trainings stretches it by the standard error that is clustered by patient and by run "
        "(Cameron, Gelbach and Miller 2011, J Bus Econ Stat 29:238-249): new patients and new "
        "trainings.",
        "p is that of the two-sided Wilcoxon signed-rank test over patients (zeros by Pratt 1959), "
        "that with trainings of the t-test with the standard error clustered by patient and run; "
        "both are corrected for the number of arms by Holm's method (1979).",
        "The effect size is the mean over the standard deviation of the patients' differences "
        "(Cohen's d_z with Hedges' correction, 1981). P(better) is the posterior probability that "
        "the mean difference is in the arm's favour, by the Bayesian bootstrap (Rubin 1981).",
        "The smallest detectable difference is for a power of 80% at the corrected level (Bloom "
        "1995).",
        "An arm is called better or worse if both intervals exclude zero and both corrected p are "
        f"below {round(1 - confidence, 12):g}; with one run there are none with trainings.",
    )


def _cost(results: Results) -> str:
    if not results.cost:
        return ""
    return (
        "CPU time that a policy takes to make a patch of its region, by all threads, on the "
        "hardware below; the mean over the first samples of a training, the arms in turns."
    )


def _listed(values: pd.Series[int]) -> str:
    return enumerate_words([str(value) for value in sorted(values.unique())])


def _span(values: pd.Series[int]) -> str:
    """Return the one value that all have, or the lowest and the highest."""
    low, high = values.min(), values.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
