"""Explanations derived from the journal, made in a process of their own. No part of Flask."""
