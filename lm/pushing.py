"""A folder onto a model hub. No torch here: commands push."""

from pathlib import Path

from huggingface_hub import HfApi

from runs.folder.errors import BadInput


def push(folder: Path, repository: str) -> str:
    """Upload ``folder`` as one commit, into a private repository where there is none yet; the commit's address.

    The hub and the token are those of huggingface_hub (HF_ENDPOINT, HF_TOKEN). Raises BadInput.
    """
    api = HfApi()
    try:
        api.create_repo(repository, private=True, exist_ok=True)
        done = api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Export from Concord")
    except Exception as error:  # of the network, of the hub and of the library, which have no common root
        raise BadInput(f"{folder} is written, but not pushed to {repository}: {error}") from error
    return str(done.commit_url)
