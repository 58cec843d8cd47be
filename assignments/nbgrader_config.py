"""nbgrader in this folder, for who uses it by hand; `make grade` says the same on its own.

nbgrader keeps the gradebook and writes the feedback. It does not run submissions: where it would,
marks are put in that the judge has found in a sandbox.
"""

from pathlib import Path

from xavier_grading.mark.gradebook import PREPROCESSORS

c = get_config()  # noqa: F821 - nbgrader defines it

c.CourseDirectory.course_id = "xavier"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.OverwriteCells.add_missing_cells = True
c.Autograde.autograde_preprocessors = list(PREPROCESSORS)
c.Marks.reports = str(Path(__file__).resolve().parent / "marking" / "reports")
