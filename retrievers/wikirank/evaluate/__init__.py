"""Evaluation of first stages and rerankers on retrieval data sets, and reports."""
