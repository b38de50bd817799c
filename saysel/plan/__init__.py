"""From a recipe to steps with fingerprints."""
