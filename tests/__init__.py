"""The tests, one file per file of consent/. Hypothesis runs the same examples everywhere and is never timed."""

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
