"""Fully connected networks that learn by STDP, without labels, within a memory budget (`RECIPE.md`).

memory   bits that such a network takes, and the largest one that fits a budget
network  the network: neurons that inhibit each other, fixed-point weights, learning and answers
recipe   the table of RECIPE.md: budgets and widths of weights, networks that fit them, what they find
"""
