"""Train a cross-encoder by the original model card's recipe, export it and write its model card.

Training needs the `[train]` extra. Importing this package does not, and does not load torch.
"""

from wikirank.train.card.data import CardPairs, card_pairs
from wikirank.train.card.run import train_card
from wikirank.train.fit.history import LabelledPair

__all__ = ["CardPairs", "LabelledPair", "card_pairs", "train_card"]
