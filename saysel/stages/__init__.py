"""The stages, one file each: what a stage depends on, what it costs, and how it runs.

`saysel.plan.stage` says what a stage is, `saysel.plan.stage_names` lists all of them.
"""
