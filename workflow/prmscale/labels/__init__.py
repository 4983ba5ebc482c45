"""Labelling of steps.

`methods` lists the methods that label by rollouts, each a generator in a module that bears its
name; `omega` grows trees; `labeller` runs a method on a data set; `table` writes what it found as
labels; `readings` makes other labels of those stored, without rollouts; `imported` reads corpora
that bring their own labels.
"""
