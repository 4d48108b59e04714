"""A service in a process of its own: ``python -m tests.streams.serving FOLDER CLOCK``; says its address on stdout."""

import socket
import sys
from pathlib import Path

from streams.serving import serve


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        serve(
            Path(sys.argv[1]),
            listener=listener,
            clock="wall" if sys.argv[2] == "wall" else "event",
            ready=lambda: sys.stdout.write(f"http://127.0.0.1:{port}\n") and sys.stdout.flush(),
        )


if __name__ == "__main__":
    main()
