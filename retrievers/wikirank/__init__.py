"""wikirank: wiki text in, ranked and cited passages out. Imports no LangChain."""

__version__ = "0.1.0"
