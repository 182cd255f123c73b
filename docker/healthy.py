"""Does the web role in this container want traffic? Exit code 0 if /readyz says so."""

import os
import sys
import urllib.request

host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
request = urllib.request.Request(
    f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/readyz",
    headers={"Host": host if host not in ("", "*") else "localhost"},
)
try:
    # Not through a proxy that the environment may name for the outside world.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=4) as answer:
        print(answer.read().decode())
except OSError as error:
    sys.exit(f"not ready: {error}")
