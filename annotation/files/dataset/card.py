"""The card of a data set (README.md): front matter that model hubs read, and what people want to know before they use
it: what it holds, who judged, how far they agree, and what they were told."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef
from huggingface_hub import DatasetCardData

from annotation.models import Annotator, Demonstration, Project, Ranking, Rating
from annotation.quality import agreement

# Below each, the name that hubs have for a size.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
)
_MEANINGS = {
    "pairs": "One answer of a ranking before another, as trainers of reward models and of DPO take them; no ties.",
    "rankings": "All answers of a task with their ranks, 1 the best; equal ranks are ties, `verdict` says why none.",
    "ratings": "One score of an answer on one axis; null is “cannot say”.",
    "demonstrations": "Answers that people wrote, those that were accepted.",
}
_AGREEMENT = {
    "pairwise_agreement": "agreement on pairs",
    "krippendorff_alpha": "Krippendorff's alpha",
    "kendall_tau_b": "Kendall's tau-b",
}


class File(NamedTuple):
    """One file of the folder."""

    config: str
    split: str
    path: str
    rows: int
    simulated: int
    sha256: str


def text(*, project: Project, files: Sequence[File], license: str) -> str:
    """The whole card."""
    measured = agreement.agreement_of(project=project)
    simulated = sum(file.simulated for file in files)
    names = list(dict.fromkeys(file.config for file in files))
    parts = [
        _front_matter(project, files, names, license, simulated=bool(simulated)),
        f"# {project.name}\n",
        _files(files, names),
        _loading(names),
        _people(project, measured["statistics"], simulated),
        _fields(),
        _guidelines(project),
    ]
    return "\n".join(part for part in parts if part)


def _front_matter(
    project: Project, files: Sequence[File], names: Sequence[str], license: str, *, simulated: bool
) -> str:
    rows = sum(file.rows for file in files)
    data = DatasetCardData(
        pretty_name=project.name,
        license=license,
        annotations_creators=["machine-generated" if simulated else "expert-generated"],
        task_categories=["text-generation"],
        tags=["preference", "human-feedback", "rlhf", *(["simulated"] if simulated else [])],
        size_categories=[next((name for size, name in _SIZES if rows < size), "n>10M")],
        configs=[
            {
                "config_name": name,
                "data_files": [
                    {"split": file.split, "path": file.path} for file in files if file.config == name
                ],
            }
            for name in names
        ],
    )
    return f"---\n{data.to_yaml()}\n---\n"


def _files(files: Sequence[File], names: Sequence[str]) -> str:
    lines = ["## What it holds\n"]
    lines += [f"- `{name}`: {_MEANINGS[name.partition('_')[0]]}" for name in names]
    lines += ["", "| file | rows | simulated | SHA-256 |", "| --- | ---: | ---: | --- |"]
    lines += [f"| `{file.path}` | {file.rows:,} | {file.simulated:,} | `{file.sha256}` |" for file in files]
    return "\n".join(lines) + "\n"


def _loading(names: Sequence[str]) -> str:
    return (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'data = load_dataset("PATH OR NAME OF THIS DATA SET", "{names[0]}")\n'
        "```\n"
    )


def _people(project: Project, statistics: Mapping[str, Any], simulated: int) -> str:
    theirs = OuterRef("pk")
    judged = (
        Exists(Ranking.objects.current().filter(annotator=theirs))
        | Exists(Rating.objects.current().filter(annotator=theirs))
        | Exists(Demonstration.objects.accepted().filter(source__annotator=theirs))
    )
    people = Annotator.objects.filter(
        judged, project=project, simulated=False, anonymous=False, withdrawn_at=None
    ).count()
    lines = [
        "## Who judged\n",
        f"{people:,} annotators, by pseudonyms; each task of {project.completions_per_task} answers was for "
        f"{project.annotators_per_task} of them.",
    ]
    if simulated:
        lines.append(
            f"**{simulated:,} rows are by simulated annotators**, not by people: `concord.simulated` says "
            "which."
        )
    shown = [(words, statistics[name]) for name, words in _AGREEMENT.items()]
    measured = [(words, figure) for words, figure in shown if figure is not None]
    if measured:
        lines += ["", "| how far they agree | value | 95% interval |", "| --- | ---: | --- |"]
        for words, figure in measured:
            interval = figure["interval"]
            between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
            lines.append(f"| {words} | {figure['value']:.3f} | {between} |")
    return "\n".join(lines) + "\n"


def _fields() -> str:
    return (
        "## Fields\n\n"
        "`concord` tells of each row where it comes from: `split` (by its prompt, so that no prompt is in two), "
        "`sources` (who or what wrote each answer), `order_shown` (in which order they were read), `active_seconds`, "
        "`guideline_version`, `simulated` and `created_at`. `metadata` is JSON text: what the row came with.\n"
    )


def _guidelines(project: Project) -> str:
    if not project.guidelines:
        return ""
    quoted = "\n".join(f"> {line}".rstrip() for line in project.guidelines.splitlines())
    return f"## What annotators were told (version {project.guideline_version})\n\n{quoted}\n"
