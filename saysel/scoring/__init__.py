"""From predictions to scores with intervals, and paired comparison."""
