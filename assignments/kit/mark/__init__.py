"""What marks submissions: a sandbox for each, its judge outside, and nbgrader for the marks."""
