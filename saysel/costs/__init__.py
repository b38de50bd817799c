"""Work, tokens, requests and prices, before and during a run."""
