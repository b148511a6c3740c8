"""A folder onto a model hub, by a command. No torch here, and no Django."""

from pathlib import Path

from huggingface_hub import HfApi

from runs.folder.errors import BadInput


def push(folder: Path, repository: str, *, kind: str = "model") -> str:
    """Upload ``folder`` as one commit, into a private repository where there is none yet; the commit's address.

    ``kind`` is "model" or "dataset".
    The hub and the token are those of huggingface_hub (HF_ENDPOINT, HF_TOKEN). Raises BadInput.
    """
    api = HfApi()
    try:
        api.create_repo(repository, repo_type=kind, private=True, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=folder, commit_message="Export from Concord"
        )
    except Exception as error:  # of the network, of the hub and of the library, which have no common root
        raise BadInput(f"{folder} is written, but not pushed to {repository}: {error}") from error
    return str(done.commit_url)
