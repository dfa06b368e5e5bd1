"""Golden results: simulations whose integers are pinned in `data/`, so that a redesign cannot move one unnoticed."""
