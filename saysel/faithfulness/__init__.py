"""Whether rationales say what the model does."""
