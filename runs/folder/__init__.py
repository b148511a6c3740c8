"""The child's side of a run: its folder, metrics, progress, checkpoint and stop signal.

Pure: no Django, database or network. The worker (``runs.execution``) writes ``config.json`` and
``inputs/`` and starts a child process; the child reads them through this package, reports through
``metrics.jsonl`` and ``progress.json``, keeps its newest checkpoint, and leaves its result in
``output/``. A run can therefore be repeated by hand anywhere from its folder alone.

    DIR/config.json      the frozen config, complete       DIR/metrics.jsonl   one object a step, appended
    DIR/inputs/          snapshot.jsonl, prompts.jsonl     DIR/checkpoint/     newest resumable state
    DIR/output/          weights, tokenizer, meta.json     DIR/log.txt         what the child printed
    DIR/progress.json    what it does now                  DIR/failure.json    why it ended, if it failed
    DIR/device.json      what it computes on               DIR/watched.jsonl   what it answers as it learns, appended

    folder.py      RunFolder: the paths, config.json, the single writer's lock
    config.py      config.json to a frozen dataclass; lines.py: the lines of a JSONL input, checked field by field
    metrics.py     Metrics: append a step, cut back to a checkpoint's step; read from an offset
    progress.py    Progress: done of total, and what is being done
    checkpoint.py  save_checkpoint, load_checkpoint: tensors and JSON state in one safetensors file
    stopping.py    StopSignal: SIGTERM, and the pipe that closes when the worker dies
    child.py       run_command, run_child: the frame around every child's main, from lock to exit code
    loading.py     what is loaded at a start is no matter of Python's collector
    starting.py    a child is started, from nothing or by a fork; forking.py: the process that forks
    forked.py      a fork of this process that becomes another
    processes.py   several processes of one training on this machine
    files.py       write a file atomically; digests of files and folders
    archive.py     a folder as one archive, made while it is sent
    errors.py      RunError and what it means to the person who started the run
"""
