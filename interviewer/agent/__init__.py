"""The interviewer: what to do next, and how to say it without giving a key point away."""
