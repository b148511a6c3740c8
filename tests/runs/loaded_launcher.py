"""runs.folder.processes as it is where torch is loaded, which a stand-in says: it forks."""

import sys
from types import ModuleType, SimpleNamespace

from runs.folder import processes

if __name__ == "__main__":
    torch = ModuleType("torch")
    torch.cuda = SimpleNamespace(_is_in_bad_fork=lambda: False)  # type: ignore[attr-defined]
    sys.modules["torch"] = torch
    sys.exit(processes.main(sys.argv[1:]))
