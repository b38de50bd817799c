"""Proximal policy optimization; the trainer is in `saysel.trainers.ppo.trainer`."""
