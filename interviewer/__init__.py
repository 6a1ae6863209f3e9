"""A mock interviewer for machine-learning, computer-vision and Python jobs."""

__version__ = "0.1.0"
