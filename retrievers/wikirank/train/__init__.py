"""Training a cross-encoder: the original model card's recipe, its export, its model card.

Training needs the `[train]` extra; importing this package does not, and loads no torch.
"""

from wikirank.train.card.data import CardPairs, card_pairs
from wikirank.train.card.run import train_card
from wikirank.train.fit.history import LabelledPair

__all__ = ["CardPairs", "LabelledPair", "card_pairs", "train_card"]
