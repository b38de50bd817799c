"""Sampling from servers: options, requests, retries, limits and stored responses."""
