"""A human study of rationales: pages for raters, and scores from what they rated.

writers         the replies and rationales of a run's models
items           what a rater sees, and the key that raters do not get
design          draws the items: stratified, blinded, with controls
pages           one self-contained page for each rater
label_studio    the same items for Label Studio
new             writes a study
ratings         reads what raters have rated
agreement       weighted kappa and Krippendorff's alpha
findings        scores by writer, differences, correlations, power
report          the findings as console tables, page and CSV
score           from the raters' files to the report
"""
