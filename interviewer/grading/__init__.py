"""Reply and rubric to verdicts, verdicts to score."""
