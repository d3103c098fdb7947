"""The independent auditor, with a naive exchange of its own."""

from prerequisites import require

require()  # of whichever program in here is started
