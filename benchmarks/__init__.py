"""What the package costs beside the obvious way of doing the same."""
