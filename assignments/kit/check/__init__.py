"""What answers are asked for, and how they are judged: in a student's notebook and for a mark."""
