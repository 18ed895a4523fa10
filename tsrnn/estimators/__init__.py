"""scikit-learn lives here: estimators remember what was learned; everything below them is functions of arrays."""
