"""nbgrader in this folder, for who uses it by hand.

It hands out, collects and keeps the gradebook. `make grade` marks, in a sandbox; nbgrader alone
would run what was handed in where it can do harm, and does not do so with this file.
"""

from pathlib import Path

c = get_config()  # noqa: F821 - nbgrader defines it

c.CourseDirectory.course_id = "xavier"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.OverwriteCells.add_missing_cells = True
c.Autograde.autograde_preprocessors = []
