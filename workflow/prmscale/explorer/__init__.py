"""The explorer: one page to look at every problem, solution, step and search tree of a study.

`data` collects what the page shows, `columns` packs it, and `page` puts both into one file.
"""
