"""The end of a fit: normalise, compare, report, save."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lm.adapter import adapter_state, merge_adapter
from lm.subset import drawn
from rewardmodel.bradley_terry.artifact import load_reward_model, save_reward_model
from rewardmodel.bradley_terry.evaluate import compare, report_on
from rewardmodel.bradley_terry.network import RewardNetwork
from rewardmodel.bradley_terry.normalise import normalisation_on
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel
from rewardmodel.bradley_terry.start import Start
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal


def finish(
    folder: RunFolder,
    start: Start,
    network: RewardNetwork,
    tie_parameter: float,
    *,
    validation: Sequence[float],
    stop: StopSignal,
    progress: Progress,
) -> None:
    """Write output/: ``network`` as a reward model folder with its report.

    Until it is saved a stop is heard at once: it loses nothing, the fit's checkpoint is written.
    """
    config = start.config
    with stop.at_once():
        adapter = adapter_state(network.trunk) if config.lora is not None else None
        if adapter is not None:
            # Scores of frozen bfloat16 with float32 beside them are not those of the sum that is saved and loaded.
            merge_adapter(network.trunk)
        model = _normalised(start, network, tie_parameter, stop, progress)
        report = _report(start, model, validation, stop, progress)
    progress.report(2, 3, "saving the reward model")
    meta = {
        "made_by": "fit",
        "config": asdict(config),
        "inputs": start.inputs,
        "parents": start.parents,
        "report": report,
    }
    save_reward_model(model, folder.output, meta, adapter)
    progress.report(3, 3, "done")


def _normalised(
    start: Start, network: RewardNetwork, tie_parameter: float, stop: StopSignal, progress: Progress
) -> RewardModel:
    """``network`` as a reward model whose scores are 0 and 1 on completions of the train split."""
    config = start.config
    model = RewardModel(
        network=network,
        tokenizer=start.tokenizer,
        limits=start.limits,
        share=start.share,
        ties=config.ties,
        tie_parameter=tie_parameter,
        normalisation=Normalisation(),
        meta={},
        micro_batch_tokens=config.micro_batch_tokens,
    )
    progress.report(0, 3, "normalising scores")
    reference = drawn(start.train, config.reference_rankings, seed=config.seed)
    # What several people ranked is scored once.
    encoded = {id(example.encoded): example.encoded for example in reference}
    model.normalisation = normalisation_on(model, list(encoded.values()), between=stop.check)
    return model


def _report(
    start: Start, model: RewardModel, validation: Sequence[float], stop: StopSignal, progress: Progress
) -> dict[str, Any]:
    """The held-out report, what was read and learnt, and the comparison with the incumbent where there is one."""
    config = start.config
    progress.report(1, 3, "evaluating on held-out prompts")
    report = report_on(model, start.records, resamples=config.resamples, between=stop.check)
    report |= {"counts": start.counts, "training": _training(validation, config.epochs)}
    if config.incumbent is not None:
        incumbent = load_reward_model(config.incumbent, model.device)
        report["incumbent"] = compare(
            model, incumbent, start.records, resamples=config.resamples, between=stop.check
        )
    return report


def _training(validation: Sequence[float], epochs: int) -> dict[str, Any]:
    """Which epoch of which attempt was kept, from 1; None where nothing was held out to choose by."""
    best = validation.index(min(validation)) if validation else None
    kept = {} if best is None else {"attempt": best // epochs + 1, "epoch": best % epochs + 1}
    return {"validation_loss": list(validation), "kept": kept or None}
