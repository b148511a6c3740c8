"""Judgements in and out as files: JSONL read and written, imports, exports, snapshots, and their runs."""
