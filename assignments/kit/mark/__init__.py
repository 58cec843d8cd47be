"""The teacher's side: what restores, runs and marks submissions."""

import os

if os.name != "posix":
    raise SystemExit(
        "marking needs Linux, macOS, or Windows with WSL; a student's notebook needs none of these"
    )
