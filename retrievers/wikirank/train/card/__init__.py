"""Train by the original model card's recipe."""
