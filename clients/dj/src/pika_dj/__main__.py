"""`python -m pika_dj` is the same as `pika-dj`."""

import sys

from pika_dj.cli import main

if __name__ == "__main__":
    sys.exit(main())
