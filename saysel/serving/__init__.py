"""`saysel serve`: a trained model and its confidence, with an OpenAI-compatible API."""
