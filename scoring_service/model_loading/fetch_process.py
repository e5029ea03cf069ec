"""The process that fetches a model for the server (`python -m …`); it ends with the server, however that ends.

The server holds the other end of its standard input, and never writes there: the end of it is the end of the server, even of one that
was killed.
"""

from __future__ import annotations

import os
import threading

from claimvet.models.registry.model_store import main


def _end_with_server() -> None:
    os.read(0, 1)  # not of `sys.stdin`, whose lock would be held when this process ends
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_server, daemon=True).start()
    raise SystemExit(main())
