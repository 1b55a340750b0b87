"""The health check of a container: asks a service on this machine, at its operator's port, whether it is ready; exits with 0
or 1.

    python -m services.cli.ready ledger
    python -m services.cli.ready ledger-worker

It imports nothing heavy, as it runs every few seconds.
"""

import http.client
import os
import sys

PORTS = {"console": 8000, "registry": 8001, "ledger": 8002, "transfer": 8003, "sync": 8004}
_SECONDS_MAX = 4.0


def is_ready(service: str) -> bool:
    """Whether `GET /readyz` answers 200; of a worker when the name ends in `-worker`."""
    name, _, worker = service.partition("-")
    port = int(os.environ.get(f"XUEFEN_{name.upper()}_PORT") or PORTS[name]) + (2_000 if worker else 1_000)
    told = "XUEFEN_WORKER_OPERATIONS_PORT" if worker else "XUEFEN_OPERATIONS_PORT"
    port = int(os.environ.get(told) or 0) or port
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
