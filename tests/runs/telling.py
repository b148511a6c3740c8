"""A child that tells what it is, for the tests of how children begin: python -m tests.runs.telling WORD...

The first word says how it ends: a number is its exit code, ``fail`` an error, ``wait`` waits for a signal.
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    kept = os.environ.get("KEPT")
    report = {
        "arguments": sys.argv[1:],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "group": os.getpgrp() == os.getpid(),
        "path": sys.path[0],
        "name": __name__,
        "read": os.read(0, 1).decode(),
        "kept": os.read(int(kept), 5).decode() if kept else "",
        "open": len(list(Path("/proc/self/fd").iterdir())),
        "loaded": "xml.dom.minidom" in sys.modules,
    }
    sys.stdout.write(json.dumps(report) + "\n")
    if sys.argv[1] == "fail":
        raise RuntimeError("it was to fail")
    if sys.argv[1] == "wait":
        time.sleep(600)
    sys.exit(int(sys.argv[1]))
