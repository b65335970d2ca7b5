"""Tests of single parts, in the layout of the packages; a minute in all."""
