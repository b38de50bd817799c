"""The Python API: what `import saysel` offers. The command line prints what these return.

    running, run_directory    a recipe becomes a run; what a run directory holds
    checking                  what a recipe would do
    scoring, comparing        metrics with intervals, and paired differences, of any predictions
    asking, abstaining        questions to a trained model, and when to give its answer
    predictions, rows         what may be given as predictions, and how they are read

Functions return objects that print as text and show as HTML in notebooks. They print only
progress, raise `SayselError` for expected problems, and warn with `SayselWarning`.
"""
