"""Explanations derived from the journal, made in a process of their own. No part of Flask."""

from prerequisites import require

require()  # of whichever program in here is started
