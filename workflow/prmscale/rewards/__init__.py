"""Process reward models: what they are trained on, their training, and how well they tell right
from wrong.
"""
