"""The health check of a container: asks a service on this machine, at its operator's port, whether it is ready; exits with 0
or 1.

    python -m services.cli.ready ledger

It imports nothing heavy, as it runs every few seconds.
"""

import http.client
import os
import sys

PORTS = {"console": 8000, "registry": 8001, "ledger": 8002, "transfer": 8003, "sync": 8004}
_SECONDS_MAX = 4.0


def is_ready(service: str) -> bool:
    """Whether `GET /readyz` answers 200."""
    port = int(os.environ.get(f"XUEFEN_{service.upper()}_PORT") or PORTS[service]) + 1_000
    port = int(os.environ.get("XUEFEN_OPERATIONS_PORT") or 0) or port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_MAX)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_ready(sys.argv[1]))
