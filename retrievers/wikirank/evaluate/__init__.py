"""Retrieval metrics, and the data sets they are measured on."""
