"""Programs of clients, and what `make clients` installs for them: no tests, and not importable without the generated client."""

collect_ignore_glob = ["*"]
