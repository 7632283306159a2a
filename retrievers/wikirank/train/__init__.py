"""Training a cross-encoder: the original model card's recipe, its export, its model card.

Training needs the `[train]` extra; importing this package does not, and loads no torch.
"""

from wikirank.train.card_recipe import CardPairs, LabelledPair, card_pairs
from wikirank.train.run import train_card

__all__ = ["CardPairs", "LabelledPair", "card_pairs", "train_card"]
