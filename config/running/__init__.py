"""Running Concord: the embedded Postgres, the supervisor of its processes, and the start of `demo` and `serve`."""
