"""From topics, a level or a job description to the plan of an interview."""
